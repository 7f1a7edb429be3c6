"""A toolkit for authors of pruners: a pruner is a score × a grouping × a budget.

What matters (`scores`), compared within which group (`ScoredPruner.grouping`), how many stay (`budgets`).
Nothing imported here loads torch; `selection`, `scores` and `effective` do.
"""

from benchsuite.pruning.budgets import Budget, EffectiveCount, Fraction, Percentile, require_sparsity, whole
from benchsuite.pruning.scored import Grouping, ScoredPruner, ScoreName

__all__ = [
    "Budget",
    "EffectiveCount",
    "Fraction",
    "Grouping",
    "Percentile",
    "ScoreName",
    "ScoredPruner",
    "require_sparsity",
    "whole",
]
