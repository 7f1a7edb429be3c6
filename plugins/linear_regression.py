"""Linear regression from zero: the subject of the sparse-linear board."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchsuite import DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class LinearRegression(Model):
    """Linear regression from zero in float64: loss Σ (x·w − y)²."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="sgd", lr=0.02, epochs=200, batch_size=3)
    default_dataset: ClassVar[str] = "sparse-linear"

    def build(self, data: DataInfo) -> "nn.Module":
        import torch
        from torch import nn

        fc = nn.Linear(data.features, 1, bias=False, dtype=torch.float64)
        nn.init.zeros_(fc.weight)
        return nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc=fc))

    def loss(self, outputs: "Tensor", labels: "Tensor") -> "Tensor":
        """Sum over the batch: outputs (N, 1), targets (N,)."""
        return (outputs.squeeze(1) - labels).square().sum()


@hookimpl
def benchsuite_models() -> Mapping[str, type[Model]]:
    return {"linear-regression": LinearRegression}
