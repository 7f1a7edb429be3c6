"""A pruned layer as the harness makes one: a parametrization that multiplies by a fixed mask."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize


class Mask(nn.Module):
    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)
        self.calls = 0

    def forward(self, weight: Tensor) -> Tensor:
        self.calls += 1
        return weight * self.mask


@pytest.fixture
def mask_layer() -> Callable[[nn.Module, Tensor], Mask]:
    """Parametrizes a layer's weight by a mask."""

    def apply(layer: nn.Module, mask: Tensor) -> Mask:
        parametrization = Mask(mask)
        parametrize.register_parametrization(layer, "weight", parametrization)
        return parametrization

    return apply


@pytest.fixture
def mlp() -> nn.Module:
    """The 784-64-32-10 perceptron."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
