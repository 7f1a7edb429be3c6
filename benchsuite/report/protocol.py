"""A board's protocol in two lines, read from the steps of its records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from benchsuite.report.chains import Step, steps, training_steps
from benchsuite.report.lines import Line, Table
from benchsuite.wording import counted

_ONCE = "one-shot"
_NUMBERS = {"lr": "lr", "momentum": "momentum", "weight_decay": "weight decay", "batch_size": "batch"}


def protocol(table: Table) -> list[str]:
    """How the dense networks were trained, and what was trained after compression; nothing of a board without steps."""
    dense = [step for line in table.lines if line.role == "dense" for step in steps(line)[:1]]
    rows = [line for line in table.lines if line.role == "row" and steps(line)]
    told = [f"Dense: {'; '.join(_dense(dense))}."] if dense else []
    told += [f"After it: {'; '.join(_after(rows))}."] if rows else []
    return [counted(one) for one in told]


def _dense(trainings: Sequence[Step]) -> Iterator[str]:
    for kind in ("dataset", "model", "regularizer"):
        uses = [cast("Mapping[str, object]", step[kind]) for step in trainings if step.get(kind)]
        if uses:
            yield ", ".join([_several(f"`{use['name']}`" for use in uses), *_differences(uses)])
    if any(step.get("weights") for step in trainings):
        yield "from given weights"
    yield _recipes([_recipe(step) for step in trainings], epochs=True)


def _after(rows: Sequence[Line]) -> Iterator[str]:
    trained = [[int(cast(int, _recipe(step)["epochs"])) for step in training_steps(line)] for line in rows]
    schedules = [str(step["schedule"]) for line in rows for step in steps(line) if "schedule" in step]
    if any(schedule != _ONCE for schedule in schedules):
        yield f"schedule {_several(schedules)}"
    skipped = [step["skip"] for line in rows for step in steps(line) if "skip" in step]
    if any(skipped):
        yield f"layers skipped: {_several(' and '.join(map(str, cast(list[str], one))) or 'none' for one in skipped)}"
    totals = sorted({sum(epochs) for epochs in trained})
    if totals == [0]:
        yield "nothing is trained"
        return
    yield f"{'/'.join(map(str, totals))} epochs in all"
    yield _recipes([_recipe(step) for line in rows for step in training_steps(line)], epochs=False)


def _recipe(step: Step) -> Mapping[str, object]:
    return cast("Mapping[str, object]", step["recipe"])


def _recipes(recipes: Sequence[Mapping[str, object]], *, epochs: bool) -> str:
    """What the recipes have; where they differ, each value: "adam, lr 0.001/0.0003, batch 128, 10 epochs"."""
    told = [_several(one["optimizer"] for one in recipes)]
    told += [
        f"{word} {_several(one[name] for one in recipes)}"
        for name, word in _NUMBERS.items()
        if any(one[name] for one in recipes)
    ]
    told += [_several(_schedule(one) for one in recipes)] * any(one["schedule"] != "constant" for one in recipes)
    told += [f"{_several(one['epochs'] for one in recipes)} epochs"] * epochs
    if any(one["augmentation"] for one in recipes):
        told.append(_several("+".join(cast(list[str], one["augmentation"])) or "no augmentation" for one in recipes))
    if any(one["precision"] != "float32" for one in recipes):
        told.append(_several(one["precision"] for one in recipes))
    return ", ".join(told)


def _schedule(recipe: Mapping[str, object]) -> str:
    milestones = cast(list[int], recipe["milestones"])
    return str(recipe["schedule"]) + (f" at {', '.join(map(str, milestones))}" if milestones else "")


def _differences(uses: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """The fields by which plugins of one name differ."""
    fields = [cast("Mapping[str, object]", use["fields"]) for use in uses]
    for name in fields[0]:
        values = [one[name] for one in fields if name in one]
        if len({use["name"] for use in uses}) == 1 and len({str(value) for value in values}) > 1:
            yield f"{name} {_several(values)}"


def _several(values: Iterable[object]) -> str:
    return "/".join(dict.fromkeys(f"{value:g}" if isinstance(value, float) else str(value) for value in values))
