"""The loss of a network along a field of its pruner: one curve for each board, network and variant."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from benchsuite.metrics.paired import Estimate
from benchsuite.results import margin

from .fits import FEWEST_POINTS, Floats, Turn, crossing, hinge
from .rows import Board, Row, rows
from .schema import TurningPoint

Key = TypeVar("Key")

LEFT_OUT = 2
"""Values without which the bend is fitted again: a corner stays where it is when the sweep is shorter."""


@dataclass(frozen=True)
class Sweep:
    """The rows of one network and variant along the field."""

    board: str
    network: str
    variant: str
    values: Floats
    """Values of the field, positive, ascending (n,)."""
    change: Floats
    """Changes of accuracy against the dense parents, in points (n,)."""
    margin: Floats
    """Half the width of its 95 % interval (n,)."""
    sparsity: Floats
    """Mean over the seeds (n,)."""

    @property
    def logs(self) -> Floats:
        """Logarithms of the values."""
        return np.log(self.values)

    def threshold(self, tolerance: float) -> Turn:
        """Return the point where the loss passes so many points; a logarithm of the field."""
        return crossing(self.logs, -self.change, self.margin, tolerance)

    @cached_property
    def bend(self) -> float:
        """The corner of the curve; a logarithm of the field."""
        return hinge(self.logs, -self.change)

    @cached_property
    def refitted(self) -> float:
        """The bend without the LEFT_OUT smallest values; NaN where too few are left."""
        if len(self.values) < FEWEST_POINTS + LEFT_OUT:
            return math.nan
        return hinge(self.logs[LEFT_OUT:], -self.change[LEFT_OUT:])

    def index(self, value: float) -> int | None:
        """Return the number of the point at this value of the field; None without one."""
        return next((place for place, other in enumerate(self.values) if math.isclose(other, value)), None)

    def sparsity_at(self, log: float) -> float:
        """Return the sparsity at a logarithm of the field, on straight lines between the points; NaN beyond them."""
        return float(np.interp(log, self.logs, self.sparsity, left=np.nan, right=np.nan))


def sweeps(claim: TurningPoint, boards: Iterable[Board]) -> list[Sweep]:
    """Return the sweeps with points enough: each point is a row that has a result of every seed."""
    curves: dict[tuple[str, str, str], list[tuple[float, Row, Estimate]]] = {}
    for row in rows(boards, claim.where):
        value, change = row.fields.get(claim.along), row.board.effects.change(row.line)
        if isinstance(value, int | float) and value > 0 and change:
            place = (row.board.name, row.line.group, row.variant(claim.along))
            curves.setdefault(place, []).append((value, row, change))
    return [_sweep(place, points) for place, points in curves.items() if len(points) >= FEWEST_POINTS]


def _sweep(place: tuple[str, str, str], points: Sequence[tuple[float, Row, Estimate]]) -> Sweep:
    points = sorted(points, key=lambda point: point[0])
    sparsities = [summary.mean if (summary := row.line.metric("sparsity")) else math.nan for _, row, _ in points]
    return Sweep(
        *place,
        values=np.array([value for value, _, _ in points]),
        change=np.array([change.change for _, _, change in points]),
        margin=np.array([margin(change) for _, _, change in points]),
        sparsity=np.array(sparsities),
    )


def grouped(sweeps: Iterable[Sweep], key: Callable[[Sweep], Key]) -> list[tuple[Key, list[Sweep]]]:
    """Return the sweeps that have the same key together, in their order."""
    groups: dict[Key, list[Sweep]] = {}
    for sweep in sweeps:
        groups.setdefault(key(sweep), []).append(sweep)
    return list(groups.items())
