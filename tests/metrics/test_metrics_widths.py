"""Bits of a weight: those of its dtype, or of the grid on which it is found."""

import pickle
from copy import deepcopy

import pytest
import torch
from torch import nn

from benchsuite.metrics import mark_grid, nominal_bits


@pytest.mark.parametrize(
    ("dtype", "bits"),
    [
        (torch.float64, 64),
        (torch.float32, 32),
        (torch.bfloat16, 16),
        (torch.float16, 16),
        (torch.int8, 8),
        (torch.uint8, 8),
        (torch.float8_e4m3fn, 8),
        (torch.int32, 32),
    ],
)
@pytest.mark.parametrize("kind", [lambda weight: nn.Parameter(weight, requires_grad=False), lambda weight: weight])
def test_bits_of_a_dtype_in_parameters_and_buffers(dtype, bits, kind):
    layer = nn.Linear(3, 2, bias=False)
    del layer.weight
    tensor = kind(torch.ones(2, 3).to(dtype))
    (layer.register_parameter if isinstance(tensor, nn.Parameter) else layer.register_buffer)("weight", tensor)
    assert nominal_bits(layer) == bits


def on_a_grid(bits: int = 3) -> nn.Module:
    layer = nn.Linear(32, 16)
    layer.weight.data = torch.randint(-3, 4, (16, 32)) / 7
    mark_grid(layer, bits)
    return layer


KEPT = {
    "as it is": lambda layer: layer,
    "a copy": deepcopy,
    "a file": lambda layer: pickle.loads(pickle.dumps(layer)),
    "pruned": lambda layer: layer.weight.data.masked_fill_(torch.rand(16, 32) < 0.5, 0.0),
    "rows removed": lambda layer: setattr(layer, "weight", nn.Parameter(layer.weight[:5].clone())),
    "bf16": lambda layer: layer.bfloat16(),
    "fp16": lambda layer: layer.half(),
    "float64": lambda layer: layer.double(),
}


@pytest.mark.parametrize("change", KEPT.values(), ids=KEPT)
def test_a_grid_is_that_of_its_values(change):
    layer = on_a_grid()
    changed = change(layer)
    assert nominal_bits(changed if isinstance(changed, nn.Module) else layer) == 3


LOST = {
    "trained": lambda weight: weight.add_(torch.randn(16, 32) / 100),
    "one weight": lambda weight: weight[3, 4].add_(1e-3),
    "rescaled": lambda weight: weight.mul_(1.5),
    "NaN": lambda weight: weight[0].fill_(torch.nan),
}


@pytest.mark.parametrize("change", LOST.values(), ids=LOST)
def test_weights_that_left_their_grid_are_floats(change):
    layer = on_a_grid()
    change(layer.weight.data)
    assert nominal_bits(layer) == 32


def test_a_grid_takes_no_more_than_the_dtype():
    layer = on_a_grid(bits=16)
    assert nominal_bits(layer) == 16
    layer.weight = nn.Parameter(torch.zeros(2, 2, dtype=torch.int8), requires_grad=False)
    assert nominal_bits(layer) == 8


def test_the_state_dict_has_the_same_names():
    assert set(on_a_grid().state_dict()) == {"weight", "bias"}
