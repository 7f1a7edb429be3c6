"""Pruning by magnitude, to a given sparsity: by percentile, by count, by unit."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from benchsuite import Pruner, hookimpl
from benchsuite.pruning import Budget, Fraction, Percentile, ScoredPruner

_TIES = "weights that equal the percentile go together: published so"


@dataclass(frozen=True)
class LayerPercentile(ScoredPruner):
    """Layer-wise percentile: keep what is above the percentile of its layer's magnitudes."""

    nested: ClassVar[bool] = True
    expected_failures: ClassVar[Mapping[str, str]] = {"equal-weights": _TIES, "all-zero-layer": _TIES}

    sparsity: float = 0.5
    """Share of each layer's weights at or below the threshold."""

    @property
    def budget(self) -> Budget:
        return Percentile(self.sparsity)


@dataclass(frozen=True)
class GlobalPercentile(ScoredPruner):
    """Global percentile: one threshold for all layers, so that they end at different sparsities."""

    scope: ClassVar[Literal["layer", "network"]] = "network"
    nested: ClassVar[bool] = True
    may_empty: ClassVar[bool] = True
    expected_failures: ClassVar[Mapping[str, str]] = {"equal-weights": _TIES}

    sparsity: float = 0.5
    """Share of all prunable weights at or below the threshold."""

    @property
    def budget(self) -> Budget:
        return Percentile(self.sparsity)


@dataclass(frozen=True)
class WeightFraction(ScoredPruner):
    """Weight pruning: zero exactly ⌊n · sparsity⌋ smallest weights of each layer but the last."""

    skip: ClassVar[tuple[str, ...]] = ("last",)
    nested: ClassVar[bool] = True

    sparsity: float = 0.5
    """Share of each layer's weights that is pruned."""

    @property
    def budget(self) -> Budget:
        return Fraction(self.sparsity)


@dataclass(frozen=True)
class UnitFraction(ScoredPruner):
    """Unit pruning: zero the ⌊out · sparsity⌋ output units of smallest L2 norm in each layer but the last."""

    element: ClassVar[Literal["weight", "unit"]] = "unit"
    skip: ClassVar[tuple[str, ...]] = ("last",)
    nested: ClassVar[bool] = True

    sparsity: float = 0.5
    """Share of each layer's output units that is pruned."""

    @property
    def budget(self) -> Budget:
        return Fraction(self.sparsity)


@hookimpl
def benchsuite_pruners() -> Mapping[str, type[Pruner]]:
    return {
        "percentile": LayerPercentile,
        "global-percentile": GlobalPercentile,
        "weight": WeightFraction,
        "unit": UnitFraction,
    }
