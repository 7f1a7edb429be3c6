"""A small convolutional network, for quick boards and tests."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from benchsuite import DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class ConvNet(Model):
    """Small convolutional network: 3×3 convolutions with BatchNorm, global average pool, one Linear."""

    recipe: ClassVar[Recipe] = Recipe(
        optimizer="sgd", lr=0.1, momentum=0.9, weight_decay=5e-4, schedule="cosine", epochs=10, batch_size=64
    )

    widths: tuple[int, ...] = (16, 32, 32)
    """Channels of the convolutions; each but the first halves height and width."""

    def __post_init__(self) -> None:
        if not self.widths or any(width < 1 for width in self.widths):
            raise ValueError(f"widths must be one or more numbers of at least 1, not {self.widths}")

    def build(self, data: DataInfo) -> "nn.Module":
        from torch import nn

        modules: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (before, after) in enumerate(pairwise((data.channels, *self.widths)), start=1):
            stride = 1 if number == 1 else 2
            modules[f"conv{number}"] = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
            modules[f"bn{number}"] = nn.BatchNorm2d(after)
            modules[f"act{number}"] = nn.ReLU()
        modules |= {"pool": nn.AdaptiveAvgPool2d(1), "flatten": nn.Flatten()}
        modules["fc"] = nn.Linear(self.widths[-1], data.classes)
        return nn.Sequential(modules)


@hookimpl
def benchsuite_models() -> Mapping[str, type[Model]]:
    return {"convnet": ConvNet}
