"""A list anywhere is a grid: every combination of the listed values, in the order they are written."""

from collections.abc import Callable, Mapping

from benchsuite.errors import ConfigError
from benchsuite.plan.limits import require_few_points

IsSequence = Callable[[str, Mapping[str, object]], bool]


def expand(table: Mapping[str, object], is_sequence: IsSequence) -> list[dict[str, object]]:
    """Every choice of one value per key, the keys taken in the order of the table, tables within it alike.

    Where `is_sequence(key, what is chosen so far)` holds a list is one value, and a list of lists the grid.
    Errors: ConfigError for an empty list, which would plan nothing, and for too many choices, counted before they
    are made.
    """
    chosen: list[dict[str, object]] = [{}]
    for key, value in table.items():
        if value == [] and not all(is_sequence(key, before) for before in chosen):
            raise ConfigError(f"{key}: an empty list; a list is a grid, with a value at least")
        if isinstance(value, list):
            require_few_points(sum(1 if is_sequence(key, before) else len(value) for before in chosen), key)
        chosen = [
            {**before, key: one} for before in chosen for one in _choices(value, is_sequence(key, before), is_sequence)
        ]
    return chosen


def _choices(value: object, sequence: bool, is_sequence: IsSequence) -> list[object]:
    if isinstance(value, dict):
        return [*expand(value, is_sequence)]
    if not isinstance(value, list) or (sequence and not any(isinstance(one, list) for one in value)):
        return [value]
    return [choice for one in value for choice in (expand(one, is_sequence) if isinstance(one, dict) else [one])]
