"""The data sets: the fixed split of the digits, the real MNIST files, and broken ones."""

import gzip
import os
import shutil
from pathlib import Path

import pytest
import torch

from benchsuite import DataError
from benchsuite_plugins.digits import Digits
from benchsuite_plugins.mnist import FashionMnist, Mnist

ROOT = Path(os.environ.get("BENCHSUITE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(params=[Mnist(), FashionMnist()], ids=lambda dataset: dataset.folder)
def dataset(request):
    if not all(file.is_file() for file in request.param.files(ROOT)):
        pytest.skip(f"{request.param.folder} is not in {ROOT}: set BENCHSUITE_TEST_DATA")
    return request.param


def test_the_split_of_the_digits_is_fixed_and_stratified():
    train, test = (Digits().load(Path(), split) for split in ("train", "test"))
    assert train.images.dtype == torch.uint8
    assert train.images.shape == (1352, 1, 8, 8)
    assert test.images.shape == (445, 1, 8, 8)
    assert (train.images.min(), train.images.max()) == (0, 255)
    assert train.labels.dtype == torch.int64
    in_train, in_test = train.labels.bincount(), test.labels.bincount()
    assert torch.equal(in_test, (in_train + in_test) // 4)


def test_every_fourth_digit_of_a_class_is_a_test_digit():
    from sklearn.datasets import load_digits

    digits = load_digits()
    zeros = torch.from_numpy((digits.images[digits.target == 0] * 255 / 16).round()).to(torch.uint8)
    test = Digits().load(Path(), "test")
    assert torch.equal(test.images[test.labels == 0, 0], zeros[3::4])


def test_the_fingerprint_of_the_digits_ignores_their_packing(tmp_path, monkeypatch):
    (file,) = Digits().files(Path())
    fingerprint = Digits().fingerprint(Path())
    repacked = tmp_path / file.name
    repacked.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), compresslevel=1))
    monkeypatch.setattr(Digits, "files", lambda self, root: [repacked])
    assert Digits().fingerprint(Path()) == fingerprint
    repacked.write_bytes(repacked.read_bytes()[:1000])
    with pytest.raises(DataError, match=r"digits\.csv\.gz cannot be read"):
        Digits().fingerprint(Path())


@pytest.mark.data
def test_the_real_files(dataset):
    dataset.prepare(ROOT)
    train, test = (dataset.load(ROOT, split) for split in ("train", "test"))
    assert train.images.shape == (60_000, 1, 28, 28)
    assert test.images.shape == (10_000, 1, 28, 28)
    assert (train.images.dtype, train.labels.dtype) == (torch.uint8, torch.int64)
    pixels = train.images.float() / 255
    if isinstance(dataset, FashionMnist):
        assert train.labels.bincount().tolist() == [6000] * 10
    else:
        assert pixels.mean().item() == pytest.approx(dataset.mean[0], abs=1e-4)
        assert pixels.std().item() == pytest.approx(dataset.std[0], abs=1e-4)


@pytest.mark.data
def test_they_are_what_torchvision_reads(dataset):
    from torchvision import datasets

    theirs = getattr(datasets, dataset.folder)(ROOT, train=False, download=False)
    ours = dataset.load(ROOT, "test")
    assert torch.equal(ours.images[:, 0], theirs.data)
    assert torch.equal(ours.labels, theirs.targets)


@pytest.mark.data
@pytest.mark.parametrize("damage", ["truncated", "wrong magic", "empty", "labels"])
def test_a_broken_file_is_named_with_its_remedy(dataset, damage, tmp_path):
    folder = tmp_path / dataset.folder / "raw"
    folder.mkdir(parents=True)
    for file in dataset.files(ROOT):
        shutil.copyfile(file, folder / file.name)
    images, labels = dataset.files(tmp_path)[2:]
    broken = labels if damage == "labels" else images
    intact = broken.read_bytes()
    broken.write_bytes({"wrong magic": b"\x01" + intact[1:], "empty": b""}.get(damage, intact[:-1]))
    for action in (lambda: dataset.prepare(tmp_path), lambda: dataset.load(tmp_path, "test")):
        with pytest.raises(DataError, match=rf"{broken.name}.*delete it"):
            action()


def test_absent_files_are_named_with_their_folder(tmp_path):
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.*--data"):
        Mnist().load(tmp_path, "train")


def test_a_failed_download_says_where_the_files_go(tmp_path, monkeypatch):
    from torchvision import datasets

    monkeypatch.setattr(datasets.MNIST, "mirrors", [(tmp_path / "nowhere").as_uri() + "/"])
    with pytest.raises(DataError, match=r"could not be downloaded.*MNIST/raw"):
        Mnist().prepare(tmp_path)
