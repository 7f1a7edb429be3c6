"""How far apart the accuracies of a board's lines are: paired by seed and test example, as `compare` does it."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

from benchsuite.compare.lines import Side, compared
from benchsuite.metrics.paired import Contrast, Estimate, Prior, fit_prior
from benchsuite.report.lines import Line, Table
from benchsuite.store import Record

_ALPHA = 0.025
_EXAMPLES_ALONE = Prior(correlation=0.0, slope=0.0, freedom=1e9, at=1.0)
"""Where no line has two seeds: the variance of these networks on other examples. What other trainings would give,
nothing here can tell."""


class Effects:
    """The differences between lines of one table, whose dispersions are moderated by those of all its lines."""

    def __init__(self, table: Table) -> None:
        self._table = table

    @cached_property
    def _prior(self) -> Prior:
        contrasts = list(self._contrasts())
        return fit_prior(contrasts) if any(one.freedom for one in contrasts) else _EXAMPLES_ALONE

    def _contrasts(self) -> Iterator[Contrast]:
        for line in self._table.lines:
            if line.role != "dense" and line.complete and (found := _contrast(line.parents, line.records)):
                yield found

    def between(self, base: Sequence[Record], new: Sequence[Record]) -> Estimate | None:
        """Accuracy of `new` − that of `base`, in points; None unless all have a result, and the same seeds."""
        contrast = _contrast(base, new)
        return Estimate(contrast, self._prior) if contrast else None

    def change(self, line: Line) -> Estimate | None:
        """Against the dense parents; None unless every seed has a result."""
        return self.between(line.parents, line.records) if line.complete else None


def margin(estimate: Estimate, comparisons: int = 1) -> float:
    """Half the width of the 95 % interval, in points; of so many intervals that all hold at 95 % (Bonferroni)."""
    contrast = estimate.contrast
    if not contrast.disagreement:
        return 0.0
    found = estimate.margin(_ALPHA / comparisons)
    if estimate.prior is _EXAMPLES_ALONE:  # McNemar's variance is that of no change
        found *= math.sqrt(1 - (contrast.change / 100) ** 2 / contrast.disagreement)
    return found


def distinguishable(estimate: Estimate, comparisons: int = 1) -> bool:
    """Whether the interval leaves out 0."""
    return abs(estimate.change) > margin(estimate, comparisons)


def _contrast(base: Sequence[Record], new: Sequence[Record]) -> Contrast | None:
    """None over a hole on either side, and where the seeds are others."""
    sides = [{int(str(one.cell["seed"])): one for one in side if one.status == "ok"} for side in (base, new)]
    if sides[0].keys() != sides[1].keys() or len(sides[0]) < max(len(base), len(new)):
        return None
    line = compared(*(Side(side, {}) for side in sides))
    return line.contrast if line else None
