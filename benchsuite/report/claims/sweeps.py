"""What a network loses along a field of its pruner: one curve for each board, network and variant."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchsuite.metrics.paired import Estimate
from benchsuite.report.claims.fits import FEWEST_POINTS, Floats, Turn, crossing, hinge
from benchsuite.report.claims.rows import Board, Row, rows
from benchsuite.report.claims.schema import TurningPoint
from benchsuite.report.effects import margin


@dataclass(frozen=True)
class Sweep:
    """The rows of one network and variant along the field."""

    board: str
    network: str
    variant: str
    values: Floats
    """Of the field, positive, ascending (n,)."""
    change: Floats
    """Of accuracy against the dense parents, in points (n,)."""
    margin: Floats
    """Half the width of its 95 % interval (n,)."""
    sparsity: Floats
    """Mean over the seeds (n,)."""
    tolerance: float
    """Loss in points that counts as kept."""

    @property
    def logs(self) -> Floats:
        """Of the values."""
        return np.log(self.values)

    @cached_property
    def threshold(self) -> Turn:
        """Where the loss passes the tolerance; a logarithm of the field."""
        return crossing(self.logs, -self.change, self.margin, self.tolerance)

    @cached_property
    def bend(self) -> Turn:
        """Where the curve has its corner; a logarithm of the field."""
        return hinge(self.logs, -self.change)

    def index(self, value: float) -> int | None:
        """Which of the points is at this value of the field."""
        found = [place for place, one in enumerate(self.values) if math.isclose(one, value)]
        return found[0] if found else None

    def sparsity_at(self, log: float) -> float:
        """At a logarithm of the field, on straight lines between the points; NaN beyond them."""
        return float(np.interp(log, self.logs, self.sparsity, left=np.nan, right=np.nan))


def sweeps(claim: TurningPoint, boards: Iterable[Board]) -> list[Sweep]:
    """Those with points enough, which are the rows that have a result of every seed."""
    found: dict[tuple[str, str, str], list[tuple[float, Row, Estimate]]] = {}
    for row in rows(boards, claim.where):
        value, change = row.fields.get(claim.along), row.board.effects.change(row.line)
        if isinstance(value, int | float) and value > 0 and change:
            place = (row.board.table.board, row.line.group, row.variant(claim.along))
            found.setdefault(place, []).append((value, row, change))
    return [_sweep(place, points, claim.tolerance) for place, points in found.items() if len(points) >= FEWEST_POINTS]


def _sweep(place: tuple[str, str, str], points: Sequence[tuple[float, Row, Estimate]], tolerance: float) -> Sweep:
    points = sorted(points, key=lambda point: point[0])
    sparsities = [summary.mean if (summary := row.line.metric("sparsity")) else math.nan for _, row, _ in points]
    return Sweep(
        *place,
        values=np.array([value for value, _, _ in points]),
        change=np.array([change.change for _, _, change in points]),
        margin=np.array([margin(change) for _, _, change in points]),
        sparsity=np.array(sparsities),
        tolerance=tolerance,
    )
