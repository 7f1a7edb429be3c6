"""The ResNets: exact counts, the names of the public checkpoint, and what it gets right."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from benchsuite import DataInfo
from benchsuite.execution.checkpoint import apply_checkpoint, load_checkpoint
from benchsuite.execution.data import Examples
from benchsuite.metrics import evaluate, measure_model
from benchsuite_plugins.residual import shortcut
from benchsuite_plugins.resnet import ResNet

ROOT = Path(os.environ.get("BENCHSUITE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
CHECKPOINT, IMAGES = ROOT / "checkpoints" / "resnet20-12fca82f.th", ROOT / "cifar10-test-first1017.npz"
CIFAR = DataInfo(channels=3, height=32, width=32, classes=10)


@pytest.mark.parametrize(
    ("depth", "parameters", "weights", "macs"),
    [
        (20, 269_722, 268_336, 40_551_040),
        (32, 464_154, 461_872, 68_862_592),
        (44, 658_586, 655_408, 97_174_144),
        (56, 853_018, 848_944, 125_485_696),
        (110, 1_727_962, 1_719_856, 252_887_680),
    ],
)
def test_exact_counts(depth, parameters, weights, macs):
    metrics, layers = measure_model(ResNet(depth=depth).build(CIFAR), torch.zeros(1, 3, 32, 32))
    assert len(layers) == depth
    assert sum(layer.weights for layer in layers) == weights
    assert (metrics["parameters"], metrics["macs"]) == (parameters, macs)


def test_names_are_those_of_the_public_checkpoints():
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    expected = ["conv1.weight", *(f"bn1.{one}" for one in norm)]
    for block in [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range(3)]:
        for half in "12":
            expected += [f"{block}.conv{half}.weight", *(f"{block}.bn{half}.{one}" for one in norm)]
    assert list(ResNet().build(CIFAR).state_dict()) == [*expected, "linear.weight", "linear.bias"]


def test_shortcuts_take_every_other_pixel_between_channels_of_zeros():
    images = torch.randn(2, 16, 8, 8)
    assert shortcut(images, 16, 1) is images
    found = shortcut(images, 32, 2)
    assert found.shape == (2, 32, 4, 4)
    assert torch.equal(found[:, 8:24], images[:, :, ::2, ::2])
    assert not found[:, :8].any()
    assert not found[:, 24:].any()
    assert shortcut(images[:, :13], 30, 2).shape == (2, 30, 4, 4)


def test_the_shortcut_adapts_to_a_block_with_fewer_channels_inside():
    network = ResNet(depth=8).build(CIFAR).eval()
    block = network.layer2[0]
    block.conv1, block.bn1 = nn.Conv2d(16, 5, 3, 2, padding=1, bias=False), nn.BatchNorm2d(5).eval()
    block.conv2 = nn.Conv2d(5, 32, 3, padding=1, bias=False)
    assert network(torch.randn(2, 3, 32, 32)).shape == (2, 10)


def test_recipes():
    recipe, tuning = ResNet().training_recipe(), ResNet().finetuning_recipe()
    assert (recipe.lr, recipe.momentum, recipe.weight_decay, recipe.batch_size) == (0.1, 0.9, 1e-4, 128)
    assert (recipe.epochs, recipe.schedule, recipe.milestones) == (200, "step", (100, 150))
    assert (tuning.lr, tuning.momentum, tuning.weight_decay, tuning.batch_size) == (0.002, 0.875, 1e-4, 256)
    assert (tuning.epochs, tuning.schedule) == (20, "constant")
    assert recipe.augmentation == tuning.augmentation == ("crop", "flip")


@pytest.mark.parametrize("depth", [2, 18, 21])
def test_other_depths_are_refused(depth):
    with pytest.raises(ValueError, match="depth must be 6n"):
        ResNet(depth=depth)


@pytest.mark.data
def test_the_public_checkpoint_gets_932_of_1017_right():
    for path in (CHECKPOINT, IMAGES):
        if not path.is_file():
            pytest.skip(f"{path} is absent: set BENCHSUITE_TEST_DATA")
    network = ResNet().build(CIFAR)
    apply_checkpoint(network, load_checkpoint(CHECKPOINT), CHECKPOINT)
    with np.load(IMAGES) as arrays:
        images, labels = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2), torch.from_numpy(arrays["labels"])
    examples = Examples(images, labels.long(), (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    found = evaluate(network, ResNet().loss, examples.in_order())
    assert len(found.correct) == 1017
    assert int(found.correct.sum()) == 932
