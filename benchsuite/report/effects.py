"""How far apart the accuracies of a board's lines are: paired by seed and test example, as `compare` does it."""

from collections.abc import Iterator, Sequence
from functools import cached_property

from benchsuite.compare.lines import Side, compared
from benchsuite.metrics.paired import Contrast, Estimate, Prior, fit_prior
from benchsuite.report.lines import Line, Table
from benchsuite.store import Record

_ALPHA = 0.025
_EXAMPLES_ALONE = Prior(correlation=0.0, slope=0.0, freedom=1e9, at=1.0)
"""Where no line has two seeds: McNemar's variance, of these networks on other examples. What other trainings would give
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
        """Accuracy of `new` − that of `base`, in points, over the seeds that both have a result of; None of none."""
        contrast = _contrast(base, new)
        return Estimate(contrast, self._prior) if contrast else None

    def change(self, line: Line) -> Estimate | None:
        """Against the dense parents; None unless every seed has a result."""
        return self.between(line.parents, line.records) if line.complete else None


def margin(estimate: Estimate) -> float:
    """Half the width of the 95 % interval, in points."""
    return estimate.margin(_ALPHA) if estimate.contrast.disagreement else 0.0


def distinguishable(estimate: Estimate) -> bool:
    """Whether the 95 % interval leaves out 0."""
    return abs(estimate.change) > margin(estimate)


def _contrast(base: Sequence[Record], new: Sequence[Record]) -> Contrast | None:
    line = compared(*(Side({int(str(one.cell["seed"])): one for one in side}, {}) for side in (base, new)))
    return line.contrast if line and line.paired else None
