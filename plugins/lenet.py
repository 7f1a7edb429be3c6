"""LeNet-5, with all connections or LeCun's."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite import ConfigError, DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import nn

_SMALLEST = 12
"""Of height and width: two convolutions and two poolings leave one pixel."""


@dataclass(frozen=True)
class LeNet5(Model):
    """LeNet-5: two 5×5 convolutions, three Linear layers, tanh."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="sgd", lr=0.1, epochs=10, batch_size=100)
    default_dataset: ClassVar[str] = "mnist"

    connections: Literal["full", "subset"] = "full"
    """What the maps of the second convolution see: all six maps of the first, or LeCun's choice of three to six."""

    def build(self, data: DataInfo) -> "nn.Module":
        from torch import nn

        from .connection_table import SparseC3

        if min(data.height, data.width) < _SMALLEST:
            raise ConfigError(
                f"LeNet-5 needs images of {_SMALLEST}×{_SMALLEST} or more, not {data.height}×{data.width}"
            )
        pixels = ((data.height // 2 - 4) // 2) * ((data.width // 2 - 4) // 2)
        modules: OrderedDict[str, nn.Module] = OrderedDict(
            conv1=nn.Conv2d(data.channels, 6, 5, padding=2),
            act1=nn.Tanh(),
            pool1=nn.AvgPool2d(2),
            conv2=nn.Conv2d(6, 16, 5) if self.connections == "full" else SparseC3(),
            act2=nn.Tanh(),
            pool2=nn.AvgPool2d(2),
            flatten=nn.Flatten(),
            fc1=nn.Linear(16 * pixels, 120),
            act3=nn.Tanh(),
            fc2=nn.Linear(120, 84),
            act4=nn.Tanh(),
            fc3=nn.Linear(84, data.classes),
        )
        return nn.Sequential(modules)


@hookimpl
def benchsuite_models() -> Mapping[str, Callable[..., Model]]:
    return {
        "lenet5-full": partial(LeNet5, connections="full"),
        "lenet5-subset": partial(LeNet5, connections="subset"),
    }
