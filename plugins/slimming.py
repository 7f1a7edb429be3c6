"""Network slimming: remove the channels of smallest BatchNorm scale."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from benchsuite import ChannelPruner, PruneContext, hookimpl
from benchsuite.pruning import require_sparsity, whole

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Slimming(ChannelPruner):
    """Network slimming: one threshold for the BatchNorm scales |γ| of the network; channels below it are removed.

    Source: Liu, Li, Shen, Huang, Yan, Zhang, "Learning Efficient Convolutional Networks through Network Slimming",
    2017.
    """

    expected_failures: ClassVar[Mapping[str, str]] = {
        "equal-scales": "scales that equal the threshold go together, but for one of each layer: published so"
    }

    sparsity: float = 0.5
    """Share of the removable channels at or below the threshold, the ⌊sparsity · n⌋-th of all |γ| sorted."""

    def __post_init__(self) -> None:
        require_sparsity(self.sparsity)

    def check(self, model: "nn.Module") -> None:
        from benchsuite.metrics import batch_norms

        if not batch_norms(model):
            raise ValueError("slimming ranks channels by their BatchNorm scales, and this network has no BatchNorm")

    def channels(self, model: "nn.Module", context: PruneContext) -> "Mapping[str, Tensor]":
        import torch

        norms = {layer: norm for layer, norm in context.removable.items() if norm}
        if not norms:
            raise ValueError("no channel of this network can be removed alone and has a BatchNorm scale")
        scales = {layer: model.get_parameter(f"{norm}.weight").detach().abs() for layer, norm in norms.items()}
        ordered = torch.cat(list(scales.values())).sort().values
        threshold = ordered[whole(self.sparsity * len(ordered))]
        keep = {layer: scale > threshold for layer, scale in scales.items()}
        for layer, scale in scales.items():
            keep[layer][scale.argmax()] = True
        return keep


@dataclass(frozen=True)
class RandomChannels(ChannelPruner):
    """Random channels: remove round(sparsity · n) of each layer's channels, drawn with the cell's seed."""

    sparsity: float = 0.5
    """Share of the channels of each removable layer that goes; one always stays."""

    def __post_init__(self) -> None:
        require_sparsity(self.sparsity)

    def channels(self, model: "nn.Module", context: PruneContext) -> "Mapping[str, Tensor]":
        import torch

        keep = {}
        for layer in context.removable:
            count = len(model.get_parameter(f"{layer}.weight"))
            rank = torch.randperm(count, generator=context.generator)
            keep[layer] = rank >= min(round(self.sparsity * count), count - 1)
        return keep


@hookimpl
def benchsuite_pruners() -> Mapping[str, type[ChannelPruner]]:
    return {"slimming": Slimming, "random-channels": RandomChannels}
