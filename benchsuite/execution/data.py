"""Data as tensors on the device: normalised and augmented by the batch, no worker processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from benchsuite.api import DataInfo, Dataset, Split, TensorData
from benchsuite.api.data import blamed
from benchsuite.execution.validation import check_alike, check_normalisation, check_split
from benchsuite.plan import Use
from benchsuite.registry import Registry

_EVALUATION_BATCH = 250
"""Small enough for a convolution's activations to stay in the cache: twice as fast as 1,000 for a ResNet-20."""
_CROP_PADDING = 4


@dataclass(frozen=True)
class Examples:
    """One split on the device: `images` uint8 (N, C, H, W), or floats (N, …) used as they are; `labels` (N,)."""

    images: Tensor
    labels: Tensor
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def _affine(self) -> tuple[Tensor, Tensor]:
        """Scale and shift (1, C, 1, 1) that take a pixel 0..255 to its normalised value."""
        device = self.images.device
        mean, std = (torch.tensor(one, device=device).view(1, -1, 1, 1) for one in (self.mean, self.std))
        return 1 / (255 * std), -mean / std

    def normalised(self, images: Tensor) -> Tensor:
        """Of pixels: float32, (pixel / 255 − mean) / std."""
        if images.dtype != torch.uint8:
            return images
        scale, shift = self._affine
        return images.to(torch.float32).mul_(scale).add_(shift)

    @cached_property
    def _evaluation(self) -> list[tuple[Tensor, Tensor]]:
        images, labels = (torch.split(one, _EVALUATION_BATCH) for one in (self.normalised(self.images), self.labels))
        return list(zip(images, labels, strict=True))

    def in_order(self) -> list[tuple[Tensor, Tensor]]:
        """All examples once, normalised, in large batches: for evaluation."""
        return self._evaluation

    def example(self) -> Tensor:
        """One normalised input, shape (1, C, H, W)."""
        return self.normalised(self.images[:1])

    def shuffled(
        self, batches: int | Sequence[int], generator: torch.Generator, augmentation: tuple[str, ...] = ()
    ) -> Iterator[tuple[Tensor, Tensor]]:
        """All examples once in random order, normalised and augmented.

        batches: the size of all, of which the last may be smaller, or of each, as of `batch_sizes`.
        """
        order = torch.randperm(len(self), generator=generator).to(self.images.device)
        for chosen in torch.split(order, batches if isinstance(batches, int) else list(batches)):
            images = self.images.index_select(0, chosen)  # a hundred times faster than indexing bytes
            if "crop" in augmentation:
                images = _crop(images, generator)
            if "flip" in augmentation:
                mirrored = torch.rand(len(images), generator=generator).to(images.device) < 0.5
                images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
            yield self.normalised(images), self.labels.index_select(0, chosen)


def batch_sizes(examples: int, batch_size: int, *, together: bool = False) -> list[int]:
    """The sizes of the batches of an epoch; together: an example that would be left alone joins the last batch."""
    full, rest = divmod(examples, batch_size)
    sizes = [batch_size] * full + [rest] * bool(rest)
    return [*sizes[:-2], sizes[-2] + 1] if together and rest == 1 and full else sizes


def _crop(images: Tensor, generator: torch.Generator) -> Tensor:
    """A random window of the original size from each image, padded by 4 black pixels on all sides."""
    count, _, height, width = images.shape
    padded = torch.nn.functional.pad(images, (_CROP_PADDING,) * 4)
    offsets = torch.randint(2 * _CROP_PADDING + 1, (2, count), generator=generator).to(images.device)
    each = torch.arange(count, device=images.device)[:, None, None]
    rows = (offsets[0, :, None] + torch.arange(height, device=images.device))[:, :, None]
    columns = (offsets[1, :, None] + torch.arange(width, device=images.device))[:, None, :]
    return padded[each, :, rows, columns].permute(0, 3, 1, 2)


class DataSource:
    """Loads each data set once and keeps it on the device."""

    def __init__(self, registry: Registry, root: Path, device: torch.device) -> None:
        self._registry = registry
        self._root = root
        self._device = device
        self._loaded: dict[tuple[Use, Split], Examples] = {}

    def plugin(self, use: Use) -> Dataset:
        """The data set that a chain names."""
        dataset = self._registry.get("dataset", use.name).create(use.settings())
        if not isinstance(dataset, Dataset):
            raise TypeError(f"{use.name} is no data set")
        return dataset

    def examples(self, use: Use, split: Split) -> Examples:
        """One split on the device. Errors: DataError if it is not what the data set declares."""
        if (use, split) not in self._loaded:
            self._loaded[use, split] = self._load(use, split)
        return self._loaded[use, split]

    def _load(self, use: Use, split: Split) -> Examples:
        dataset = self.plugin(use)
        info = self.info(use)
        with blamed(use.name, "load"):
            data = dataset.load(self._root, split)
        check_split(f"{use.name}, {split}", info, data)
        if isinstance(data, TensorData):
            found = Examples(data.inputs.to(self._device), data.targets.to(self._device))
        else:
            check_normalisation(use.name, info.channels, dataset.mean, dataset.std)
            found = Examples(data.images.to(self._device), data.labels.to(self._device), dataset.mean, dataset.std)
        others = {split: one for (of, split), one in self._loaded.items() if of == use}
        check_alike(use.name, {name: (one.images, one.labels) for name, one in [*others.items(), (split, found)]})
        return found

    def info(self, use: Use) -> DataInfo:
        """The shape of an example of the data set that a chain names, and its number of classes."""
        with blamed(use.name, "describe"):
            return self.plugin(use).describe(self._root)
