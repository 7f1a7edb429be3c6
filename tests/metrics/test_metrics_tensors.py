"""What a model stores: effective values under plain names."""

import torch
from torch import nn
from torch.nn.utils import parametrize

from benchsuite.metrics import model_tensors
from benchsuite.metrics.tensors import buffers, parameters


def test_a_plain_model_gives_its_state_dict_without_batch_counters():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    expected = {name: value for name, value in model.state_dict().items() if not name.endswith("num_batches_tracked")}
    tensors = model_tensors(model)
    assert set(tensors) == set(expected)
    assert all(torch.equal(tensors[name], value) for name, value in expected.items())


def test_a_masked_model_gives_what_the_plain_one_would(mlp, mask_layer):
    names = set(mlp.state_dict())
    mask_layer(mlp[0], torch.zeros(64, 784))
    tensors = model_tensors(mlp)
    assert set(tensors) == names
    assert not tensors["0.weight"].any()


def test_masked_negative_weights_are_plain_zeros(mask_layer):
    layer = nn.Linear(2, 1, bias=False)
    nn.init.constant_(layer.weight, -1)
    mask_layer(layer, torch.tensor([[0.0, 1.0]]))
    assert torch.signbit(layer.weight).all()
    assert torch.signbit(model_tensors(layer)["weight"]).tolist() == [[False, True]]


def test_tied_parameters_are_given_once():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert list(parameters(model)) == ["0.weight", "0.bias", "1.bias"]


def test_buffers_are_those_that_are_saved():
    module = nn.Module()
    module.register_buffer("table", torch.arange(3))
    module.register_buffer("scratch", torch.zeros(3), persistent=False)
    module.register_buffer("scale", torch.ones(2))
    parametrize.register_parametrization(module, "scale", nn.ReLU())
    assert list(buffers(module)) == ["scale", "table"]
    assert not parameters(module)
