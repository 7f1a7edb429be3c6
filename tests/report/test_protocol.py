"""A protocol in two lines."""

from dataclasses import replace

import pytest
from make_line import make
from make_record import finetune, prune, quantize, recipe, train, use

from benchsuite.report.protocol import protocol
from benchsuite.results import board_results


def told(dense, rows=()):
    records = [make(number, 0, role="dense", steps=[step]) for number, step in enumerate(dense)]
    records += [make(10 + number, 0, steps=steps) for number, steps in enumerate(rows)]
    (table,) = board_results(records)
    return protocol(table)


ADAM = "adam, lr 0.001, batch 64"
SGD = {"optimizer": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 1e-4, "augmentation": ("crop", "flip")}


@pytest.mark.parametrize(
    ("dense", "line"),
    [
        ([train()], f"Dense: `digits`; `mlp`; {ADAM}, 10 epochs."),
        (
            [train(fields={"activation": "relu", "bias": True}), train(fields={"activation": "tanh", "bias": True})],
            f"Dense: `digits`; `mlp`, activation relu/tanh; {ADAM}, 10 epochs.",
        ),
        ([train("small", epochs=5), train("large")], f"Dense: `digits`; `small`/`large`; {ADAM}, 5/10 epochs."),
        (
            [replace(train(), regularizer=use("regularizer", "l1", strength=strength)) for strength in (0.0, 0.01)],
            f"Dense: `digits`; `mlp`; `l1`, strength 0/0.01; {ADAM}, 10 epochs.",
        ),
        (
            [replace(train(schedule="step", milestones=(8, 12), precision="bf16", **SGD), weights="abc")],
            "Dense: `digits`; `mlp`; from given weights; sgd, lr 0.1, momentum 0.9, weight decay 0.0001, batch 64,"
            " step at 8, 12, 10 epochs, crop+flip, bf16.",
        ),
    ],
)
def test_the_dense_training(dense, line):
    assert told(dense) == [line]


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([[train(), prune(sparsity=0.8)]], "After it: nothing is trained."),
        ([[train(), prune(sparsity=0.8), finetune(0)]], "After it: nothing is trained."),
        (
            [[train(), quantize(4, skip=["first", "last"])]],
            "After it: layers skipped: first and last; nothing is trained.",
        ),
        (
            [[train(), prune(sparsity=0.8)], [train(), prune(sparsity=0.8), finetune(5), quantize(4), finetune(5)]],
            f"After it: 0/10 epochs in all; {ADAM}.",
        ),
        (
            [[train(), prune(sparsity=0.8, schedule="cubic", recipe=recipe(epochs=5)), finetune(5)]],
            f"After it: schedule cubic; 10 epochs in all; {ADAM}.",
        ),
    ],
)
def test_what_comes_after(rows, line):
    assert told([train()], rows)[1:] == [line]
