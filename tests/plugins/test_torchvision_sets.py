"""CIFAR, SVHN and STL-10, on small files of their formats whose md5 torchvision is told to expect."""

import hashlib
import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.io import savemat
from torchvision import datasets

from benchsuite import DataError
from benchsuite_plugins.torchvision_sets import Cifar10, Cifar100, Stl10, Svhn

RANDOM = np.random.default_rng(0)


def md5(file):
    return hashlib.md5(file.read_bytes()).hexdigest()


def write_cifar(kind, root, monkeypatch):
    """Two images a file."""
    folder, theirs = root / kind.folder, getattr(datasets, kind.cache_name.upper())
    folder.mkdir(parents=True)
    for number, name in enumerate(kind.names):
        labels = [number, number + 1]
        content = {"data": RANDOM.integers(256, size=(2, 3072), dtype=np.uint8)}
        content |= {"labels": labels} if kind is Cifar10 else {"fine_labels": labels, "coarse_labels": [0, 0]}
        if "meta" in name:
            content = {theirs.meta["key"]: ["one", "two"]}
        (folder / name).write_bytes(pickle.dumps(content))
    for split in ("train_list", "test_list"):
        monkeypatch.setattr(theirs, split, [[name, md5(folder / name)] for name, _ in getattr(theirs, split)])
    monkeypatch.setitem(theirs.meta, "md5", md5(folder / kind.names[-1]))


def write_svhn(kind, root, monkeypatch):
    """Four images in each split, of the digits 0, 1, 9, 0."""
    root.mkdir(parents=True)
    known = {}
    for name in kind.names:
        pixels = RANDOM.integers(256, size=(32, 32, 3, 4), dtype=np.uint8)
        savemat(root / name, {"X": pixels, "y": np.array([[10], [1], [9], [10]], np.uint8)})
        known[name.partition("_")[0]] = ["http://nowhere", name, md5(root / name)]
    monkeypatch.setattr(datasets.SVHN, "split_list", known)


def write_stl10(kind, root, monkeypatch):
    """Two images in each split, of the classes 1 and 10; one image without a label."""
    folder = root / kind.folder
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        (folder / f"{split}_X.bin").write_bytes(RANDOM.integers(256, size=2 * 27648, dtype=np.uint8).tobytes())
        (folder / f"{split}_y.bin").write_bytes(bytes([1, 10]))
    (folder / "unlabeled_X.bin").write_bytes(bytes(27648))
    for split in ("train_list", "test_list"):
        known = [[name, md5(folder / name)] for name, _ in getattr(datasets.STL10, split)]
        monkeypatch.setattr(datasets.STL10, split, known)


WRITE = {Cifar10: write_cifar, Cifar100: write_cifar, Svhn: write_svhn, Stl10: write_stl10}


@pytest.fixture(params=WRITE, ids=lambda kind: kind.cache_name)
def kind(request):
    return request.param


@pytest.fixture
def root(kind, tmp_path, home, no_network, monkeypatch):
    WRITE[kind](kind, tmp_path / "data", monkeypatch)
    return tmp_path / "data"


def theirs(kind, root, split):
    """The images (N, C, H, W) and labels that torchvision reads."""
    if kind in (Svhn, Stl10):
        read = getattr(datasets, kind.__name__.upper())(root, split=split)
        return torch.tensor(read.data), torch.tensor(read.labels)
    read = getattr(datasets, kind.__name__.upper())(root, train=split == "train")
    return torch.tensor(read.data).permute(0, 3, 1, 2), torch.tensor(read.targets)


@pytest.mark.parametrize("split", ["train", "test"])
def test_they_are_read_as_torchvision_reads_them(kind, root, split):
    kind().prepare(root)
    ours, (images, labels) = kind().load(root, split), theirs(kind, root, split)
    if kind is Stl10:
        images = (torch.nn.functional.avg_pool2d(images.double(), 3) + 0.5).floor()
    assert ours.images.dtype == torch.uint8
    assert torch.equal(ours.images, images.to(torch.uint8))
    assert ours.labels.dtype == torch.int64
    assert torch.equal(ours.labels, labels.long())
    assert ours.images.shape[1:] == (3, 32, 32)
    assert ours.labels.max() < kind.info.classes


def test_the_second_load_needs_no_torchvision(kind, root):
    first = kind().load(root, "test")
    script = f"""
import sys
from pathlib import Path
from benchsuite_plugins.torchvision_sets import {kind.__name__} as kind
print(kind().load(Path(sys.argv[1]), "test").images.long().sum().item(), "torchvision" in sys.modules)
"""
    command = [sys.executable, "-c", script, str(root)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, env=dict(os.environ)).stdout
    assert output.split() == [str(first.images.long().sum().item()), "False"]


@pytest.mark.parametrize("damage", ["truncated", "one bit", "empty"])
def test_a_damaged_file_is_named_with_its_remedy(kind, root, damage):
    file = kind().files(root)[0]
    intact = file.read_bytes()
    file.write_bytes({"truncated": intact[:-1], "empty": b""}.get(damage, intact[:-1] + bytes([intact[-1] ^ 1])))
    for action in (lambda: kind().prepare(root), lambda: kind().load(root, "train")):
        with pytest.raises(DataError, match=rf"{file.name} is damaged.*delete it"):
            action()
    assert list(root.rglob("*.safetensors")) == []


def test_pickled_code_in_place_of_a_file_is_not_run(tmp_path, home, no_network, monkeypatch):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "run"),)

    write_cifar(Cifar10, tmp_path, monkeypatch)
    (tmp_path / Cifar10.folder / "test_batch").write_bytes(pickle.dumps(Code()))
    with pytest.raises(DataError, match="test_batch is damaged"):
        Cifar10().load(tmp_path, "test")
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_named(kind, root):
    file = kind().files(root)[1]
    file.unlink()
    with pytest.raises(DataError, match=rf"{file.name} is missing.*--data"):
        kind().load(root, "train")


def test_a_failed_download_says_where_which_files_go(kind, tmp_path, home, no_network):
    files = kind().files(tmp_path)
    with pytest.raises(DataError, match=rf"no network.*{files[0].name}.*{files[-1].name}.*{files[0].parent}"):
        kind().prepare(tmp_path)


def test_stl10_needs_no_unlabelled_images(tmp_path, home, no_network, monkeypatch):
    write_stl10(Stl10, tmp_path, monkeypatch)
    (tmp_path / Stl10.folder / "unlabeled_X.bin").unlink()
    Stl10().prepare(tmp_path)
    assert Stl10().load(tmp_path, "train").labels.tolist() == [0, 9]


def test_the_digit_that_svhn_calls_ten_is_zero(tmp_path, home, no_network, monkeypatch):
    write_svhn(Svhn, tmp_path / "data", monkeypatch)
    assert Svhn().load(tmp_path / "data", "test").labels.tolist() == [0, 1, 9, 0]
