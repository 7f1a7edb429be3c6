"""What the command line says of a method, a network or data that cannot work, before anything is trained."""

from pathlib import Path

import pytest

PLAIN = """
[board]
name = "bad"
title = "Bad"
seeds = [0]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [8]}
recipe = {epochs = 1}
"""

ROWS = {
    "one bit, symmetric": (
        '{quantize = "ste-symmetric", bits = 1}',
        'rows[0].steps[0]: quantizer "ste-symmetric": ste-symmetric needs at least 2 bits',
    ),
    "a sparsity out of range": (
        '{prune = "slimming", sparsity = 1.0}',
        'rows[0].steps[0]: pruner "slimming": sparsity must be at least 0 and below 1',
    ),
    "no BatchNorm to slim by": (
        '{prune = "slimming", sparsity = 0.5}',
        '"slimming sparsity 0.5" on mlp: slimming ranks channels by their BatchNorm scales',
    ),
    "a missing parameter": ('{quantize = "ste-symmetric"}', 'quantizer "ste-symmetric": the field "bits" is missing'),
    "a schedule for channels": (
        '{prune = "slimming", sparsity = 0.5, schedule = "linear", epochs = 2}',
        '"slimming" removes channels, which cannot grow back',
    ),
}

DENSE = {
    "a negative λ": ("regularizer = {name = 'l1', strength = -1.0}", 'dense.regularizer: regularizer "l1": strength'),
    "a missing parameter of a regularizer": (
        "regularizer = 'l0-projection'",
        'dense.regularizer: regularizer "l0-projection": the field "k" is missing',
    ),
    "a checkpoint that is not there": ("weights = 'nowhere.pt'", "dense.weights: nowhere.pt cannot be read"),
    "a checkpoint of another architecture": ("weights = 'other.pt'", "dense: checkpoint other.pt is of another"),
    "a checkpoint that holds pickled code": ("weights = 'code.pt'", "checkpoint code.pt is refused: it holds pickled"),
}


def refused(result, message: str) -> None:
    assert result.code == 2, result.err
    assert message in result.err
    assert "Traceback" not in result.err
    assert "epoch" not in result.err


@pytest.mark.parametrize(("step", "message"), ROWS.values(), ids=ROWS)
def test_rows_that_cannot_work(benchsuite, step, message):
    Path("bad.toml").write_text(f"{PLAIN}\n[[rows]]\nsteps = [{step}]\n", encoding="utf-8")
    refused(benchsuite("run", "bad.toml"), message)


class Code:
    def __reduce__(self):
        return print, ("this must never be printed",)


@pytest.mark.parametrize(("key", "message"), DENSE.values(), ids=DENSE)
def test_dense_trainings_that_cannot_work(benchsuite, key, message, capsys):
    import torch

    torch.save({"fc1.weight": torch.zeros(3, 3)}, "other.pt")
    torch.save({"fc1.weight": Code()}, "code.pt")
    Path("bad.toml").write_text(f"{PLAIN}{key}\n\n[[rows]]\nsteps = [{{finetune = 1}}]\n", encoding="utf-8")
    result = benchsuite("run", "bad.toml")
    refused(result, message)
    assert "never be printed" not in result.out + result.err


def test_an_empty_class_folder(benchsuite):
    from PIL import Image

    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (Path("photos") / split / name).mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(Path("photos") / split / name / "0.png")
    (Path("photos") / "test" / "dog" / "0.png").unlink()
    board = PLAIN.replace('"digits"', '{name = "image-folder", path = "photos", size = 8}')
    Path("bad.toml").write_text(board, encoding="utf-8")
    refused(benchsuite("run", "bad.toml", "--data", "."), "dog")


def test_labels_out_of_range(benchsuite, install_plugin):
    install_plugin(
        "wrong-labels",
        """
from dataclasses import dataclass
import torch
from benchsuite import DataInfo, Dataset, ImageData, hookimpl

@dataclass(frozen=True)
class Wrong(Dataset):
    info = DataInfo(1, 4, 4, 3)

    def load(self, root, split):
        labels = torch.tensor([0, 1, 2, 3 if split == "test" else 2])
        return ImageData(torch.zeros(4, 1, 4, 4, dtype=torch.uint8), labels)

    def files(self, root):
        return []

@hookimpl
def benchsuite_datasets():
    return {"wrong": Wrong}
""",
    )
    Path("bad.toml").write_text(PLAIN.replace('"digits"', '"wrong"'), encoding="utf-8")
    refused(benchsuite("run", "bad.toml"), "wrong, test: labels 0..3 of 3 classes")
