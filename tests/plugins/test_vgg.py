"""VGG for slimming: exact counts, channel lists, initial scales."""

import pytest
import torch
from torch import nn

from benchsuite import ConfigError, DataInfo
from benchsuite.metrics import measure_model
from benchsuite_plugins.vgg import VGG

CIFAR = DataInfo(channels=3, height=32, width=32, classes=10)
FULL = {11: (64, 128, *(256,) * 2, *(512,) * 4), 19: (64, 64, 128, 128, *(256,) * 4, *(512,) * 8)}


@pytest.mark.parametrize(("depth", "parameters", "macs"), [(11, 9_228_362, 152_769_536), (19, 20_035_018, 398_136_320)])
def test_exact_counts(depth, parameters, macs):
    network = VGG(depth=depth).build(CIFAR)
    metrics, layers = measure_model(network, torch.zeros(1, 3, 32, 32))
    assert (metrics["parameters"], metrics["macs"]) == (parameters, macs)
    assert tuple(layer.shape[0] for layer in layers) == (*FULL[depth], 10)
    assert all(module.bias is None for module in network if isinstance(module, nn.Conv2d))
    assert all((module.weight == 0.5).all() for module in network if isinstance(module, nn.BatchNorm2d))


def test_a_channel_list_rebuilds_a_slimmed_network():
    channels = (51, 64, 128, 128, 256, 255, 255, 250, 200, 150, 100, 50, 20, 10, 5, 1)
    network = VGG(channels=channels).build(CIFAR)
    convolutions = [module for module in network if isinstance(module, nn.Conv2d)]
    assert tuple(layer.out_channels for layer in convolutions) == channels
    assert tuple(layer.in_channels for layer in convolutions) == (3, *channels[:-1])
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    full = VGG(channels=FULL[19]).build(CIFAR).state_dict()
    assert {name: tensor.shape for name, tensor in full.items()} == {
        name: tensor.shape for name, tensor in VGG().build(CIFAR).state_dict().items()
    }


def test_pools_halve_the_image_and_the_last_one_averages():
    network = VGG(depth=11, channels=(4,) * 8).build(CIFAR).eval()
    shapes = []
    for module in network:
        if isinstance(module, nn.MaxPool2d | nn.AdaptiveAvgPool2d):
            module.register_forward_hook(lambda *call: shapes.append(tuple(call[2].shape[2:])))
    network(torch.randn(1, 3, 32, 32))
    assert shapes == [(16, 16), (8, 8), (4, 4), (2, 2), (1, 1)]


def test_recipes():
    recipe, tuning = VGG().training_recipe(), VGG().finetuning_recipe()
    assert (recipe.lr, recipe.momentum, recipe.weight_decay, recipe.batch_size) == (0.1, 0.9, 1e-4, 64)
    assert (recipe.epochs, recipe.schedule, recipe.milestones) == (160, "step", (80, 120))
    assert (tuning.epochs, tuning.schedule) == (20, "constant")
    assert recipe.augmentation == tuning.augmentation == ("crop", "flip")


@pytest.mark.parametrize("channels", [(64,), (*FULL[19][:-1], 0)])
def test_wrong_channel_lists_are_refused(channels):
    with pytest.raises(ValueError, match="channels must be"):
        VGG(channels=channels)


def test_images_too_small_are_refused():
    with pytest.raises(ConfigError, match="16×16 or more, not 8×8"):
        VGG().build(DataInfo(1, 8, 8, 10))
