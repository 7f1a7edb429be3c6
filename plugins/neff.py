"""Neff, "Effective Model Pruning": each group keeps as many weights as it effectively has."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite import PluginError, Pruner, hookimpl
from benchsuite.pruning import EffectiveCount, Grouping, ScoredPruner

if TYPE_CHECKING:
    from torch import Tensor

    from benchsuite.pruning.selection import Ranking

_ROUNDING = 1e-6


@dataclass(frozen=True)
class _Neff(ScoredPruner):
    """Keep the ⌊beta · neff⌋ largest weights of each group, neff = (Σ|w|)² / Σw².

    Source: Wang, Guralnik, Akbari, Dixon, "Effective Model Pruning", ICML 2026, arXiv 2509.25606.
    """

    beta: float = 1.0
    """Multiple of the effective number of weights that stays; the sparsity follows from the weights."""
    center: bool = False
    """Subtract each group's mean from the values before scoring (the "mean" variants)."""
    renormalize: bool = False
    """Scale the kept weights of each group so that its L1 norm is what it was."""

    @property
    def centered(self) -> bool:  # type: ignore[override]  # here a field decides
        return self.center

    @property
    def budget(self) -> EffectiveCount:
        return EffectiveCount(self.beta)

    def verify(self, ranking: "Ranking", keep: "Tensor") -> None:
        # an audit sees the weights alone, so what other scores decide is checked while they are at hand
        if self.beta == 1 and self.score != "magnitude":
            self._kept_mass(ranking.scores, keep)

    def rescale(self, weight: "Tensor", mask: "Tensor") -> "Tensor | None":
        if not self.renormalize:
            return None
        import torch

        magnitudes = weight.detach().cpu().double().abs().flatten(1)
        kept = magnitudes * mask.cpu().flatten(1)
        dims: tuple[int, ...] = {"column": (0,), "row": (1,), "layer": (0, 1)}[self.grouping]
        total, left = magnitudes.sum(dims, keepdim=True), kept.sum(dims, keepdim=True)
        factors = torch.where(left > 0, total / left, 1.0).expand_as(magnitudes)
        return factors.reshape(weight.shape).to(weight)

    def audit(self, layers: "Mapping[str, Tensor]", masks: "Mapping[str, Tensor]") -> Mapping[str, float]:
        if self.beta != 1 or self.score != "magnitude":
            return {}
        from benchsuite.pruning.scores import matrix

        margins: list[float] = []
        for names in self.pools(layers):
            scores = self.scores(self.grouped({name: matrix(layers[name]) for name in names}))
            keep = self.grouped({name: masks[name].cpu().flatten(1) for name in names})
            margins += self._kept_mass(scores, keep)
        return {"kept_mass_groups": len(margins)} | ({"kept_mass_margin": min(margins)} if margins else {})

    def _kept_mass(self, scores: "Tensor", keep: "Tensor") -> list[float]:
        """How far each group's kept share is above the published bound."""
        from benchsuite.pruning.effective import kept_mass_margins

        margins: list[float] = kept_mass_margins(scores, keep).tolist()
        if margins and min(margins) < -_ROUNDING:
            raise PluginError(
                f"a group keeps {-min(margins):.3g} less of its score than Effective Model Pruning proves: "
                "the mask is not that of the largest neff scores"
            )
        return margins


@dataclass(frozen=True)
class NeffColumn(_Neff):
    """Neff by column: the weights leaving one input feature share a budget (arXiv 2509.25606)."""

    grouping: ClassVar[Grouping] = "column"


@dataclass(frozen=True)
class NeffRow(_Neff):
    """Neff by row: the weights into one output unit share a budget (arXiv 2509.25606)."""

    grouping: ClassVar[Grouping] = "row"


@dataclass(frozen=True)
class NeffBlock(_Neff):
    """Neff by block: the weights of a layer share a budget (arXiv 2509.25606)."""

    grouping: ClassVar[Grouping] = "layer"


@dataclass(frozen=True)
class NeffNetwork(_Neff):
    """Neff by network: all prunable weights share one budget (arXiv 2509.25606)."""

    scope: ClassVar[Literal["layer", "network"]] = "network"
    may_empty: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.renormalize:
            raise ValueError("renormalize scales within one layer, and neff-network's group spans all of them")


@hookimpl
def benchsuite_pruners() -> Mapping[str, type[Pruner]]:
    return {"neff-column": NeffColumn, "neff-row": NeffRow, "neff-block": NeffBlock, "neff-network": NeffNetwork}
