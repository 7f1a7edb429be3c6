"""How far apart the accuracies of a board's lines are: paired by seed and test example, as `compare` does it."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

from benchsuite.metrics.paired import Contrast, Estimate, Prior, fit_prior
from benchsuite.results.lines import BoardResults, Line
from benchsuite.results.pairing import SeedRecords, pair
from benchsuite.store.record import Record

_ALPHA = 0.025
_EXAMPLES_ALONE = Prior(correlation=0.0, slope=0.0, freedom=1e9, at=1.0)
"""Where no line has two seeds: the variance of these networks on other examples. What other trainings would give,
nothing here can tell."""


class Effects:
    """The differences between lines of one board, whose dispersions are moderated by those of all its lines."""

    def __init__(self, results: BoardResults) -> None:
        self._results = results

    @cached_property
    def _prior(self) -> Prior:
        contrasts = list(self._contrasts())
        return fit_prior(contrasts) if any(contrast.freedom for contrast in contrasts) else _EXAMPLES_ALONE

    def _contrasts(self) -> Iterator[Contrast]:
        for line in self._results.lines:
            if line.role != "dense" and line.complete and (contrast := _contrast(line.parents, line.records)):
                yield contrast

    def between(self, base: Sequence[Record], new: Sequence[Record]) -> Estimate | None:
        """Return accuracy of `new` − that of `base`, in points; None unless all have a result, and the same seeds."""
        contrast = _contrast(base, new)
        return Estimate(contrast, self._prior) if contrast else None

    def change(self, line: Line) -> Estimate | None:
        """Return the change against the dense parents; None unless every seed has a result."""
        return self.between(line.parents, line.records) if line.complete else None


def margin(estimate: Estimate, comparisons: int = 1) -> float:
    """Return half the width of the 95 % interval, in points; for several intervals that hold together (Bonferroni)."""
    contrast = estimate.contrast
    if not contrast.disagreement:
        return 0.0
    half = estimate.margin(_ALPHA / comparisons)
    if estimate.prior is _EXAMPLES_ALONE:  # McNemar's variance is that of no change
        half *= math.sqrt(1 - (contrast.change / 100) ** 2 / contrast.disagreement)
    return half


def distinguishable(estimate: Estimate, comparisons: int = 1) -> bool:
    """Return whether the interval leaves out 0."""
    return abs(estimate.change) > margin(estimate, comparisons)


def _contrast(base: Sequence[Record], new: Sequence[Record]) -> Contrast | None:
    """Return the contrast; None over a hole on either side, and where the seeds are others."""
    sides = [{record.seed: record for record in side if record.status == "ok"} for side in (base, new)]
    if sides[0].keys() != sides[1].keys() or len(sides[0]) < max(len(base), len(new)):
        return None
    paired = pair(*(SeedRecords(side, {}) for side in sides))
    return paired.contrast if paired else None
