"""Counts against figures worked out by hand, and Neff against its theory."""

import math

import pytest
import torch
from torch import nn

from benchsuite.errors import ConfigError
from benchsuite.metrics import count_layers, layer_macs, neff, totals


def test_a_perceptron_has_as_many_macs_as_weights(mlp):
    macs = layer_macs(mlp, torch.zeros(5, 784))
    assert macs == {"0": 784 * 64, "2": 64 * 32, "4": 32 * 10}
    metrics = totals(mlp, count_layers(mlp, macs))
    assert metrics["macs"] == metrics["effective_macs"] == metrics["nonzeros"] == 52_544
    assert metrics["parameters"] == 52_650
    assert metrics["sparsity"] == 0
    assert metrics["bits_per_weight"] == 32


@pytest.mark.parametrize(
    ("layer", "shape", "macs"),
    [
        (nn.Conv2d(3, 8, 3, stride=2, padding=1), (3, 9, 9), 8 * 3 * 9 * 5 * 5),
        (nn.Conv2d(4, 8, 3, groups=2), (4, 6, 6), 8 * 2 * 9 * 4 * 4),
        (nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False), (4, 5, 5), 4 * 9 * 5 * 5),
        (nn.Conv2d(1, 2, 3, dilation=2), (1, 8, 8), 2 * 9 * 4 * 4),
        (nn.Conv1d(2, 3, 5), (2, 12), 3 * 2 * 5 * 8),
        (nn.Conv3d(1, 2, 2), (1, 3, 3, 3), 2 * 8 * 2 * 2 * 2),
        (nn.Linear(4, 6), (7, 4), 7 * 4 * 6),
    ],
)
def test_macs_of_a_layer(layer, shape, macs):
    assert layer_macs(layer, torch.zeros(2, *shape)) == {"": macs}


class Siamese(nn.Module):
    """Calls one layer three times and another never."""

    def __init__(self):
        super().__init__()
        self.shared = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.idle = nn.Linear(4, 4)

    def forward(self, x):
        return self.shared(self.norm(self.shared(self.shared(x))))


def test_a_layer_called_three_times_counts_three_times():
    assert layer_macs(Siamese(), torch.zeros(1, 4)) == {"shared": 3 * 16, "idle": 0}


class Product(nn.Module):
    """A parametrization with multiplications of its own."""

    def forward(self, weight):
        return weight @ torch.eye(weight.shape[1])


def test_what_a_parametrization_computes_is_not_the_layers(mlp):
    nn.utils.parametrize.register_parametrization(mlp[0], "weight", Product())
    assert layer_macs(mlp, torch.zeros(1, 784))["0"] == 784 * 64


@pytest.mark.parametrize("example", [torch.zeros(784), torch.zeros(0, 784)])
def test_an_example_without_a_batch_is_refused(mlp, example):
    with pytest.raises(ConfigError, match="batch dimension"):
        layer_macs(mlp, example)


def test_a_masked_model_is_counted_on_its_effective_weights(mlp, mask_layer):
    mask = torch.ones(64, 784)
    mask[:32] = 0
    mask_layer(mlp[0], mask)
    layers = count_layers(mlp, layer_macs(mlp, torch.zeros(1, 784)), bits={"0": 4})
    first = layers[0]
    assert (first.shape, first.weights, first.zeros) == ((64, 784), 50_176, 25_088)
    assert (first.macs, first.effective_macs, first.bits) == (50_176, 25_088, 4)
    metrics = totals(mlp, layers)
    assert metrics["sparsity"] == 25_088 / 52_544
    assert metrics["param_sparsity"] == 25_088 / 52_650
    assert metrics["parameters"] == 52_650
    assert metrics["bits_per_weight"] == pytest.approx((4 * 50_176 + 32 * 2_368) / 52_544)


def test_bits_of_an_unknown_layer_are_refused(mlp):
    with pytest.raises(ConfigError, match='no layer "1"'):
        count_layers(mlp, dict.fromkeys("024", 0), bits={"1": 4})


@pytest.mark.parametrize(
    ("sample", "share"),
    [
        (lambda generator, n: torch.randn(n, generator=generator), 2 / math.pi),
        (lambda generator, n: torch.empty(n).exponential_(generator=generator), 1 / 2),
        (lambda generator, n: torch.rand(n, generator=generator) * 2 - 1, 3 / 4),
    ],
    ids=["gaussian", "laplace", "uniform"],
)
def test_neff_of_random_weights_is_what_theory_says(sample, share):
    n = 1_000_000
    weights = sample(torch.Generator().manual_seed(0), n)
    assert neff(weights) / n == pytest.approx(share, abs=3e-3)


@pytest.mark.parametrize(
    ("weights", "expected"), [([0.0, 0, 0], 0), ([2.0, -2, 2, 0], 3), ([0, -7.0], 1), ([3e30, 3e30], 2)]
)
def test_neff_of_a_few_weights(weights, expected):
    assert neff(torch.tensor(weights)) == pytest.approx(expected)


def test_neff_of_what_is_not_finite_is_nan():
    assert math.isnan(neff(torch.tensor([1.0, math.inf])))
