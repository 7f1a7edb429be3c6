"""What the values within a record are, as far as readers rely on them; what else a record holds is its own affair."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

_LARGEST = 2**63 - 1

Shape: TypeAlias = "tuple[Callable[[object], bool], str]"
"""A test, and how a message says what passes it."""


def _is_count(value: object) -> bool:
    return type(value) is int and 0 <= value <= _LARGEST


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and _is_number(value) and value >= 0


def _is_number(value: object) -> bool:
    return (type(value) is int and abs(value) <= _LARGEST) or (isinstance(value, float) and math.isfinite(value))


def _each(test: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(test, value))


def _or_null(shape: Shape) -> Shape:
    test, expected = shape
    return (lambda value: value is None or test(value)), f"{expected} or null"


_TEXT: Shape = (lambda value: isinstance(value, str), "a text")
_FLAG: Shape = (lambda value: isinstance(value, bool), "true or false")
_COUNT: Shape = (_is_count, "a whole number from 0 to 2⁶³ − 1")
_AMOUNT: Shape = (_is_amount, "a number of at least 0")
_NUMBER: Shape = (_is_number, "a number")
_OBJECT: Shape = (lambda value: isinstance(value, dict), "an object")
_COUNTS: Shape = (lambda value: _each(_is_count)(value) and bool(value), "a list of at least one whole number")
_NUMBERS: Shape = (_each(lambda one: one is None or _is_number(one)), "a list of numbers")
_STEPS: Shape = (lambda value: bool(value) and _each(lambda one: _is_step(one))(value), "a list of at least one step")


def _is_histogram(value: object) -> bool:
    edges, counts = (value.get("edges"), value.get("counts")) if isinstance(value, dict) else (None, None)
    if not isinstance(edges, list) or not isinstance(counts, list):
        return False
    return all(map(_is_number, edges + counts)) and len(edges) == len(counts) + 1


def _are_rows(value: object) -> bool:
    if not isinstance(value, list) or not all(isinstance(row, list) and _NUMBERS[0](row) for row in value):
        return False
    return len({len(row) for row in value}) == 1


_ROWS: Shape = (_are_rows, "a list of lists of numbers, equally long")


def _is_step(value: object) -> bool:
    """Whether it is a step with its plugins and its recipe."""
    if not isinstance(value, dict):
        return False
    recipe = value.get("recipe")
    if recipe is not None and not (isinstance(recipe, dict) and _is_count(recipe.get("epochs"))):
        return False
    plugins = [one for kind in _PLUGINS if (one := value.get(kind)) is not None]
    return all(
        isinstance(one, dict) and isinstance(one.get("name"), str) and isinstance(one.get("fields"), dict)
        for one in plugins
    )


_PLUGINS = ("dataset", "model", "pruner", "quantizer", "regularizer")

_SHAPES: Mapping[str, Mapping[str, Shape]] = {
    "cell": {
        **dict.fromkeys(("board", "title", "role", "group", "method", "setting", "dense"), _TEXT),
        **dict.fromkeys(("question", "rank_by", "control"), _or_null(_TEXT)),
        **dict.fromkeys(("line", "seed"), _COUNT),
        "seeds": _COUNTS,
        "steps": _STEPS,
        "shown": _FLAG,
    },
    "metrics": {
        **dict.fromkeys(("accuracy", "bits_per_weight", "compression", "covered", "sparsity"), _or_null(_AMOUNT)),
        **dict.fromkeys(("correct", "examples", "effective_macs", "macs", "nonzeros"), _or_null(_COUNT)),
        **dict.fromkeys(("parameters", "size_bytes"), _or_null(_COUNT)),
        **dict.fromkeys(("loss", "param_sparsity"), _or_null(_NUMBER)),
        **dict.fromkeys(("correct_bits", "weights_sha256"), _or_null(_TEXT)),
        **dict.fromkeys(("solution", "support"), _NUMBERS),
        "audit": _OBJECT,
        "bn_scales": (_is_histogram, "an object of edges and counts"),
    },
    "cost": {name: _or_null(_AMOUNT) for name in ("epochs", "latency_ms", "seconds", "train_seconds")},
    "history": {**dict.fromkeys(("bn_sparsity", "train_accuracy", "train_loss"), _NUMBERS), "weights": _ROWS},
    "provenance": {
        **dict.fromkeys(("benchsuite", "device", "numpy", "python", "torch"), _TEXT),
        "data": _OBJECT,
        "protocol": _COUNT,
    },
    "error": {"reason": _TEXT},
}
_LAYER: Mapping[str, Shape] = {
    "name": _TEXT,
    **dict.fromkeys(("weights", "zeros", "macs", "effective_macs"), _COUNT),
    **dict.fromkeys(("bits", "neff"), _or_null(_AMOUNT)),
    "shape": (_each(_is_count), "a list of whole numbers"),
}


def faults_of_values(record: Mapping[str, object]) -> Iterator[str]:
    """Each value of a record's objects that is not what its name says, with its place."""
    for part, shapes in _SHAPES.items():
        yield from _faults(part, record.get(part), shapes)
    layers = record.get("layers")
    for number, layer in enumerate(layers if isinstance(layers, list) else []):
        yield from _faults(f"layers[{number}]", layer, _LAYER)


def _faults(place: str, values: object, shapes: Mapping[str, Shape]) -> Iterator[str]:
    for name, value in values.items() if isinstance(values, dict) else ():
        if name in shapes and not shapes[name][0](value):
            yield f'"{place}.{name}" should be {shapes[name][1]}'
