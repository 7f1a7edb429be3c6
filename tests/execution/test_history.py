"""The course of a training: what is kept of each epoch, and where it is stored."""

import json
import math

import pytest
import torch
from tiny_board import engine_at, plan_rows, registry_with, run
from torch import nn

from benchsuite import Recipe
from benchsuite.execution.compress import Mask, add_part
from benchsuite.execution.data import Examples
from benchsuite.execution.history import History, few_weights, scale_histogram, solution
from benchsuite.execution.training import train


def logits(*predicted: int) -> torch.Tensor:
    return nn.functional.one_hot(torch.tensor(predicted), 3).float()


def test_losses_and_accuracies_are_means_over_examples_not_batches():
    history = History(nn.Linear(20, 3))
    history.batch(torch.tensor(2.0), logits(0, 1, 2), torch.tensor([0, 1, 0]))
    history.batch(torch.tensor(4.0), logits(1), torch.tensor([2]))
    history.epoch()
    history.batch(torch.tensor(0.5), logits(1), torch.tensor([1]))
    history.epoch()
    assert history.epochs == {"train_loss": [2.5, 0.5], "train_accuracy": [50.0, 100.0]}


@pytest.mark.parametrize(
    ("outputs", "labels"),
    [
        (torch.zeros(2, 1), torch.tensor([0, 1])),
        (torch.zeros(2, 1), torch.tensor([0.5, 1.0])),
        (torch.zeros(2), torch.tensor([0, 1])),
        (torch.zeros(2, 3), torch.zeros(2, 3)),
    ],
)
def test_without_classes_there_is_no_accuracy(outputs, labels):
    history = History(nn.Linear(20, 3))
    history.batch(torch.tensor(1.0), outputs, labels)
    history.epoch()
    assert history.epochs == {"train_loss": [1.0]}


def test_numbers_have_nine_digits():
    history = History(nn.Linear(20, 3))
    history.batch(torch.tensor(1 / 3, dtype=torch.float64), torch.zeros(1), torch.zeros(1))
    history.epoch()
    assert history.epochs == {"train_loss": [0.333333333]}


def test_bn_sparsity_is_the_share_of_small_scales_of_the_network():
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.BatchNorm2d(3, affine=False), nn.Conv2d(3, 5, 3), nn.BatchNorm2d(5)
    )
    history = History(model)
    for small in (0, 3):
        with torch.no_grad():
            model[1].weight.copy_(torch.tensor([1e-3, -1e-3, 0.5]))
            model[4].weight.copy_(torch.tensor([1e-4, -9e-4, 0.0][:small] + [1.0] * (5 - small)))
        history.batch(torch.tensor(1.0), torch.zeros(1), torch.zeros(1))
        history.epoch()
    # the float next to 0.001 is above it
    assert history.epochs["bn_sparsity"] == [0.0, 0.375]


def test_few_weights_are_followed_one_by_one_as_masks_leave_them():
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
        model[1].weight.copy_(torch.tensor([[-5.0, 0.1]]))
    add_part(model, model[1], Mask(torch.tensor([[False, True]])))
    history = History(model)
    history.batch(torch.tensor(1.0), torch.zeros(1), torch.zeros(1))
    history.epoch()
    assert history.epochs["weights"] == [[1.0, 2.0, 3.0, 4.0, 0.0, 0.100000001]]
    assert all(math.copysign(1, weight) == 1 for weight in solution(model)), "a zero has no sign"
    assert few_weights(nn.Linear(4, 4))
    assert not few_weights(nn.Linear(17, 1))


def test_training_returns_one_value_for_each_epoch():
    images = torch.randint(0, 256, (20, 1, 4, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    examples = Examples(images, torch.arange(20) % 2, (0.5,), (0.5,))
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    found = train(model, nn.functional.cross_entropy, examples, Recipe(lr=0.1, epochs=12, batch_size=8), 0)
    assert {name: len(values) for name, values in found.items()} == {
        "train_loss": 12,
        "train_accuracy": 12,
        "bn_sparsity": 12,
    }
    assert found["train_loss"][-1] < found["train_loss"][0]
    assert found["train_accuracy"][-1] > found["train_accuracy"][0]
    assert train(model, nn.functional.cross_entropy, examples, Recipe(epochs=0), 0) == {}


def test_the_histogram_of_scales_counts_each_channel_once():
    model = nn.Sequential(nn.BatchNorm2d(3), nn.BatchNorm2d(5))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([0.0, -2.0, 1.0]))
        model[1].weight.copy_(torch.tensor([0.04, 0.06, -0.06, 0.5, 2.0]))
    found = scale_histogram(model)
    assert (len(found.edges), found.edges[0], found.edges[1], found.edges[-1]) == (41, 0, 0.05, 2)
    expected = {0: 2, 1: 2, 10: 1, 20: 1, 39: 2}
    assert {bin: count for bin, count in enumerate(found.counts) if count} == expected


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf])
def test_the_histogram_of_scales_that_are_all_zero_or_diverged(value):
    model = nn.BatchNorm2d(4)
    nn.init.constant_(model.weight, value)
    found = scale_histogram(model)
    assert found.edges[-1] == 1
    assert sum(found.counts) == (4 if value == 0 else 0)


def test_the_record_holds_the_history_of_its_last_training(tmp_path):
    registry = registry_with()
    steps = [
        {"prune": "percentile", "sparsity": 0.5, "schedule": "linear", "epochs": 2},
        {"evaluate": "pruned"},
        {"quantize": "ste-symmetric", "bits": 4},
        {"evaluate": "quantized"},
        {"finetune": 3},
    ]
    planned = plan_rows(
        registry, {"label": "row", "steps": steps, "control": False}, model="conv", recipe={"epochs": 4}
    )
    records = run(planned, engine_at(registry, tmp_path))
    lengths = {name: {key: len(values) for key, values in record.history.items()} for name, record in records.items()}
    names = ("train_loss", "train_accuracy", "bn_sparsity")
    assert lengths == {
        "dense conv, seed 0": dict.fromkeys(names, 4),
        "row pruned, seed 0": dict.fromkeys(names, 2),
        "row quantized, seed 0": {},
        "row, seed 0": dict.fromkeys(names, 3),
    }
    for name, record in records.items():
        scales = record.metrics.bn_scales
        assert (scales is None) == (name == "row quantized, seed 0")
        assert scales is None or sum(scales.counts) == 4
    stored = {json.loads(path.read_text())["key"] for path in (tmp_path / "store").glob("*/record.json")}
    assert stored == {record.key for record in records.values()}
    again = run(planned, engine_at(registry, tmp_path))
    assert {name: record.history for name, record in again.items()} == {
        name: record.history for name, record in records.items()
    }
