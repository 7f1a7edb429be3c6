"""Random masks: the control that every pruning method has to beat."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchsuite import LayerPruner, PruneContext, Pruner, hookimpl

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class RandomMasks(LayerPruner):
    """Random: prune round(sparsity · n) weights of each layer, drawn with the cell's seed."""

    nested: ClassVar[bool] = True
    may_empty: ClassVar[bool] = True

    sparsity: float = 0.5
    """Share of each layer's weights that is pruned."""

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity <= 1:
            raise ValueError(f"sparsity must be from 0 to 1, not {self.sparsity}")

    def mask(self, weight: "Tensor", context: PruneContext) -> "Tensor":
        import torch

        ranks = torch.randperm(weight.numel(), generator=context.generator)
        return (ranks >= round(self.sparsity * weight.numel())).view(weight.shape)


@hookimpl
def benchsuite_pruners() -> Mapping[str, type[Pruner]]:
    return {"random": RandomMasks}
