"""Checks of data sets that lie on this machine; nothing is ever fetched."""

from pathlib import Path
from typing import get_args

import torch
from torch import Tensor

from benchsuite.api import Dataset, ImageData, Split, TensorData
from benchsuite.errors import DataError
from benchsuite.execution.session import default_data
from benchsuite.testing.checks import NotApplicable, require, rule

_SHARED = 0.01
"""Of the test images, as many at most may be among the training images: published sets have a few duplicates."""


def root_of(dataset: Dataset) -> Path:
    """The folder of the data. Errors: NotApplicable naming what is missing there."""
    root = default_data()
    try:
        absent = [file.name for file in dataset.files(root) if not file.exists()]
    except DataError as error:
        raise NotApplicable(f"the data are not there: {error}") from error
    if absent:
        raise NotApplicable(f"{absent[0]} is not in the folder of the data, BENCHSUITE_DATA")
    return root


def tensors(data: ImageData | TensorData) -> tuple[Tensor, Tensor]:
    """Inputs and labels."""
    return (data.images, data.labels) if isinstance(data, ImageData) else (data.inputs, data.targets)


@rule(Dataset)
def as_described(dataset: Dataset) -> None:
    """Shapes and classes are what networks are built by, and a label out of range is an error on the device only."""
    root = root_of(dataset)
    info = dataset.describe(root)
    for split in get_args(Split):
        data = dataset.load(root, split)
        inputs, labels = tensors(data)
        require(labels.shape == (len(inputs),) and len(inputs) > 0, f"{split}: labels {tuple(labels.shape)}")
        if isinstance(data, ImageData):
            wanted = (len(labels), info.channels, info.height, info.width)
            require(tuple(inputs.shape) == wanted, f"{split}: images of shape {tuple(inputs.shape)}, not {wanted}")
            require(inputs.dtype == torch.uint8, f"{split}: images are {inputs.dtype}, not uint8")
            require(labels.dtype == torch.int64, f"{split}: labels are {labels.dtype}, not int64")
            least, most = int(labels.min()), int(labels.max())
            require(least >= 0 and most < info.classes, f"{split}: labels {least}..{most} of {info.classes} classes")
        else:
            require(bool(inputs.isfinite().all()), f"{split}: NaN or infinite inputs")


@rule(Dataset)
def normalisation_is_usable(dataset: Dataset) -> None:
    """A standard deviation of 0, or one too few, makes every pixel infinite or of the wrong scale."""
    root_of(dataset)
    channels = dataset.describe(default_data()).channels
    for name, values in (("mean", dataset.mean), ("std", dataset.std)):
        require(len(values) in (1, channels), f"{len(values)} values of {name} for {channels} channels")
    require(all(one > 0 for one in dataset.std), f"std is {dataset.std}")


@rule(Dataset)
def splits_are_disjoint(dataset: Dataset) -> None:
    """Test examples that were trained on measure memory: the accuracy of such a split is no result."""
    root = root_of(dataset)
    train, test = (tensors(dataset.load(root, split))[0] for split in get_args(Split))
    seen = {hash(one.numpy().tobytes()) for one in train}
    shared = sum(hash(one.numpy().tobytes()) in seen for one in test)
    require(shared <= _SHARED * len(test), f"{shared} of {len(test)} test examples are training examples, too")


@rule(Dataset)
def loads_alike(dataset: Dataset) -> None:
    """A split that is drawn anew, or that depends on which was loaded first, is another data set in every run."""
    root = root_of(dataset)
    first = {split: tensors(dataset.load(root, split)) for split in get_args(Split)}
    for split in reversed(get_args(Split)):
        for one, other in zip(first[split], tensors(dataset.load(root, split)), strict=True):
            require(torch.equal(one, other), f"loaded again, the {split} examples are others")


@rule(Dataset)
def fingerprint_is_stable(dataset: Dataset) -> None:
    """The fingerprint is in every key: one that changes with use makes all results stale."""
    root = root_of(dataset)
    before = dataset.fingerprint(root)
    dataset.load(root, "test")
    require(dataset.fingerprint(root) == before, "after loading it is another")
