"""Accuracy is a count over a count."""

import math
from base64 import b64encode

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from benchsuite.errors import DataError
from benchsuite.metrics import evaluate, pack_bits
from benchsuite.store import Metrics


def in_batches(inputs, labels, size):
    return list(zip(inputs.split(size), labels.split(size), strict=True))


def test_an_unequal_last_batch_counts_by_its_examples():
    logits = torch.eye(5)
    labels = torch.tensor([0, 1, 2, 3, 0])
    result = evaluate(nn.Identity(), cross_entropy, in_batches(logits, labels, 4))
    assert result.accuracy == 80.0
    assert result.correct.tolist() == [True, True, True, True, False]
    assert result.loss == pytest.approx(float(cross_entropy(logits, labels)))


@pytest.mark.parametrize("negative", [0, -1])
def test_a_single_output_is_judged_by_its_sign(negative):
    outputs = torch.tensor([[2.0], [-1.0], [3.0], [-4.0]])
    labels = torch.tensor([1, negative, negative, 1])
    result = evaluate(nn.Identity(), lambda z, y: (z.reshape(-1) * y).mean(), [(outputs, labels)])
    assert result.correct.tolist() == [True, True, False, False]


def test_a_loss_that_is_not_finite_is_kept():
    batches = [(torch.eye(2), torch.tensor([0, 1]))]
    assert math.isnan(evaluate(nn.Identity(), lambda *_: torch.tensor(math.nan), batches).loss)
    assert evaluate(nn.Identity(), lambda *_: torch.tensor(math.inf), batches).loss == math.inf


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    ("row", "labels"),
    [
        ([0.0, 1.0, 2.0], [0, 0, 1, 2]),  # the largest of NaNs is said to be the first
        ([0.0], [0, 0, 1, 1]),  # and NaN is not above 0
        ([0.0], [-1, -1, 1, 1]),
    ],
)
@pytest.mark.parametrize("place", [0, -1])
def test_an_example_of_outputs_that_are_not_finite_is_wrong(row, labels, value, place):
    outputs = torch.tensor([row] * 4)
    sane = evaluate(nn.Identity(), lambda z, _: z.mean(), [(outputs, torch.tensor(labels))])
    outputs[::2, place] = value
    found = evaluate(nn.Identity(), lambda z, _: z.mean(), [(outputs, torch.tensor(labels))])
    assert found.correct.tolist() == [False, bool(sane.correct[1]), False, bool(sane.correct[3])]
    assert (sane.diverged, found.diverged) == (0, 2)
    assert not math.isfinite(found.loss)


def test_a_loss_that_refuses_outputs_that_are_not_finite_is_nan():
    def loss(outputs, labels):
        if (outputs != outputs).any():
            raise RuntimeError("probabilities are between 0 and 1")
        return outputs.mean()

    def refusing(outputs, labels):
        raise RuntimeError("no loss")

    batches = [(torch.eye(2), torch.tensor([0, 1])), (torch.full((1, 2), math.nan), torch.tensor([0]))]
    found = evaluate(nn.Identity(), loss, batches)
    assert (found.accuracy, found.diverged) == (pytest.approx(200 / 3), 1)
    assert math.isnan(found.loss)
    with pytest.raises(RuntimeError, match="no loss"):
        evaluate(nn.Identity(), refusing, batches[:1])


def test_every_module_is_afterwards_in_the_mode_it_was_in():
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2))
    model[1].eval()
    seen = []
    model.register_forward_hook(lambda module, *_: seen.append([part.training for part in module.modules()]))
    evaluate(model, cross_entropy, [(torch.eye(2), torch.tensor([0, 1]))])
    assert seen == [[False, False, False]]
    assert [part.training for part in model.modules()] == [True, True, False]


def test_masks_are_applied_once_however_many_batches(mlp, mask_layer):
    mask = mask_layer(mlp[0], torch.ones(64, 784))
    mask.calls = 0
    evaluate(mlp, cross_entropy, in_batches(torch.zeros(9, 784), torch.zeros(9, dtype=torch.long), 3))
    assert mask.calls == 1


@pytest.mark.parametrize("batches", [[], [(torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))]])
def test_no_example_is_an_error(batches):
    with pytest.raises(DataError, match="no example"):
        evaluate(nn.Identity(), cross_entropy, batches)


@settings(deadline=None)
@given(st.lists(st.booleans(), max_size=40))
def test_packed_bits_come_back(bits):
    data = pack_bits(torch.tensor(bits, dtype=torch.bool))
    assert len(data) == math.ceil(len(bits) / 8)
    record = Metrics({"examples": len(bits), "correct": sum(bits)}, correct_bits=b64encode(data).decode())
    assert record.answers().tolist() == bits
    assert record.count_correct_bits() == sum(bits)
