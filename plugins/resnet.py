"""The ResNets for CIFAR: 20, 32, 44, 56 and 110 layers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from benchsuite import DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import nn

_DEPTHS = (20, 32, 44, 56, 110)


@dataclass(frozen=True)
class ResNet(Model):
    """CIFAR ResNet with shortcuts that have no parameters.

    Its weights are named as in the public checkpoints.

    Source: He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition", section 4.2, option A.
    """

    recipe: ClassVar[Recipe] = Recipe(
        optimizer="sgd",
        lr=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        schedule="step",
        milestones=(100, 150),
        epochs=200,
        batch_size=128,
        augmentation=("crop", "flip"),
    )
    default_dataset: ClassVar[str] = "cifar10"

    depth: int = 20
    """Layers with weights, 6n + 2: three stages of n blocks of two convolutions, one before, one Linear after."""

    def __post_init__(self) -> None:
        if self.depth < 8 or self.depth % 6 != 2:
            raise ValueError(f"depth must be 6n + 2 for some n of at least 1, not {self.depth}")

    def build(self, data: DataInfo) -> "nn.Module":
        from .residual import ResidualNetwork

        return ResidualNetwork(data.channels, data.classes, blocks=(self.depth - 2) // 6)

    def finetuning_recipe(self) -> Recipe:
        """The published one, of pruned and quantized networks alike."""
        return Recipe(
            optimizer="sgd",
            lr=0.002,
            momentum=0.875,
            weight_decay=1e-4,
            epochs=20,
            batch_size=256,
            augmentation=("crop", "flip"),
        )


@hookimpl
def benchsuite_models() -> Mapping[str, Callable[..., Model]]:
    return {f"resnet{depth}": partial(ResNet, depth=depth) for depth in _DEPTHS}
