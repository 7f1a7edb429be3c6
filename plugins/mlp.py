"""The multi-layer perceptron."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite import DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import nn

Activation = Literal["relu", "gelu", "sigmoid", "tanh"]


@dataclass(frozen=True)
class MLP(Model):
    """Multi-layer perceptron on the flattened image."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="adam", lr=3e-4, epochs=10, batch_size=128)

    hidden: tuple[int, ...] = (64, 32)
    """Widths of the hidden layers."""
    activation: Activation = "relu"
    """What follows each hidden layer."""
    dropout: float = 0.0
    """Probability of dropping a hidden unit during training."""
    bias: bool = True
    """Whether the layers have biases."""

    def __post_init__(self) -> None:
        if any(width < 1 for width in self.hidden):
            raise ValueError(f"hidden widths must be at least 1, not {self.hidden}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be at least 0 and below 1, not {self.dropout}")

    def build(self, data: DataInfo) -> "nn.Module":
        from torch import nn

        activations = {"relu": nn.ReLU, "gelu": nn.GELU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}
        modules: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        widths = (data.features, *self.hidden)
        for number, (before, after) in enumerate(pairwise(widths), start=1):
            modules[f"fc{number}"] = nn.Linear(before, after, bias=self.bias)
            modules[f"act{number}"] = activations[self.activation]()
            if self.dropout:
                modules[f"drop{number}"] = nn.Dropout(self.dropout)
        modules[f"fc{len(widths)}"] = nn.Linear(widths[-1], data.classes, bias=self.bias)
        return nn.Sequential(modules)


@hookimpl
def benchsuite_models() -> Mapping[str, type[Model]]:
    return {"mlp": MLP}
