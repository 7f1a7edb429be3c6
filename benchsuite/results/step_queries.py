"""Questions about the chain of a line; no plugin is known here but by its fields."""

from collections.abc import Iterator

from benchsuite.api import Recipe
from benchsuite.chain import Frozen, Prune, Quantize, Step, Use
from benchsuite.results.lines import Line

Budget = tuple[tuple[str, Frozen], ...]
BitWidths = tuple[int, ...]
SPARSITY, BITS = "sparsity", "bits"
"""The fields that tell a pruner and a quantizer how much to take away."""


def recipes_after(line: Line) -> list[Recipe]:
    """Return the recipes of the trainings after the dense one: schedules and fine-tunings."""
    return [recipe for step in line.chain.steps[1:] if (recipe := step.trained_by) and recipe.epochs]


def plugin(step: Step) -> Use | None:
    """Return the step's pruner or quantizer; None for a training."""
    return step.pruner if isinstance(step, Prune) else step.quantizer if isinstance(step, Quantize) else None


def is_matched(step: Step) -> bool:
    """Return whether the step takes its level from another chain's outcome."""
    return isinstance(step, Prune) and step.matched_to is not None


def is_quantized(line: Line) -> bool:
    """Return whether one of its steps puts weights on a grid."""
    return any(isinstance(step, Quantize) for step in line.chain.steps)


def is_tuned_on_grid(line: Line) -> bool:
    """Return whether anything is trained after the last step that puts weights on a grid."""
    steps = line.chain.steps
    places = [place for place, step in enumerate(steps) if isinstance(step, Quantize)]
    return bool(places) and any(step.epochs_trained for step in steps[places[-1] :])


def removes_channels(line: Line) -> bool:
    """Return whether one of its steps removes channels physically."""
    return any(isinstance(step, Prune) and step.physical for step in line.chain.steps)


def bit_widths(line: Line) -> BitWidths:
    """Return the bit widths of its quantized weights in ascending order; empty for a line that quantizes nothing.

    Layers tell which of the widths that were asked for remain: a later quantizer may replace an earlier one.
    """
    asked = {bits for use in _plugins(line) if isinstance(bits := use.get(BITS), int)}
    remaining = {bits for bits in asked for layer in line.records[0].layers if layer.bits == bits}
    return tuple(sorted(remaining or asked))


def asked_sparsity(line: Line) -> tuple[float, bool] | None:
    """Return the sparsity that a pruner was asked for in a number, and whether it counts channels; None without one."""
    for step in _prunings(line):
        level = step.pruner.get(SPARSITY)
        if isinstance(level, int | float) and not is_matched(step):
            return float(level), step.physical
    return None


def chooses_sparsity(line: Line) -> bool:
    """Return whether one of its pruners decides for itself how much to take away."""
    return any(SPARSITY not in dict(step.pruner.fields) for step in _prunings(line))


def budget(line: Line) -> Budget:
    """Return what its pruners and quantizers were asked for: levels and bits, else all their numbers."""
    return tuple(asked for step in line.chain.steps[1:] for asked in _asked(step))


def variant(line: Line) -> str:
    """Return its method with the switches that are on: everything but levels and trainings."""
    switches = [name for use in _plugins(line) for name, value in use.fields if value is True]
    return " ".join([line.method, *switches])


def step_texts(line: Line) -> list[str]:
    """Return what tells its steps from those of other lines."""
    return [step.text for step in line.chain.steps]


def _plugins(line: Line) -> Iterator[Use]:
    for step in line.chain.steps:
        if use := plugin(step):
            yield use


def _prunings(line: Line) -> Iterator[Prune]:
    return (step for step in line.chain.steps if isinstance(step, Prune))


def _asked(step: Step) -> Iterator[tuple[str, Frozen]]:
    use = plugin(step)
    if use is None:
        return
    if isinstance(step, Prune) and step.matched_to:
        yield "matched_to", step.matched_to.key
        return
    fields = dict(use.fields)
    levels = [name for name in (SPARSITY, BITS) if name in fields]
    numbers = [name for name, value in fields.items() if type(value) in (int, float)]
    is_channels = isinstance(step, Prune) and step.physical
    for name in levels or numbers:
        yield ("channels" if is_channels and name == SPARSITY else name), fields[name]
