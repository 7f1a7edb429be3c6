"""What a line asks for, read from the steps of its chain; no plugin is known here but by its fields."""

from collections.abc import Iterator, Mapping
from typing import cast

from benchsuite.report.lines import Line

Step = Mapping[str, object]
Budget = tuple[tuple[str, object], ...]
Bits = tuple[int, ...]
SPARSITY, BITS = "sparsity", "bits"
"""The fields by which a pruner and a quantizer are told how much to take away."""


def steps(line: Line) -> list[Step]:
    """The canonical steps of the line's chain, the dense training first; they differ by seed in `matched_to` alone."""
    found = line.records[0].cell["steps"]
    return list(found) if isinstance(found, list | tuple) else []


def training_steps(line: Line) -> list[Step]:
    """The steps after the dense training that have a recipe: schedules and fine-tunings."""
    return [step for step in steps(line)[1:] if step.get("recipe")]


def is_tuned(line: Line) -> bool:
    """Whether anything was trained after the dense training."""
    return bool(training_steps(line))


def is_matched(step: Step) -> bool:
    """Whether the step takes its level from another chain's outcome."""
    return bool(step.get("matched_to"))


def plugin(step: Step) -> tuple[str, Mapping[str, object]]:
    """Name and fields of the step's pruner or quantizer; empty for a training."""
    use = cast(Mapping[str, object], step.get("pruner") or step.get("quantizer") or {"name": "", "fields": {}})
    return str(use["name"]), cast(Mapping[str, object], use["fields"])


def quantizes(line: Line) -> bool:
    """Whether one of its steps puts weights on a grid."""
    return any(step.get("step") == "quantize" for step in steps(line))


def is_tuned_on_grid(line: Line) -> bool:
    """Whether anything was trained after the last step that puts weights on a grid."""
    found = steps(line)
    places = [place for place, step in enumerate(found) if step.get("step") == "quantize"]
    return bool(places) and any(step.get("recipe") for step in found[places[-1] :])


def bit_widths(line: Line) -> Bits:
    """The bits of its quantized weights, the fewest first: as asked for and as found in its layers; empty of none."""
    asked = {bits for step in steps(line) if isinstance(bits := plugin(step)[1].get(BITS), int)}
    found = {bits for layer in line.records[0].layers if (bits := layer.get(BITS)) in asked}
    return tuple(sorted(int(cast(float, bits)) for bits in found or asked))


def asked_sparsity(line: Line) -> tuple[float, bool] | None:
    """The sparsity that its pruner was asked for in a number, and whether it counts channels; None of none."""
    for step in _prunings(line):
        level = plugin(step)[1].get(SPARSITY)
        if isinstance(level, int | float) and not is_matched(step):
            return float(level), bool(step.get("physical"))
    return None


def chooses(line: Line) -> bool:
    """Whether a pruner of it decides for itself how much it takes away."""
    return any(SPARSITY not in plugin(step)[1] for step in _prunings(line))


def budget(line: Line) -> Budget:
    """What was asked of its pruners and quantizers: levels and bits, or the numbers of those that choose themselves."""
    return tuple(asked for step in steps(line)[1:] for asked in _asked(step))


def variant(line: Line) -> str:
    """Its method with the switches and words that are on: all that is no level, and no training."""
    told = [line.method]
    for step in steps(line)[1:]:
        told += [name for name, value in plugin(step)[1].items() if value is True]
    return " ".join(told)


def _prunings(line: Line) -> Iterator[Step]:
    return (step for step in steps(line) if step.get("step") == "prune")


def _asked(step: Step) -> Iterator[tuple[str, object]]:
    fields = plugin(step)[1]
    if is_matched(step):
        yield "matched_to", step["matched_to"]
        return
    levels = [name for name in (SPARSITY, BITS) if name in fields]
    numbers = [name for name, value in fields.items() if type(value) in (int, float)]
    for name in levels or numbers:
        yield ("channels" if step.get("physical") and name == SPARSITY else name), fields[name]
