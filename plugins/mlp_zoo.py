"""The published multi-layer perceptrons: two families of six sizes, and the one without biases."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple, get_args

from benchsuite import DataInfo, Model, Recipe, hookimpl

from .mlp import MLP, Activation

if TYPE_CHECKING:
    from torch import nn

Size = Literal["tiny-underfit", "deep-narrow", "balanced", "balanced-deep", "wide", "very-wide"]


class _Training(NamedTuple):
    """What a size is trained with, in both families."""

    dropout: float
    lr: float
    epochs: int


_TRAINING: Mapping[Size, _Training] = {
    "tiny-underfit": _Training(0.0, 3e-4, 10),
    "deep-narrow": _Training(0.2, 3e-4, 15),
    "balanced": _Training(0.2, 3e-4, 15),
    "balanced-deep": _Training(0.3, 3e-4, 20),
    "wide": _Training(0.0, 1e-3, 30),
    "very-wide": _Training(0.0, 1e-3, 50),
}


@dataclass(frozen=True)
class MnistMLP(Model):
    """Multi-layer perceptron of the published MNIST family."""

    default_dataset: ClassVar[str] = "mnist"
    hidden: ClassVar[Mapping[Size, tuple[int, ...]]] = {
        "tiny-underfit": (64, 32),
        "deep-narrow": (256,) * 4,
        "balanced": (512, 256, 128),
        "balanced-deep": (1024, 512, 256, 128),
        "wide": (2048, 1024, 512),
        "very-wide": (4096, 2048, 1024),
    }

    size: Size
    """Which of the six: widths of the hidden layers, dropout and recipe."""
    activation: Activation = "relu"
    """What follows each hidden layer."""

    def build(self, data: DataInfo) -> "nn.Module":
        network = MLP(self.hidden[self.size], activation=self.activation, dropout=_TRAINING[self.size].dropout)
        return network.build(data)

    def training_recipe(self) -> Recipe:
        training = _TRAINING[self.size]
        return Recipe(optimizer="adam", lr=training.lr, epochs=training.epochs, batch_size=128)


@dataclass(frozen=True)
class FashionMLP(MnistMLP):
    """Multi-layer perceptron of the published Fashion-MNIST family."""

    default_dataset: ClassVar[str] = "fashion-mnist"
    hidden: ClassVar[Mapping[Size, tuple[int, ...]]] = {
        "tiny-underfit": (64,),
        "deep-narrow": (128,) * 8,
        "balanced": (512, 256),
        "balanced-deep": (512, 256, 128, 64),
        "wide": (2048, 1024),
        "very-wide": (4096, 2048, 1024, 512),
    }


@dataclass(frozen=True)
class BiasFreeMLP(MLP):
    """Multi-layer perceptron without biases, on inputs in [0, 1]."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="adam", lr=1e-3, epochs=5, batch_size=32)
    default_dataset: ClassVar[str] = "mnist-unit"

    hidden: tuple[int, ...] = (1000, 1000, 500, 200)
    """Widths of the hidden layers."""
    bias: bool = False
    """Whether the layers have biases."""


@hookimpl
def benchsuite_models() -> Mapping[str, Callable[..., Model]]:
    families = {"mlp-mnist": MnistMLP, "mlp-fashion": FashionMLP}
    zoo = {f"{name}-{size}": partial(cls, size=size) for name, cls in families.items() for size in get_args(Size)}
    return {**zoo, "mlp-biasfree": BiasFreeMLP}
