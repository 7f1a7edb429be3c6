"""The published MLPs: exact counts and recipes."""

import pytest
import torch
from torch import nn

from benchsuite import DataInfo, Model
from benchsuite.metrics import layer_macs
from benchsuite.registry import default_registry

IMAGES = DataInfo(channels=1, height=28, width=28, classes=10)

COUNTS = {
    "mlp-mnist-tiny-underfit": 52_650,
    "mlp-mnist-deep-narrow": 400_906,
    "mlp-mnist-balanced": 567_434,
    "mlp-mnist-balanced-deep": 1_494_154,
    "mlp-mnist-wide": 4_235_786,
    "mlp-mnist-very-wide": 13_714_442,
    "mlp-fashion-tiny-underfit": 50_890,
    "mlp-fashion-deep-narrow": 217_354,
    "mlp-fashion-balanced": 535_818,
    "mlp-fashion-balanced-deep": 575_050,
    "mlp-fashion-wide": 3_716_106,
    "mlp-fashion-very-wide": 14_234_122,
    "mlp-biasfree": 2_386_000,
}

RECIPES = {  # lr, epochs, dropout
    "tiny-underfit": (3e-4, 10, 0),
    "deep-narrow": (3e-4, 15, 0.2),
    "balanced": (3e-4, 15, 0.2),
    "balanced-deep": (3e-4, 20, 0.3),
    "wide": (1e-3, 30, 0),
    "very-wide": (1e-3, 50, 0),
}


def model(name, **fields) -> Model:
    return default_registry().get("model", name).create(fields)


@pytest.mark.parametrize(("name", "parameters"), COUNTS.items())
def test_exact_counts(name, parameters):
    with torch.device("meta"):
        network = model(name).build(IMAGES)
        macs = layer_macs(network, torch.zeros(1, 1, 28, 28))
    biases = sum(layer.out_features for layer in network if isinstance(layer, nn.Linear) and layer.bias is not None)
    assert sum(p.numel() for p in network.parameters()) == parameters
    assert sum(macs.values()) == parameters - biases


@pytest.mark.parametrize("family", ["mnist", "fashion"])
@pytest.mark.parametrize(("size", "training"), RECIPES.items())
def test_recipes(family, size, training):
    plugin = model(f"mlp-{family}-{size}")
    recipe = plugin.training_recipe()
    dropouts = {layer.p for layer in plugin.build(IMAGES) if isinstance(layer, nn.Dropout)}
    assert (recipe.optimizer, recipe.lr, recipe.epochs, recipe.batch_size) == ("adam", *training[:2], 128)
    assert dropouts == ({training[2]} if training[2] else set())
    assert plugin.default_dataset == {"mnist": "mnist", "fashion": "fashion-mnist"}[family]


@pytest.mark.parametrize(("activation", "kind"), [("relu", nn.ReLU), ("gelu", nn.GELU), ("tanh", nn.Tanh)])
def test_activation(activation, kind):
    assert isinstance(model("mlp-fashion-tiny-underfit", activation=activation).build(IMAGES).act1, kind)


def test_the_network_without_biases_sees_pixels_in_the_unit_interval():
    plugin = model("mlp-biasfree")
    recipe = plugin.training_recipe()
    dataset = default_registry().get("dataset", plugin.default_dataset).create({})
    assert (recipe.optimizer, recipe.lr, recipe.epochs, recipe.batch_size) == ("adam", 1e-3, 5, 32)
    assert (dataset.mean, dataset.std) == ((0.0,), (1.0,))
    assert not any(name.endswith("bias") for name in plugin.build(IMAGES).state_dict())
