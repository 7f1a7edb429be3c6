"""Numbers of the claims in words."""

import math
from collections.abc import Iterable, Sequence

from benchsuite.report.formats import NOTHING, signed

POINTS = "+.2f"
"""The format of a change of accuracy."""


def number(value: float, digits: int = 2) -> str:
    """Return a single value without a plus; that of the formats takes the mean of a summary."""
    return signed(value, f".{digits}f")


def span(values: Iterable[float], digits: int = 2) -> str:
    """Return the least and the greatest of the finite values: "0.71 to 1.37"."""
    finite = [number(value, digits) for value in sorted(values) if math.isfinite(value)]
    if not finite:
        return NOTHING
    return finite[0] if finite[0] == finite[-1] else f"{finite[0]} to {finite[-1]}"


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """Return a number with its noun: "1 row", "1,200 rows"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def listing(words: Sequence[str]) -> str:
    """Return words as a list: "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
