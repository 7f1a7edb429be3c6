"""Budgets: how many weights of each group stay."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from benchsuite.pruning.selection import Ranking

GUARD = 1 + 1e-12
"""Before a product is floored: 0.29 · 100 is 28.999999999999996 in binary, and means 29."""


def whole(product: float) -> int:
    """⌊product⌋, where a product that is whole in exact arithmetic does not fall to the integer below."""
    return math.floor(product * GUARD)


class Budget(Protocol):
    """A frozen value that cuts every group of a ranking."""

    def keep(self, ranking: "Ranking") -> "Tensor":
        """The mask of all groups, bool of the shape of `ranking.scores`."""


@dataclass(frozen=True)
class Fraction:
    """Prune exactly ⌊n · sparsity⌋ of each group; of equal scores the lower index stays."""

    sparsity: float

    def __post_init__(self) -> None:
        require_sparsity(self.sparsity)

    def keep(self, ranking: "Ranking") -> "Tensor":
        return ranking.keep_largest(ranking.size - whole(ranking.size * self.sparsity))


@dataclass(frozen=True)
class Percentile:
    """Keep what is above the percentile of its group, interpolated linearly between order statistics v.

    The threshold lies in [v[j], v[j+1]) with j = ⌊sparsity · (n − 1)⌋, so "above it" is "above v[j]";
    equal scores stay or go together.
    """

    sparsity: float

    def __post_init__(self) -> None:
        require_sparsity(self.sparsity)

    def keep(self, ranking: "Ranking") -> "Tensor":
        return ranking.keep_above(whole(self.sparsity * (ranking.size - 1)))


@dataclass(frozen=True)
class EffectiveCount:
    """Keep ⌊beta · neff⌋ of each group, at least 1 and at most n − 1; an all-zero group keeps nothing."""

    beta: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.beta < math.inf:
            raise ValueError(f"beta must be a finite number above 0, not {self.beta}")

    def keep(self, ranking: "Ranking") -> "Tensor":
        import numpy as np

        neff = ranking.effective_counts.numpy()
        counts = np.floor(self.beta * GUARD * neff).clip(1, max(1, ranking.size - 1))
        return ranking.keep_largest((counts * (neff > 0)).astype(np.int64))


def require_sparsity(sparsity: float) -> None:
    """Errors: ValueError unless 0 <= sparsity < 1."""
    if not 0 <= sparsity < 1:
        raise ValueError(f"sparsity must be at least 0 and below 1, not {sparsity}")
