"""A network with NaN or infinite weights, outputs or loss is no result: its cell fails before anything is counted."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from tiny_board import TEST, Dots, engine_at, plan_rows, registry_with
from torch import nn

from benchsuite import LayerPruner, Model, Quantizer, Recipe, Regularizer
from benchsuite.errors import DivergedError
from benchsuite.execution.finite import check_finite

PRUNE = {"prune": "percentile", "sparsity": 0.5}
WILD = {"optimizer": "sgd", "lr": 1e30}


def outcomes(folder, *rows, registry=None, **dense) -> dict[str, tuple[str, str]]:
    """Status and reason by the role and method of each cell."""
    registry = registry or registry_with()
    planned = plan_rows(registry, *({"control": False, **row} for row in rows), **dense)
    engine = engine_at(registry, folder)
    records = {(one.role, one.method): engine.record(one.chain) for one in planned.cells}
    for record in records.values():
        assert record.status == "ok" or not record.metrics
    return {
        method if role == "row" else role: (record.status, record.error.reason if record.error else "")
        for (role, method), record in records.items()
    }


STEPS = {
    "fine-tuning": [PRUNE, {"finetune": 2, **WILD}],
    "its first step": [PRUNE, {"finetune": 1, "batch_size": 96, **WILD}],
    "schedule": [{**PRUNE, "schedule": "cubic", "epochs": 3, "recipe": WILD}],
    "training on the grid": [{"quantize": "ste-symmetric", "bits": 4}, {"finetune": 2, **WILD}],
    "pruned before the grid": [PRUNE, {"quantize": "ste-asymmetric", "bits": 3}, {"finetune": 2, **WILD}],
    "bf16": [PRUNE, {"finetune": 2, "precision": "bf16", **WILD}],
}


@pytest.mark.parametrize("model", ["net", "conv"])
def test_training_that_diverges_after_compression(tmp_path, model):
    rows = [{"label": name, "steps": steps} for name, steps in STEPS.items()]
    found = outcomes(tmp_path, {"label": "sane", "steps": [PRUNE, {"finetune": 1}]}, *rows, model=model)
    assert found.pop("dense")[0] == found.pop("sane")[0] == "ok"
    assert set(found) == set(STEPS)
    assert {name: status for name, (status, _) in found.items()} == dict.fromkeys(STEPS, "failed")
    assert all(reason.startswith("diverged") for _, reason in found.values()), found


def test_what_builds_on_a_diverged_training_is_skipped(tmp_path):
    found = outcomes(tmp_path, {"label": "row", "steps": [PRUNE]}, recipe={"epochs": 3, **WILD})
    assert found["dense"] == (
        "failed",
        "diverged in epoch 1 of 3: the training loss is nan; lower the learning rate, lr = 1e+30",
    )
    status, reason = found["row"]
    assert status == "skipped"
    assert "which failed: diverged" in reason


@dataclass(frozen=True)
class Sign(Model):
    """Two classes by the sign of one output; a loss that refuses what is no probability."""

    recipe: ClassVar[Recipe] = Recipe(lr=0.01, epochs=1, batch_size=32)

    def build(self, data):
        return nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc=nn.Linear(data.features, 1), out=nn.Sigmoid()))

    def loss(self, outputs, labels):
        return nn.functional.binary_cross_entropy(outputs.squeeze(1), (labels > 0).float())


def test_networks_of_one_output(tmp_path):
    wild = {"label": "wild", "steps": [PRUNE, {"finetune": 3, "lr": 1e39}]}
    found = outcomes(tmp_path / "sign", wild, registry=registry_with(model_sign=Sign), model="sign")
    assert found["dense"] == ("ok", "")
    assert (found["wild"][0], found["wild"][1][:8]) == ("failed", "diverged")
    regression = {"dataset": "sparse-linear", "model": "linear-regression"}
    found = outcomes(
        tmp_path / "regression", {**wild, "label": "row", "steps": [PRUNE]}, recipe={"lr": 1e3}, **regression
    )
    assert (found["dense"][0], found["dense"][1][:8], found["row"][0]) == ("failed", "diverged", "skipped")


@dataclass(frozen=True)
class Poison(Regularizer):
    """Writes a number into one tensor of the network after every step."""

    tensor: str = "fc.bias"
    value: str = "nan"  # JSON knows no NaN, and keys are JSON

    def after_step(self, model, lr):
        owner, _, name = self.tensor.rpartition(".")
        with torch.no_grad():
            getattr(model.get_submodule(owner), name)[0] = float(self.value)


@pytest.mark.parametrize("value", ["nan", "inf"])
@pytest.mark.parametrize("tensor", ["fc.bias", "fc.weight", "bn.running_mean", "bn.running_var", "bn.weight"])
def test_one_number_of_any_tensor_after_the_last_step(tmp_path, tensor, value):
    """Batches of all examples: no loss was computed with it, and 1 / sqrt(inf) would leave finite outputs."""
    regularizer = {"name": "poison", "tensor": tensor, "value": value}
    registry = registry_with(regularizer_poison=Poison)
    found = outcomes(tmp_path, registry=registry, model="conv", regularizer=regularizer, recipe={"batch_size": 96})
    assert found["dense"] == ("failed", f"diverged: {tensor} holds NaN or infinity; a lower learning rate may help")


@dataclass(frozen=True)
class Fragile(Model):
    """A network that is sane but for the test images whose first pixel is bright: there an output is not finite."""

    recipe: ClassVar[Recipe] = Recipe(lr=0.01, epochs=0)
    value: str = "nan"
    output: int = 0

    def build(self, data):
        return Spoiled(data, float(self.value), self.output)


class Spoiled(nn.Module):
    def __init__(self, data, value, output):
        super().__init__()
        self.fc, self.value, self.output = nn.Linear(data.features, data.classes), value, output
        self.register_buffer("mask", torch.full((2,), -torch.inf))  # of an attention: infinite for a reason

    def forward(self, images):
        outputs = self.fc(images.flatten(1))
        bright = images[:, 0, 0, 0] > 0
        outputs[bright, self.output] = self.value
        return outputs


BRIGHT = int((Dots().load(None, "test").images[:, 0, 0, 0] > 127).sum())


@pytest.mark.parametrize(("value", "output"), [("nan", 0), ("nan", 2), ("inf", 0), ("inf", 1), ("-inf", 0)])
def test_some_outputs_of_an_otherwise_sane_network(tmp_path, value, output):
    assert 0 < BRIGHT < TEST
    model = {"name": "fragile", "value": value, "output": output}
    found = outcomes(tmp_path, registry=registry_with(model_fragile=Fragile), model=model)
    assert found["dense"] == (
        "failed",
        f"diverged: the outputs for {BRIGHT} of {TEST} test examples hold NaN or infinity",
    )


def test_an_infinite_buffer_that_is_no_statistic_is_left_alone(tmp_path):
    model = {"name": "fragile", "value": "0"}
    found = outcomes(
        tmp_path, {"label": "row", "steps": [PRUNE]}, registry=registry_with(model_fragile=Fragile), model=model
    )
    assert set(found.values()) == {("ok", "")}


@dataclass(frozen=True)
class Exploding(LayerPruner):
    """Rescales what it keeps by finite factors that no weight survives."""

    sparsity: float = 0.5

    def mask(self, weight, context):
        return torch.arange(weight.numel()).reshape(weight.shape) % 2 == 0

    def rescale(self, weight, mask):
        return torch.tensor(1e38)


@dataclass(frozen=True)
class Distrustful(Quantizer):
    """Refuses what is not finite, as a good quantizer does."""

    bits: int = 4

    def quantize(self, weight):
        if not weight.isfinite().all():
            raise ValueError("no grid holds NaN")
        return (weight * 8).round().clamp(-7, 7) / 8


def test_rescaling_and_a_quantizer_that_refuses_nan(tmp_path):
    registry = registry_with(pruner_exploding=Exploding, quantizer_distrustful=Distrustful)
    rows = [
        {"label": "rescaled", "steps": [{"prune": "exploding"}] * 2},
        {"label": "distrustful", "steps": [{"quantize": "distrustful"}, {"finetune": 2, **WILD}]},
    ]
    found = outcomes(tmp_path, *rows, registry=registry)
    assert {name: status for name, (status, _) in found.items()} == {
        "dense": "ok",
        "rescaled": "failed",
        "distrustful": "failed",
    }
    assert found["rescaled"][1].startswith("diverged: fc1.weight holds NaN or infinity")
    assert found["distrustful"][1].startswith("diverged")


def test_a_plugin_that_raises_on_a_sane_network_did_not_diverge(tmp_path):
    @dataclass(frozen=True)
    class Raising(Quantizer):
        bits: int = 4

        def quantize(self, weight):
            raise ValueError("not today")

    row = {"label": "row", "steps": [{"quantize": "raising"}]}
    assert outcomes(tmp_path, row, registry=registry_with(quantizer_raising=Raising))["row"] == (
        "failed",
        "ValueError: not today",
    )


def test_weights_behind_masks_are_named_as_of_the_plain_network():
    model = nn.Sequential(OrderedDict(fc=nn.Linear(2, 2)))
    model.register_parameter("empty", nn.Parameter(torch.zeros(0, 3)))
    check_finite(model)
    nn.utils.parametrize.register_parametrization(model.fc, "weight", nn.Identity())
    model.fc.parametrizations.weight.original.data[0, 0] = -torch.inf
    with pytest.raises(DivergedError, match=r"^diverged: fc\.weight holds"):
        check_finite(model)
