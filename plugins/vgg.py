"""VGG with BatchNorm as network slimming trains it, at full or at slimmed widths."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite import ConfigError, DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import nn

_STAGES: Mapping[Literal[11, 19], tuple[int, ...]] = {11: (1, 1, 2, 2, 2), 19: (2, 2, 4, 4, 4)}
"""By depth, how many convolutions stand before each pool."""
_WIDTHS = (64, 128, 256, 512, 512)
_SMALLEST = 2 ** (len(_WIDTHS) - 1)
"""Of height and width: all pools but the last halve them."""


@dataclass(frozen=True)
class VGG(Model):
    """VGG with BatchNorm, its scales starting at ½, and one Linear.

    Source: Liu et al. 2017, "Learning Efficient Convolutional Networks through Network Slimming", section 4.
    """

    recipe: ClassVar[Recipe] = Recipe(
        optimizer="sgd",
        lr=0.1,
        momentum=0.9,
        weight_decay=1e-4,
        schedule="step",
        milestones=(80, 120),
        epochs=160,
        batch_size=64,
        augmentation=("crop", "flip"),
    )
    default_dataset: ClassVar[str] = "cifar10"

    depth: Literal[11, 19] = 19
    """Layers counted as the original has them, with three Linear where this one has one."""
    channels: tuple[int, ...] = ()
    """Output channels of every convolution in order, as slimming left them; empty: 64 to 512, unslimmed."""

    def __post_init__(self) -> None:
        if self.channels and len(self.channels) != sum(_STAGES[self.depth]):
            raise ValueError(f"channels must be {sum(_STAGES[self.depth])} numbers, not {len(self.channels)}")
        if any(width < 1 for width in self.channels):
            raise ValueError(f"channels must be at least 1 each, not {self.channels}")

    def build(self, data: DataInfo) -> "nn.Module":
        from torch import nn

        if min(data.height, data.width) < _SMALLEST:
            raise ConfigError(f"VGG needs images of {_SMALLEST}×{_SMALLEST} or more, not {data.height}×{data.width}")
        stages = _STAGES[self.depth]
        widths = iter(
            self.channels or [width for width, count in zip(_WIDTHS, stages, strict=True) for _ in range(count)]
        )
        modules: OrderedDict[str, nn.Module] = OrderedDict()
        before, number = data.channels, 0
        for stage, count in enumerate(stages, start=1):
            for _ in range(count):
                number += 1
                after = next(widths)
                modules[f"conv{number}"] = nn.Conv2d(before, after, 3, padding=1, bias=False)
                modules[f"bn{number}"] = nn.BatchNorm2d(after)
                modules[f"act{number}"] = nn.ReLU()
                before = after
            modules[f"pool{stage}"] = nn.MaxPool2d(2) if stage < len(stages) else nn.AdaptiveAvgPool2d(1)
        modules |= {"flatten": nn.Flatten(), "fc": nn.Linear(before, data.classes)}
        network = nn.Sequential(modules)
        _initialise(network)
        return network

    def finetuning_recipe(self) -> Recipe:
        return replace(super().finetuning_recipe(), epochs=20)


def _initialise(network: "nn.Module") -> None:
    from torch import nn

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.constant_(module.weight, 0.5)
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01)
            nn.init.zeros_(module.bias)


@hookimpl
def benchsuite_models() -> Mapping[str, Callable[..., Model]]:
    return {f"vgg{depth}-slim": partial(VGG, depth=depth) for depth in _STAGES}
