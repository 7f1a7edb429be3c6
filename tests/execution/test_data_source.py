"""Data in memory: normalised, shuffled and augmented by the batch; nothing is kept that is not what it should be."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from tiny_board import Dots, registry_with
from torch import Tensor

from benchsuite import DataError, DataInfo, Dataset, ImageData
from benchsuite.execution.data import DataSource, Examples
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


def source_of(images, labels, tmp_path) -> tuple[DataSource, list[str]]:
    loads = []

    @dataclass(frozen=True)
    class Given(Dataset):
        info: ClassVar[DataInfo] = Dots.info

        def load(self, root, split):
            loads.append(split)
            return ImageData(images, labels)

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
}


@pytest.mark.parametrize(("images", "labels", "reason"), WRONG.values(), ids=WRONG)
def test_data_that_are_not_what_the_data_set_declares(images, labels, reason, tmp_path):
    source, loads = source_of(images, labels, tmp_path)
    for _ in range(2):
        with pytest.raises(DataError, match=f"given, train: {reason}"):
            source.examples(USE, "train")
    assert loads == ["train"] * 2, "nothing half-loaded is kept"


def test_each_split_is_loaded_once(tmp_path):
    source, loads = source_of(*GOOD, tmp_path)
    assert source.examples(USE, "train") is source.examples(USE, "train")
    source.examples(USE, "test")
    assert loads == ["train", "test"]
