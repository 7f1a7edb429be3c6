"""Data in memory: normalised, shuffled and augmented by the batch; nothing is kept that is not what it should be."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from tiny_board import Dots, registry_with
from torch import Tensor

from benchsuite import DataError, DataInfo, Dataset, ImageData, TensorData
from benchsuite.execution.data import DataSource, Examples, batch_sizes
from benchsuite.plan import Use

CPU = torch.device("cpu")


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def examples(count: int = 20, channels: int = 3, height: int = 6, width: int = 8) -> Examples:
    images = torch.randint(1, 256, (count, channels, height, width), generator=generator(), dtype=torch.uint8)
    return Examples(images, torch.arange(count), (0.1, 0.2, 0.3)[:channels], (0.5, 0.25, 0.125)[:channels])


def test_normalisation_is_by_channel():
    data = examples()
    expected = (data.images.double() / 255 - torch.tensor(data.mean).view(1, 3, 1, 1)) / torch.tensor(data.std).view(
        1, 3, 1, 1
    )
    (found, labels) = data.in_order()[0]
    assert found.dtype == torch.float32
    assert torch.allclose(found.double(), expected, atol=1e-5)
    assert torch.equal(labels, data.labels)
    assert torch.equal(data.example(), found[:1])


def test_one_value_serves_all_channels():
    data = Examples(examples().images, torch.arange(20), (0.5,), (0.5,))
    assert torch.allclose(data.in_order()[0][0], data.images / 127.5 - 1, atol=1e-6)


def test_floats_are_used_as_they_are():
    inputs = torch.randn(5, 7)
    data = Examples(inputs, torch.arange(5))
    assert torch.equal(data.in_order()[0][0], inputs)
    assert torch.equal(torch.cat([one for one, _ in data.shuffled(2, generator())]).sort(0)[0], inputs.sort(0)[0])


def test_each_epoch_shows_every_example_once_with_its_label():
    data = examples()
    batches = list(data.shuffled(8, generator()))
    assert [len(labels) for _, labels in batches] == [8, 8, 4]
    order = torch.cat([labels for _, labels in batches])
    assert sorted(order.tolist()) == list(range(20))
    assert order.tolist() != list(range(20))
    assert torch.equal(torch.cat([inputs for inputs, _ in batches]), data.normalised(data.images)[order])


def test_the_order_is_the_generators():
    data, source = examples(), generator()
    first, second, again = (
        [labels.tolist() for _, labels in data.shuffled(8, one)] for one in (source, source, generator())
    )
    assert first == again
    assert first != second


@pytest.mark.parametrize("augmentation", [("crop",), ("flip",), ("crop", "flip")])
def test_augmentation_keeps_shape_type_and_labels(augmentation):
    data = examples()
    batches = list(data.shuffled(7, generator(), augmentation))
    assert [inputs.shape for inputs, _ in batches] == [(7, 3, 6, 8), (7, 3, 6, 8), (6, 3, 6, 8)]
    assert {inputs.dtype for inputs, _ in batches} == {torch.float32}
    assert sorted(torch.cat([labels for _, labels in batches]).tolist()) == list(range(20))
    assert torch.equal(data.images, examples().images)


def pixels(data: Examples, normalised: Tensor) -> Tensor:
    mean, std = (torch.tensor(one).view(1, -1, 1, 1) for one in (data.mean, data.std))
    return ((normalised * std + mean) * 255).round().to(torch.uint8)


def test_a_flip_mirrors_left_to_right_about_half_of_the_images():
    data = examples(200)
    mirrored = 0
    for inputs, labels in data.shuffled(50, generator(), ("flip",)):
        for image, original in zip(pixels(data, inputs), data.images[labels], strict=True):
            assert torch.equal(image, original) or torch.equal(image, original.flip(2))
            mirrored += torch.equal(image, original.flip(2))
    assert 70 < mirrored < 130


def test_a_crop_is_a_window_of_the_padded_image():
    data = examples(100)
    padded = torch.nn.functional.pad(data.images, (4, 4, 4, 4))
    seen = set()
    for inputs, labels in data.shuffled(50, generator(), ("crop",)):
        for image, one in zip(pixels(data, inputs), padded[labels], strict=True):
            places = [
                (top, left)
                for top in range(9)
                for left in range(9)
                if torch.equal(one[:, top : top + 6, left : left + 8], image)
            ]
            assert places
            seen.add(places[0])
    assert {top for top, _ in seen} == {left for _, left in seen} == set(range(9))


USE = Use("dataset", "given", (), "")
GOOD = (torch.zeros(4, 1, 6, 6, dtype=torch.uint8), torch.tensor([0, 1, 2, 0]))


def source_of(images, labels, tmp_path, **declared) -> tuple[DataSource, list[str]]:
    return source_loading(lambda _: ImageData(images, labels), tmp_path, **declared)


def source_loading(split_of, tmp_path, **declared) -> tuple[DataSource, list[str]]:
    """A data set whose splits are what `split_of` makes of their names. declared: info, mean, std."""
    loads = []

    @dataclass(frozen=True)
    class Given(Dataset):
        info: ClassVar[DataInfo] = declared.get("info", Dots.info)
        mean: ClassVar[tuple[float, ...]] = declared.get("mean", (0.5,))
        std: ClassVar[tuple[float, ...]] = declared.get("std", (0.5,))

        def load(self, root, split):
            loads.append(split)
            return split_of(split)

        def files(self, root):
            return []

    return DataSource(registry_with(dataset_given=Given), tmp_path, CPU), loads


WRONG = {
    "floats": (GOOD[0].float(), GOOD[1], "images are torch.float32 and labels torch.int64, not uint8 and int64"),
    "small labels": (GOOD[0], GOOD[1].int(), "images are torch.uint8 and labels torch.int32"),
    "size": (GOOD[0][..., :5], GOOD[1], r"images have shape \(4, 1, 6, 5\), not \(4, 1, 6, 6\)"),
    "channels last": (GOOD[0].permute(0, 2, 3, 1), GOOD[1], r"images have shape \(4, 6, 6, 1\)"),
    "count": (GOOD[0][:3], GOOD[1], r"images have shape \(3, 1, 6, 6\), not \(4, 1, 6, 6\)"),
    "column of labels": (GOOD[0], GOOD[1][:, None], r"labels have shape \(4, 1\), not \(N,\) with N of at least 1"),
    "nothing": (GOOD[0][:0], GOOD[1][:0], r"labels have shape \(0,\)"),
    "class": (GOOD[0], GOOD[1] + 1, r"labels 1\.\.3 of 3 classes"),
    "negative": (GOOD[0], GOOD[1] - 1, r"labels -1\.\.1 of 3 classes"),
    "numpy images": (
        GOOD[0].numpy(),
        GOOD[1],
        r"images is a numpy\.ndarray, not a torch\.Tensor: return torch.from_numpy",
    ),
    "numpy labels": (
        GOOD[0],
        GOOD[1].numpy(),
        r"labels is a numpy\.ndarray, not a torch\.Tensor: return torch.from_numpy",
    ),
    "a list": (GOOD[0], GOOD[1].tolist(), r"labels is a list, not a torch\.Tensor: return torch\.tensor\(values\)"),
    "nothing at all": (None, GOOD[1], r"images is a NoneType, not a torch\.Tensor"),
    "sparse": (GOOD[0].to_sparse(), GOOD[1], r"images has the layout torch\.sparse_coo: return a dense tensor"),
    "complex": (GOOD[0].cfloat(), GOOD[1], "images are torch.complex64 and labels torch.int64"),
    "yes and no": (GOOD[0], GOOD[1] > 0, "images are torch.uint8 and labels torch.bool"),
    "one label": (GOOD[0], GOOD[1][0], r"labels have shape \(\), not \(N,\)"),
}


@pytest.mark.parametrize(("images", "labels", "reason"), WRONG.values(), ids=WRONG)
def test_data_that_are_not_what_the_data_set_declares(images, labels, reason, tmp_path):
    source, loads = source_of(images, labels, tmp_path)
    for _ in range(2):
        with pytest.raises(DataError, match=f"given, train: {reason}"):
            source.examples(USE, "train")
    assert loads == ["train"] * 2, "nothing half-loaded is kept"


F = torch.zeros(4, 5)
N = torch.tensor([0.0, 1.0, 2.0, 3.0])
INTS = torch.tensor([0, 1, 2, 0])
NAN = torch.tensor([0.0, 1.0, torch.nan, 3.0])
WRONG_TENSORS = {
    "numpy inputs": (
        F.numpy(),
        N,
        r"inputs is a numpy\.ndarray, not a torch\.Tensor: return torch\.from_numpy\(array\)",
    ),
    "numpy targets": (F, N.numpy(), r"targets is a numpy\.ndarray"),
    "complex inputs": (
        F.cfloat(),
        N,
        "inputs are torch.complex64 and targets torch.float32: give inputs as real floats",
    ),
    "complex targets": (F, N.cfloat(), "inputs are torch.float32 and targets torch.complex64"),
    "whole inputs": (F.long(), N, "inputs are torch.int64 and"),
    "small targets": (F, INTS.int(), "inputs are torch.float32 and targets torch.int32"),
    "NaN inputs": (F + NAN[:, None], N, "inputs of example 2 hold NaN or infinity"),
    "infinite inputs": (F + N[:, None] / 0, N, "inputs of example 0 hold NaN or infinity"),
    "NaN targets": (F, NAN, "targets of example 2 hold NaN or infinity"),
    "infinite targets": (F, N.where(N < 3, -torch.inf), "targets of example 3 hold NaN or infinity"),
    "column of targets": (F, N[:, None], r"targets have shape \(4, 1\), not \(N,\)"),
    "no example": (F[:0], N[:0], r"targets have shape \(0,\)"),
    "no feature": (F[:, :0], N, r"inputs have shape \(4, 0\), not \(4, …\)"),
    "count": (F[:3], N, r"inputs have shape \(3, 5\), not \(4, …\)"),
    "no axis of examples": (F[:, 0], N, r"inputs have shape \(4,\), not \(4, …\)"),
    "class": (F, INTS + 1, r"labels 1\.\.3 of 3 classes"),
    "negative": (F, -INTS, r"labels -2\.\.0 of 3 classes"),
    "signs of three": (F, INTS.clamp(max=1) * 2 - 1, r"labels -1\.\.1 of 3 classes"),
}


@pytest.mark.parametrize(("inputs", "targets", "reason"), WRONG_TENSORS.values(), ids=WRONG_TENSORS)
def test_tensors_that_are_not_what_a_network_can_learn(inputs, targets, reason, tmp_path):
    source, _ = source_loading(lambda _: TensorData(inputs, targets), tmp_path)
    with pytest.raises(DataError, match=f"given, test: {reason}"):
        source.examples(USE, "test")


@pytest.mark.parametrize(
    ("inputs", "targets", "classes"),
    [
        (F.double(), N.double(), 1),
        (F.half(), N.bfloat16(), 1),
        (F, INTS, 3),
        (F, INTS.clamp(max=1), 2),
        (F, INTS.clamp(max=1) * 2 - 1, 2),
        (F[:1], INTS[:1], 2),
    ],
)
def test_tensors_that_are(inputs, targets, classes, tmp_path):
    source, _ = source_loading(lambda _: TensorData(inputs, targets), tmp_path, info=DataInfo(1, 1, 5, classes))
    found = source.examples(USE, "train")
    assert torch.equal(found.images, inputs)
    assert torch.equal(found.labels, targets)


@pytest.mark.parametrize(
    ("data", "told"), [(GOOD, "a tuple"), (None, "a NoneType"), (F, r"a torch\.Tensor"), ({}, "a dict")]
)
def test_what_load_returned_instead_of_data(data, told, tmp_path):
    source, _ = source_loading(lambda _: data, tmp_path)
    with pytest.raises(DataError, match=rf"given, train: load returned {told}, not ImageData or TensorData"):
        source.examples(USE, "train")


def test_one_class_is_no_classification(tmp_path):
    """Every answer would be right, and a single output would be taken for a yes or no."""
    one = {"info": DataInfo(1, 6, 6, 1)}
    images, tensors = ImageData(GOOD[0], GOOD[1] * 0), TensorData(F, INTS * 0)
    for data in (images, tensors):
        source, _ = source_loading(lambda _, data=data: data, tmp_path, **one)
        with pytest.raises(DataError, match=r"given, train: a classification needs at least 2 classes, and .* has 1"):
            source.examples(USE, "train")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (TensorData(F[:, :4], N), r"train: \(5,\) of torch\.float32 with .*, test: \(4,\) of torch\.float32"),
        (TensorData(F.double(), N), r"test: \(5,\) of torch\.float64 with"),
        (TensorData(F, INTS), r"with labels of torch\.float32, test: .* with labels of torch\.int64"),
        (ImageData(*GOOD), r"test: \(1, 6, 6\) of torch\.uint8"),
    ],
)
def test_splits_of_different_kinds(other, told, tmp_path):
    source, _ = source_loading(lambda split: TensorData(F, N) if split == "train" else other, tmp_path)
    source.examples(USE, "train")
    with pytest.raises(DataError, match=f"given: the splits have examples of different kinds .*{told}"):
        source.examples(USE, "test")


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"std": (0.0,)}, r"std is \(0\.0,\), and pixels are divided by it"),
        ({"std": (-0.5,)}, r"std is \(-0\.5,\)"),
        ({"std": (float("nan"),)}, r"std is \(nan,\), not one finite number for each of 1 channels"),
        ({"mean": (0.1, 0.2, 0.3)}, r"mean is \(0\.1, 0\.2, 0\.3\), not one finite number"),
        ({"mean": ()}, r"mean is \(\), not"),
    ],
)
def test_a_normalisation_that_no_pixel_survives(declared, reason, tmp_path):
    source, _ = source_of(*GOOD, tmp_path, **declared)
    with pytest.raises(DataError, match=f"given: {reason}"):
        source.examples(USE, "train")


@pytest.mark.parametrize(
    ("examples", "batch_size", "apart", "together"),
    [
        (33, 16, [16, 16, 1], [16, 17]),
        (3, 2, [2, 1], [3]),
        (34, 16, [16, 16, 2], [16, 16, 2]),
        (32, 16, [16, 16], [16, 16]),
        (17, 16, [16, 1], [17]),
        (1, 16, [1], [1]),
        (3, 1, [1, 1, 1], [1, 1, 1]),
    ],
)
def test_the_sizes_of_batches(examples, batch_size, apart, together):
    assert batch_sizes(examples, batch_size) == apart
    assert batch_sizes(examples, batch_size, together=True) == together


def test_each_split_is_loaded_once(tmp_path):
    source, loads = source_of(*GOOD, tmp_path)
    assert source.examples(USE, "train") is source.examples(USE, "train")
    source.examples(USE, "test")
    assert loads == ["train", "test"]
