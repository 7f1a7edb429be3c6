"""How much accuracy changed over several lines together, such as the levels of one method."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from scipy.special import stdtr, stdtrit

from benchsuite.metrics.paired import Estimate

TOGETHER = 0.5
"""The correlation of the errors of two lines that start from the same networks. Between the levels of one method it is
0.3 to 0.4 on most committed boards, and 0.8 where levels lie close; at 1, more lines would tell no more than one.
"""


@dataclass(frozen=True)
class Pooled:
    """The mean change of several lines: `change` / `error` follows Student's t with `freedom` degrees."""

    change: float
    """In points, each line weighed by the inverse of its variance: noisy levels count less."""
    error: float
    freedom: float
    """That of the line with the fewest: the errors of lines are not independent."""

    @cached_property
    def p_worse(self) -> float:
        """The chance of a change this low or lower if there is none."""
        return float(stdtr(self.freedom, self.change / self.error))

    @cached_property
    def p_better(self) -> float:
        """The chance of a change this high or higher if there is none."""
        return float(stdtr(self.freedom, -self.change / self.error))

    def margin(self, alpha: float) -> float:
        """Half the width in points of the interval of confidence 1 − 2 alpha around the change."""
        return float(stdtrit(self.freedom, 1 - alpha)) * self.error


def pooled(estimates: Sequence[Estimate]) -> Pooled:
    """Combine testable estimates, at least one, whose errors go TOGETHER."""
    weights = [1 / one.error**2 for one in estimates]
    total = sum(weights)
    change = sum(weight * one.change for weight, one in zip(weights, estimates, strict=True)) / total
    shares = [weight * one.error / total for weight, one in zip(weights, estimates, strict=True)]
    alone, all_alike = sum(share**2 for share in shares), sum(shares) ** 2
    error = math.sqrt((1 - TOGETHER) * alone + TOGETHER * all_alike)
    return Pooled(change, error, min(one.freedom for one in estimates))
