"""A board's protocol in two lines, read from the chains of its records."""

from collections.abc import Iterable, Iterator, Sequence

from benchsuite.api import Recipe
from benchsuite.chain import Prune, Quantize, Train, Use
from benchsuite.results import BoardResults, Line
from benchsuite.results.step_queries import recipes_after
from benchsuite.wording import counted

_ONCE = "one-shot"
_NUMBERS = {"lr": "lr", "momentum": "momentum", "weight_decay": "weight decay", "batch_size": "batch"}


def protocol(results: BoardResults) -> list[str]:
    """Return how the dense networks were trained, and what was trained after compression."""
    dense = [line.chain.training for line in results.lines if line.role == "dense"]
    rows = [line for line in results.lines if line.role == "row"]
    lines = [f"Dense: {'; '.join(_dense(dense))}."] if dense else []
    lines += [f"After it: {'; '.join(_after(rows))}."] if rows else []
    return [counted(line) for line in lines]


def _dense(trainings: Sequence[Train]) -> Iterator[str]:
    regularizers = [training.regularizer for training in trainings if training.regularizer]
    yield _plugins([training.dataset for training in trainings])
    yield _plugins([training.model for training in trainings])
    if regularizers:
        yield _plugins(regularizers)
    if any(training.weights for training in trainings):
        yield "from given weights"
    yield _recipes([training.recipe for training in trainings], epochs=True)


def _after(rows: Sequence[Line]) -> Iterator[str]:
    steps = [step for line in rows for step in line.chain.steps]
    schedules = [step.schedule for step in steps if isinstance(step, Prune)]
    if any(schedule != _ONCE for schedule in schedules):
        yield f"schedule {_several(schedules)}"
    skipped = [step.skip for step in steps if isinstance(step, Prune | Quantize)]
    if any(skipped):
        yield f"layers skipped: {_several(' and '.join(layers) or 'none' for layers in skipped)}"
    recipes = [recipes_after(line) for line in rows]
    totals = sorted({sum(recipe.epochs for recipe in trained) for trained in recipes})
    if totals == [0]:
        yield "nothing is trained"
        return
    yield f"{'/'.join(map(str, totals))} epochs in all"
    yield _recipes([recipe for trained in recipes for recipe in trained], epochs=False)


def _plugins(uses: Sequence[Use]) -> str:
    return ", ".join([_several(f"`{use.name}`" for use in uses), *_differences(uses)])


def _differences(uses: Sequence[Use]) -> Iterator[str]:
    """Yield the fields by which plugins of one name differ."""
    if len({use.name for use in uses}) > 1:
        return
    for name, _ in uses[0].fields:
        values = [dict(use.fields)[name] for use in uses if name in dict(use.fields)]
        if len({str(value) for value in values}) > 1:
            yield f"{name} {_several(values)}"


def _recipes(recipes: Sequence[Recipe], *, epochs: bool) -> str:
    """Return the recipes' values, each where they differ: "adam, lr 0.001/0.0003, batch 128, 10 epochs"."""
    parts = [_several(recipe.optimizer for recipe in recipes)]
    for name, word in _NUMBERS.items():
        values = [vars(recipe)[name] for recipe in recipes]
        parts += [f"{word} {_several(values)}"] * any(values)
    parts += [_several(map(_schedule, recipes))] * any(recipe.schedule != "constant" for recipe in recipes)
    parts += [f"{_several(recipe.epochs for recipe in recipes)} epochs"] * epochs
    if any(recipe.augmentation for recipe in recipes):
        parts.append(_several("+".join(recipe.augmentation) or "no augmentation" for recipe in recipes))
    if any(recipe.precision != "float32" for recipe in recipes):
        parts.append(_several(recipe.precision for recipe in recipes))
    return ", ".join(parts)


def _schedule(recipe: Recipe) -> str:
    milestones = ", ".join(map(str, recipe.milestones))
    return recipe.schedule + (f" at {milestones}" if milestones else "")


def _several(values: Iterable[object]) -> str:
    return "/".join(dict.fromkeys(f"{value:g}" if isinstance(value, float) else str(value) for value in values))
