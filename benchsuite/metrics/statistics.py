"""Statistics over seeds; nothing aggregates over a hole."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Mean of `n` values and their spread, the sample standard deviation (ddof 1): None for a single value."""

    mean: float
    spread: float | None
    n: int


def summarize(values: Iterable[float]) -> Summary:
    """The summary of one value per seed. Errors: ValueError if there is none or one is not finite."""
    values = [float(value) for value in values]
    if not values:
        raise ValueError("no values to summarize")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"cannot summarize values that are not finite: {values}")
    spread = statistics.stdev(values) if len(values) > 1 else None
    return Summary(statistics.fmean(values), spread, len(values))


def paired_change(values: Sequence[float], parents: Sequence[float]) -> Summary:
    """The summary of value − parent, seed by seed. Errors: ValueError as in `summarize` and for unequal lengths."""
    if len(values) != len(parents):
        raise ValueError(f"{len(values)} values cannot be paired with {len(parents)} parents")
    return summarize(value - parent for value, parent in zip(values, parents, strict=True))
