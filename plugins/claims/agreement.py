"""Common turning points of the networks of a board: their mean, and a test of whether they differ."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean, median, median_high, median_low, stdev

import numpy as np
from scipy.special import chdtrc, ndtri, stdtrit

from .fits import Turn
from .sweeps import Sweep, grouped

_UPPER = 0.975
"""The quantile at the upper end of a 95 % interval."""


@dataclass(frozen=True)
class Agreement:
    """The thresholds of a board's networks, logarithms of the field."""

    board: str
    tolerance: float
    """Loss in points that counts as kept."""
    networks: dict[str, Turn]
    """By name, the medians over the network's curves: of the estimates and of the ends of their intervals."""

    @cached_property
    def mean(self) -> Turn | None:
        """The mean over networks like these; None for one network, or where a threshold lies beyond the sweep."""
        return mean([turn.estimate for turn in self.networks.values()])

    @cached_property
    def chance(self) -> float | None:
        """The chance of thresholds this far apart if all networks had one; None for one network or an open interval."""
        return homogeneity(list(self.networks.values()))

    @property
    def extremes(self) -> tuple[str, str]:
        """The networks of the lowest and the highest threshold."""
        ordered = sorted(self.networks, key=lambda name: self.networks[name].estimate)
        return ordered[0], ordered[-1]


def agreements(sweeps: Iterable[Sweep], tolerances: Sequence[float]) -> list[list[Agreement]]:
    """Return for each board an agreement for each tolerance."""
    boards = [
        (board, grouped(curves, lambda sweep: sweep.network))
        for board, curves in grouped(sweeps, lambda sweep: sweep.board)
    ]
    return [
        [
            Agreement(board, tolerance, {name: _network(curves, tolerance) for name, curves in networks})
            for tolerance in tolerances
        ]
        for board, networks in boards
    ]


def _network(curves: Sequence[Sweep], tolerance: float) -> Turn:
    """Return the median of curves, no surer than each of them: they share their dense parents and so err together."""
    turns = [curve.threshold(tolerance) for curve in curves]
    return Turn(*(centre(ends) for ends in zip(*((turn.estimate, turn.low, turn.high) for turn in turns), strict=True)))


def mean(estimates: Sequence[float]) -> Turn | None:
    """Return the mean with Student's interval; None for fewer than two estimates, or where one is not finite."""
    if len(estimates) < 2 or not all(map(math.isfinite, estimates)):
        return None
    half = float(stdtrit(len(estimates) - 1, _UPPER)) * stdev(estimates) / math.sqrt(len(estimates))
    return Turn(fmean(estimates), fmean(estimates) - half, fmean(estimates) + half)


def homogeneity(turns: Sequence[Turn]) -> float | None:
    """Return the chance of estimates this far apart if the truth is one.

    It is p of Q = Σ ((xᵢ − x̄) / sᵢ)², x̄ weighed by 1 / sᵢ²; a 95 % interval is 2 · 1.96 sᵢ wide. None for fewer than
    two estimates, or where an interval has no end or no width.
    Source: Cochran 1954, "The combination of estimates from different experiments".
    """
    errors = np.array([turn.high - turn.low for turn in turns]) / (2 * ndtri(_UPPER))
    if len(turns) < 2 or not np.all(np.isfinite(errors) & (errors > 0)):
        return None
    estimates = np.array([turn.estimate for turn in turns])
    middle = np.average(estimates, weights=errors**-2)
    return float(chdtrc(len(turns) - 1, np.square((estimates - middle) / errors).sum()))


def centre(logs: Sequence[float]) -> float:
    """Return the median; NaN between −∞ and ∞."""
    low, high = median_low(logs), median_high(logs)
    if math.isinf(low) and math.isinf(high):
        return low if low == high else math.nan
    return median(logs)
