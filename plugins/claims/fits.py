"""Turning points of curves: the point from which on a curve stays below a tolerance, and its bend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST_POINTS = 5
"""Fewest points of a curve to fit: the three numbers of a hinge, and two more that say how well it fits."""

_GRID = 2001

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Turn:
    """An estimate with its 95 % interval; −∞ or ∞ where it lies beyond the points of the curve."""

    estimate: float
    low: float
    high: float

    def side(self, value: float) -> int:
        """Return −1 for a value below the interval, 0 for one in it, 1 for one above it."""
        return int(value > self.high) - int(value < self.low)


def crossing(x: Floats, loss: Floats, margin: Floats, tolerance: float) -> Turn:
    """Return the smallest x from which on the loss stays within the tolerance, straight lines between the points.

    x: ascending (n,); loss, margin: (n,), the latter half the width of the loss' 95 % interval. The interval holds
    each x whose loss cannot be told from the tolerance: the test of a single point, inverted (Fieller 1954).
    """
    return Turn(*(_last_crossing(x, loss + shift, tolerance) for shift in (np.zeros_like(margin), -margin, margin)))


def _last_crossing(x: Floats, loss: Floats, tolerance: float) -> float:
    above = np.flatnonzero(loss > tolerance)
    if not len(above):
        return -np.inf
    last = int(above[-1])
    if last == len(x) - 1:
        return np.inf
    share = (loss[last] - tolerance) / (loss[last] - loss[last + 1])
    return float(x[last] + share * (x[last + 1] - x[last]))


def hinge(x: Floats, y: Floats) -> float:
    """Return the bend ψ of the least-squares fit y = a + b (ψ − x)₊.

    x: ascending (n,), n ≥ FEWEST_POINTS; y: (n,). ψ is sought between the second point and the last but one.
    Source: Muggeo 2003, "Estimating regression models with unknown break-points".
    """
    bends = np.linspace(x[1], x[-2], _GRID)
    ramps = np.maximum(bends[:, None] - x, 0.0)
    ramps -= ramps.mean(axis=1, keepdims=True)
    centred = y - y.mean()
    slopes = ramps @ centred / np.square(ramps).sum(axis=1)
    squares = np.square(centred - slopes[:, None] * ramps).sum(axis=1)
    return float(bends[squares.argmin()])
