"""Which layers compression acts on, and which are skipped."""

import pytest
import torch
from torch import nn

from benchsuite.errors import ConfigError
from benchsuite.metrics import prunable, select


@pytest.fixture
def network():
    return nn.ModuleDict(
        {
            "stem": nn.Conv2d(1, 2, 3),
            "norm": nn.BatchNorm2d(2),
            "block": nn.Sequential(nn.Conv1d(2, 2, 1), nn.Conv3d(2, 2, 1)),
            "up": nn.ConvTranspose2d(2, 2, 2),
            "head": nn.Linear(2, 2),
        }
    )


def test_prunable_layers_are_linear_and_conv_in_model_order(network):
    assert list(prunable(network)) == ["stem", "block.0", "block.1", "head"]


def test_a_masked_layer_is_still_prunable_and_its_insides_are_not(network, mask_layer):
    mask = mask_layer(network["head"], torch.ones(2, 2))
    mask.inner = nn.Linear(1, 1)
    assert list(prunable(network)) == ["stem", "block.0", "block.1", "head"]


def test_a_shared_layer_is_listed_once():
    layer = nn.Linear(2, 2)
    assert list(prunable(nn.Sequential(layer, layer))) == ["0"]


def test_a_single_layer_is_a_model():
    assert list(prunable(nn.Linear(2, 2))) == [""]


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ([], ["stem", "block.0", "block.1", "head"]),
        (["first"], ["block.0", "block.1", "head"]),
        (["last", "first"], ["block.0", "block.1"]),
        (["block.*"], ["stem", "head"]),
        (["block.1", "stem"], ["block.0", "head"]),
    ],
)
def test_select_leaves_out_what_is_skipped(network, skip, left):
    assert list(select(network, skip)) == left


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        (["haed"], r'no layer matches "haed"; did you mean "head"\?'),
        (["lats"], r'did you mean "last"\?'),
        (["norm"], 'no layer matches "norm"'),
        (["*"], "leaves no layer"),
        (["first", "block.*", "last"], "leaves no layer"),
    ],
)
def test_a_skip_that_cannot_be_meant_is_refused(network, skip, message):
    with pytest.raises(ConfigError, match=message):
        select(network, skip)


def test_a_model_without_layers_is_refused():
    with pytest.raises(ConfigError, match="ReLU has no Linear or Conv layer"):
        prunable(nn.ReLU())
