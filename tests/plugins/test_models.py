"""The models: shapes, names, parameter counts."""

import pytest
import torch
from torch import nn

from benchsuite import DataInfo
from benchsuite_plugins.convnet import ConvNet
from benchsuite_plugins.mlp import MLP

IMAGES = [DataInfo(1, 8, 8, 10), DataInfo(1, 28, 28, 10), DataInfo(3, 32, 32, 100)]


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        (MLP(), 52_650),
        (MLP(hidden=(256,) * 4), 400_906),
        (MLP(hidden=(64,)), 50_890),
        (MLP(hidden=(1000, 1000, 500, 200), bias=False), 2_386_000),
    ],
)
def test_published_parameter_counts(model, parameters):
    assert sum(p.numel() for p in model.build(DataInfo(1, 28, 28, 10)).parameters()) == parameters


@pytest.mark.parametrize("data", IMAGES, ids=str)
@pytest.mark.parametrize("model", [MLP(), MLP(hidden=()), ConvNet(), ConvNet(widths=(4,))], ids=str)
def test_outputs_are_one_logit_per_class(model, data):
    outputs = model.build(data)(torch.randn(2, data.channels, data.height, data.width))
    assert outputs.shape == (2, data.classes)
    assert model.loss(outputs, torch.tensor([0, 1])).isfinite()


@pytest.mark.parametrize(
    ("activation", "module"), [("relu", nn.ReLU), ("gelu", nn.GELU), ("sigmoid", nn.Sigmoid), ("tanh", nn.Tanh)]
)
def test_layers_have_readable_names(activation, module):
    network = MLP(hidden=(5, 4), activation=activation, dropout=0.2).build(DataInfo(1, 2, 2, 3))
    names = [name for name, _ in network.named_children()]
    assert names == ["flatten", "fc1", "act1", "drop1", "fc2", "act2", "drop2", "fc3"]
    assert isinstance(network.act1, module)
    assert network.drop1.p == 0.2


@pytest.mark.parametrize("fields", [{"hidden": (0,)}, {"dropout": 1.0}])
def test_fields_out_of_range_are_refused(fields):
    with pytest.raises(ValueError, match="must be at least"):
        MLP(**fields)
    with pytest.raises(ValueError, match="at least 1"):
        ConvNet(widths=())
