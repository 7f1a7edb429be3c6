"""The data sets in MNIST's format, on small files of the same format; MNIST's 4 and 9 on the real ones."""

import struct

import numpy as np
import pytest
import torch
from torchvision import datasets

from benchsuite import DataError
from benchsuite_plugins.mnist import EmnistBalanced, Kmnist, Mnist, Mnist4v9, Qmnist

EXAMPLES = {"train": 5, "test": 3}
THEIRS = {
    Kmnist: lambda root, split: datasets.KMNIST(root, train=split == "train"),
    EmnistBalanced: lambda root, split: datasets.EMNIST(root, split="balanced", train=split == "train"),
    Qmnist: lambda root, split: datasets.QMNIST(root, what=split),
}


@pytest.fixture(params=THEIRS, ids=lambda kind: kind.folder)
def kind(request, monkeypatch):
    monkeypatch.setattr(request.param, "examples", EXAMPLES)
    return request.param


def write(kind, root):
    """Files as `kind` expects them, with random pixels and labels 4, 9, 0, 4, 9."""
    random = np.random.default_rng(0)
    for split, count in EXAMPLES.items():
        images, labels = kind().idx_files(root, split)
        images.path.parent.mkdir(parents=True, exist_ok=True)
        for file, code, values in (
            (images, 8, random.integers(256, size=images.shape, dtype=np.uint8)),
            (labels, 12 if labels.type == "int32" else 8, np.resize([4, 9, 0], count)),
        ):
            columns = np.empty(file.shape, ">i4" if code == 12 else "u1")
            columns[:] = values if values.ndim == columns.ndim else values[:, None] + np.arange(8) * 1000
            header = struct.pack(f">4B{columns.ndim}i", 0, 0, code, columns.ndim, *columns.shape)
            file.path.write_bytes(header + columns.tobytes())
    return root


@pytest.mark.parametrize("split", EXAMPLES)
def test_they_are_read_as_torchvision_reads_them(kind, split, tmp_path, no_network):
    kind().prepare(write(kind, tmp_path))
    ours, theirs = kind().load(tmp_path, split), THEIRS[kind](tmp_path, split)
    assert ours.images.shape == (EXAMPLES[split], 1, 28, 28)
    assert ours.images.dtype == torch.uint8
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert ours.labels.tolist() == [theirs[index][1] for index in range(len(theirs))]
    assert ours.labels.dtype == torch.int64


@pytest.mark.parametrize("part", [0, 1], ids=["images", "labels"])
@pytest.mark.parametrize("damage", ["truncated", "wrong type", "too long"])
def test_a_broken_file_is_named_with_its_remedy(kind, part, damage, tmp_path):
    file = kind().idx_files(write(kind, tmp_path), "test")[part].path
    intact = file.read_bytes()
    file.write_bytes(
        {"truncated": intact[:-1], "wrong type": intact[:2] + b"\x0d" + intact[3:]}.get(damage, intact + b"\0")
    )
    for action in (lambda: kind().prepare(tmp_path), lambda: kind().load(tmp_path, "test")):
        with pytest.raises(DataError, match=rf"{file.name}.*delete it"):
            action()


def test_a_failed_download_says_where_which_files_go(kind, tmp_path, no_network):
    with pytest.raises(DataError, match=rf"no network.*{kind.prefixes['test']}-images.*{kind.folder}/raw"):
        kind().prepare(tmp_path)


def test_four_and_nine_become_classes_zero_and_one(tmp_path, monkeypatch):
    monkeypatch.setattr(Mnist, "examples", EXAMPLES)
    digits, chosen = Mnist().load(write(Mnist, tmp_path), "train"), Mnist4v9().load(tmp_path, "train")
    assert digits.labels.tolist() == [4, 9, 0, 4, 9]
    assert chosen.labels.tolist() == [0, 1, 0, 1]
    assert torch.equal(chosen.images, digits.images[[0, 1, 3, 4]])


@pytest.mark.data
def test_the_real_fours_and_nines(real_data):
    root = real_data("MNIST").parent
    assert Mnist4v9().load(root, "train").labels.bincount().tolist() == [5842, 5949]
    assert Mnist4v9().load(root, "test").labels.bincount().tolist() == [982, 1009]
