"""Held against its description before anything is trained: each split of a data set, and one against the other."""

from collections.abc import Mapping, Sequence
from math import isfinite

import torch
from torch import Tensor

from benchsuite.api import DataInfo, ImageData, TensorData
from benchsuite.errors import DataError

_LEAST_CLASSES = 2


def check_split(place: str, info: DataInfo, data: object) -> None:
    """Check that a split is what the data set describes. place: named in messages. Errors: DataError."""
    if isinstance(data, ImageData):
        _require_tensors(place, {"images": data.images, "labels": data.labels})
        _check_images(place, info, data.images, data.labels)
    elif isinstance(data, TensorData):
        _require_tensors(place, {"inputs": data.inputs, "targets": data.targets})
        _check_inputs(place, info, data.inputs, data.targets)
    else:
        raise DataError(f"{place}: load returned {_told(data)}, not ImageData or TensorData")


def check_alike(name: str, splits: Mapping[str, tuple[Tensor, Tensor]]) -> None:
    """Check that all splits have examples of one shape and dtype, and labels of one dtype. Errors: DataError."""
    told = {
        split: f"{tuple(inputs.shape[1:])} of {inputs.dtype} with labels of {labels.dtype}"
        for split, (inputs, labels) in splits.items()
    }
    if len(set(told.values())) > 1:
        each = ", ".join(f"{split}: {text}" for split, text in told.items())
        raise DataError(f"{name}: the splits have examples of different kinds ({each})")


def check_normalisation(name: str, channels: int, mean: Sequence[float], std: Sequence[float]) -> None:
    """Check that every pixel has a finite normalised value. Errors: DataError."""
    for what, values in (("mean", mean), ("std", std)):
        if len(values) not in (1, channels) or not all(map(isfinite, values)):
            raise DataError(f"{name}: {what} is {values}, not one finite number for each of {channels} channels")
    if min(std) <= 0:
        raise DataError(f"{name}: std is {std}, and pixels are divided by it: give numbers above 0")


def _require_tensors(place: str, parts: Mapping[str, object]) -> None:
    for name, part in parts.items():
        if not isinstance(part, Tensor):
            remedy = "torch.from_numpy(array)" if type(part).__module__ == "numpy" else "torch.tensor(values)"
            raise DataError(f"{place}: {name} is {_told(part)}, not a torch.Tensor: return {remedy}")
        if part.layout != torch.strided:
            raise DataError(
                f"{place}: {name} has the layout {part.layout}: return a dense tensor, such as its to_dense()"
            )


def _check_images(place: str, info: DataInfo, images: Tensor, labels: Tensor) -> None:
    expected = (len(labels) if labels.ndim else 0, info.channels, info.height, info.width)
    if images.dtype != torch.uint8 or labels.dtype != torch.int64:
        raise DataError(f"{place}: images are {images.dtype} and labels {labels.dtype}, not uint8 and int64")
    if labels.ndim != 1 or not len(labels):
        raise DataError(f"{place}: labels have shape {tuple(labels.shape)}, not (N,) with N of at least 1")
    if tuple(images.shape) != expected:
        raise DataError(f"{place}: images have shape {tuple(images.shape)}, not {expected}")
    _check_classes(place, info, labels, signs=False)


def _check_inputs(place: str, info: DataInfo, inputs: Tensor, targets: Tensor) -> None:
    if not inputs.is_floating_point() or not (targets.is_floating_point() or targets.dtype == torch.int64):
        kinds = f"inputs are {inputs.dtype} and targets {targets.dtype}"
        raise DataError(f"{place}: {kinds}: give inputs as real floats, targets as real floats or int64")
    if targets.ndim != 1 or not len(targets):
        raise DataError(f"{place}: targets have shape {tuple(targets.shape)}, not (N,) with N of at least 1")
    if inputs.ndim < 2 or len(inputs) != len(targets) or not inputs.numel():
        raise DataError(f"{place}: inputs have shape {tuple(inputs.shape)}, not ({len(targets)}, …)")
    for name, tensor in (("inputs", inputs), ("targets", targets)):
        finite = tensor.reshape(len(tensor), -1).isfinite().all(1)
        if not bool(finite.all()):
            first = int(finite.logical_not().nonzero()[0])
            raise DataError(f"{place}: {name} of example {first} hold NaN or infinity; clean the data or leave it out")
    if targets.dtype == torch.int64:
        _check_classes(place, info, targets, signs=True)


def _check_classes(place: str, info: DataInfo, labels: Tensor, *, signs: bool) -> None:
    """signs: of two classes the labels may be −1 and 1, too, which a single output tells apart."""
    if info.classes < _LEAST_CLASSES:
        raise DataError(
            f"{place}: a classification needs at least {_LEAST_CLASSES} classes, and the data set has {info.classes}: "
            "every answer would be right (the targets of a regression are floats)"
        )
    least, most = int(labels.min()), int(labels.max())
    if signs and info.classes == _LEAST_CLASSES and bool((labels.abs() == 1).all()):
        return
    if least < 0 or most >= info.classes:
        raise DataError(f"{place}: labels {least}..{most} of {info.classes} classes")


def _told(value: object) -> str:
    kind = type(value)
    return f"a {kind.__qualname__}" if kind.__module__ == "builtins" else f"a {kind.__module__}.{kind.__qualname__}"
