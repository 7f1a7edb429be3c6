"""A list anywhere is a grid: every combination of the listed values, in the order they are written."""

from collections.abc import Callable, Mapping

IsSequence = Callable[[str, Mapping[str, object]], bool]


def expand(table: Mapping[str, object], is_sequence: IsSequence) -> list[dict[str, object]]:
    """Every choice of one value per key, the keys taken in the order of the table.

    Where `is_sequence(key, what is chosen so far)` holds a list is one value, and a list of lists the grid.
    """
    chosen: list[dict[str, object]] = [{}]
    for key, value in table.items():
        chosen = [{**before, key: one} for before in chosen for one in _choices(value, is_sequence(key, before))]
    return chosen


def _choices(value: object, sequence: bool) -> list[object]:
    if not isinstance(value, list) or (sequence and not any(isinstance(one, list) for one in value)):
        return [value]
    return value
