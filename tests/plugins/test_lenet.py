"""LeNet-5: exact counts, and LeCun's C3 against a dense convolution."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv2d

from benchsuite import ConfigError, DataInfo, prune
from benchsuite.metrics import measure_model
from benchsuite_plugins.connection_table import CONNECTIONS, SparseC3
from benchsuite_plugins.lenet import LeNet5

IMAGES = DataInfo(channels=1, height=28, width=28, classes=10)

TABLE_I = """
X...XXX..XXXX.XX
XX...XXX..XXXX.X
XXX...XXX..X.XXX
.XXX..XXXX..X.XX
..XXX..XXXX.XX.X
...XXX..XXXX.XXX
"""
"""A row for each input map, a column for each output map, as printed in LeCun et al. 1998."""


@pytest.mark.parametrize(
    ("connections", "parameters", "macs"), [("full", 61_706, 416_520), ("subset", 60_806, 326_520)]
)
def test_exact_counts(connections, parameters, macs):
    network = LeNet5(connections=connections).build(IMAGES)
    metrics, _ = measure_model(network, torch.zeros(1, 1, 28, 28))
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert (metrics["parameters"], metrics["macs"], metrics["sparsity"]) == (parameters, macs, 0)


def test_the_recipe_and_the_activations():
    recipe = LeNet5().training_recipe()
    assert (recipe.optimizer, recipe.lr, recipe.batch_size, recipe.epochs) == ("sgd", 0.1, 100, 10)
    assert sum(isinstance(module, nn.Tanh) for module in LeNet5().build(IMAGES)) == 4


def test_connections_are_those_of_table_1():
    maps = [inputs for group in CONNECTIONS.values() for inputs in group]
    printed = zip(*TABLE_I.split(), strict=True)
    assert maps == [tuple(number for number, mark in enumerate(column) if mark == "X") for column in printed]
    assert [{len(inputs) for inputs in group} for group in CONNECTIONS.values()] == [{3}, {4}, {6}]


def test_sparse_c3_equals_a_dense_convolution_with_zeros():
    torch.manual_seed(0)
    layer = SparseC3()
    images = torch.randn(2, 6, 9, 11)
    dense = torch.zeros(16, 6, 5, 5)
    bias = []
    for name, first in (("three", 0), ("four", 6), ("six", 15)):
        part = layer.get_submodule(name)
        bias.append(part.bias)
        for output, inputs in enumerate(CONNECTIONS[name]):
            for position, number in enumerate(inputs):
                dense[first + output, number] = part.weight[output, position].detach()
    expected = conv2d(images, dense, torch.cat(bias))
    torch.testing.assert_close(layer.train()(images), expected)
    torch.testing.assert_close(layer.eval()(images), expected)


def test_training_and_evaluation_give_the_same_gradients():
    torch.manual_seed(0)
    layer, images = SparseC3(), torch.randn(2, 6, 8, 8)
    gradients = []
    for mode in (True, False):
        layer.zero_grad()
        layer.train(mode)(images).square().sum().backward()
        gradients.append([parameter.grad.clone() for parameter in layer.parameters()])
    torch.testing.assert_close(*gradients)


def test_its_weights_are_pruned_as_they_are():
    network = LeNet5(connections="subset").build(IMAGES)
    pruned = prune(network, "weight", sparsity=0.5, skip=["conv1", "fc1", "fc2", "fc3"])
    _, layers = measure_model(pruned, torch.zeros(1, 1, 28, 28))
    found = {layer.name: (layer.weights, layer.zeros) for layer in layers if layer.zeros}
    assert found == {"conv2.three": (450, 225), "conv2.four": (900, 450), "conv2.six": (150, 75)}
    images = torch.randn(2, 1, 28, 28)
    torch.testing.assert_close(pruned.train()(images), pruned.eval()(images))


@pytest.mark.parametrize("connections", ["full", "subset"])
@pytest.mark.parametrize("data", [DataInfo(1, 12, 12, 2), DataInfo(3, 33, 40, 5)], ids=str)
def test_other_sizes(data, connections):
    network = LeNet5(connections=connections).build(data)
    assert network(torch.randn(2, data.channels, data.height, data.width)).shape == (2, data.classes)


def test_images_too_small_are_refused():
    with pytest.raises(ConfigError, match="12×12 or more, not 8×8"):
        LeNet5().build(DataInfo(1, 8, 8, 10))
