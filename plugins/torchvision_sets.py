"""The colour data sets that torchvision downloads: CIFAR-10, CIFAR-100, SVHN, STL-10."""

import hashlib
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, get_args

from benchsuite import DataError, DataInfo, Dataset, ImageData, hookimpl
from benchsuite.api import Split

from .decoded import DecodedDataset
from .fetching import fetching

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class TorchvisionDataset(DecodedDataset):
    """Files that torchvision fetches, and knows by their md5."""

    folder: ClassVar[str]
    """Under the root."""
    names: ClassVar[Sequence[str]]
    """Of the files in it."""
    archive: ClassVar[str] = ""
    """What torchvision downloads and unpacks under the root; empty where it downloads the files themselves."""

    def files(self, root: Path) -> Sequence[Path]:
        return [root / self.folder / name for name in self.names]

    def fetch(self, root: Path) -> None:
        if all(file.is_file() for file in self.files(root)):
            return
        with fetching(self.cache_name, self.files(root), f"or {self.archive} into {root}" if self.archive else ""):
            for split in get_args(Split):
                self.download(root, split)

    def decode(self, root: Path, split: Split) -> ImageData:
        published = self.checksums()
        for file in self.files(root):
            with file.open("rb") as stream:
                found = hashlib.file_digest(stream, "md5").hexdigest()
            if found != published[file.name]:
                raise DataError(f"{file} is damaged (md5 {found}): delete it, and it is fetched again")
        return self.read(root, split)

    @abstractmethod
    def download(self, root: Path, split: Split) -> None:
        """Have torchvision fetch what is missing of `split`."""

    @abstractmethod
    def checksums(self) -> Mapping[str, str]:
        """The md5 of each file, from torchvision."""

    @abstractmethod
    def read(self, root: Path, split: Split) -> ImageData:
        """The examples, from files whose md5 is right."""


@dataclass(frozen=True)
class Cifar10(TorchvisionDataset):
    """CIFAR-10: 60,000 photographs of ten kinds of animals and vehicles, 32×32."""

    info: ClassVar[DataInfo] = DataInfo(channels=3, height=32, width=32, classes=10)
    mean: ClassVar[tuple[float, ...]] = (0.4914, 0.4822, 0.4465)
    std: ClassVar[tuple[float, ...]] = (0.2023, 0.1994, 0.2010)
    licence: ClassVar[str] = "none stated (Krizhevsky, Nair, Hinton)"
    cache_name: ClassVar[str] = "cifar10"
    folder: ClassVar[str] = "cifar-10-batches-py"
    names: ClassVar[Sequence[str]] = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch", "batches.meta")
    archive: ClassVar[str] = "cifar-10-python.tar.gz"

    def download(self, root: Path, split: Split) -> None:
        from torchvision import datasets

        getattr(datasets, self.cache_name.upper())(root, train=split == "train", download=True)

    def checksums(self) -> Mapping[str, str]:
        from torchvision import datasets

        theirs = getattr(datasets, self.cache_name.upper())
        return {**dict(theirs.train_list + theirs.test_list), theirs.meta["filename"]: theirs.meta["md5"]}

    def read(self, root: Path, split: Split) -> ImageData:
        import torch
        from torchvision import datasets

        theirs = getattr(datasets, self.cache_name.upper())(root, train=split == "train")
        return ImageData(torch.from_numpy(theirs.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(theirs.targets))


@dataclass(frozen=True)
class Cifar100(Cifar10):
    """CIFAR-100: 60,000 photographs of a hundred kinds of things, 32×32, the fine labels."""

    info: ClassVar[DataInfo] = DataInfo(channels=3, height=32, width=32, classes=100)
    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    cache_name: ClassVar[str] = "cifar100"
    folder: ClassVar[str] = "cifar-100-python"
    names: ClassVar[Sequence[str]] = ("train", "test", "meta")
    archive: ClassVar[str] = "cifar-100-python.tar.gz"


@dataclass(frozen=True)
class Svhn(TorchvisionDataset):
    """SVHN: 99,289 house-number digits cropped from street views, 32×32; its `extra` images are left out.

    73,257 train and 26,032 test examples; label 0 is the digit 0, which the files call 10.
    """

    info: ClassVar[DataInfo] = DataInfo(channels=3, height=32, width=32, classes=10)
    licence: ClassVar[str] = "for non-commercial use only (Netzer et al.)"
    cache_name: ClassVar[str] = "svhn"
    folder: ClassVar[str] = ""
    names: ClassVar[Sequence[str]] = ("train_32x32.mat", "test_32x32.mat")

    def download(self, root: Path, split: Split) -> None:
        from torchvision import datasets

        datasets.SVHN(root, split=split, download=True)

    def checksums(self) -> Mapping[str, str]:
        from torchvision import datasets

        return {name: md5 for _, name, md5 in datasets.SVHN.split_list.values()}

    def read(self, root: Path, split: Split) -> ImageData:
        import torch
        from torchvision import datasets

        theirs = datasets.SVHN(root, split=split)
        return ImageData(torch.from_numpy(theirs.data).contiguous(), torch.from_numpy(theirs.labels))


@dataclass(frozen=True)
class Stl10(TorchvisionDataset):
    """STL-10 at 32×32: 13,000 labelled photographs of ten kinds of animals and vehicles, reduced from 96×96.

    5,000 train and 8,000 test examples; the unlabelled images are left out and need not be there.
    A pixel is the rounded mean of 3×3 original pixels, in whole numbers: the same on every machine.
    """

    info: ClassVar[DataInfo] = DataInfo(channels=3, height=32, width=32, classes=10)
    licence: ClassVar[str] = "none stated (Coates, Lee, Ng; images from ImageNet)"
    cache_name: ClassVar[str] = "stl10-32"
    folder: ClassVar[str] = "stl10_binary"
    names: ClassVar[Sequence[str]] = ("train_X.bin", "train_y.bin", "test_X.bin", "test_y.bin")
    archive: ClassVar[str] = "stl10_binary.tar.gz"

    def download(self, root: Path, split: Split) -> None:
        from torchvision import datasets

        datasets.STL10(root, split=split, download=True)

    def checksums(self) -> Mapping[str, str]:
        from torchvision import datasets

        return dict(datasets.STL10.train_list + datasets.STL10.test_list)

    def read(self, root: Path, split: Split) -> ImageData:
        """Not through torchvision, which insists on the 2.8 GB of unlabelled images."""
        import numpy as np
        import torch

        folder = root / self.folder
        # each channel is stored column by column
        pixels = np.fromfile(folder / f"{split}_X.bin", dtype=np.uint8).reshape(-1, 3, 96, 96).swapaxes(2, 3)
        labels = np.fromfile(folder / f"{split}_y.bin", dtype=np.uint8).astype(np.int64) - 1
        return ImageData(_thirds(torch.from_numpy(pixels)), torch.from_numpy(labels))


def _thirds(images: "Tensor") -> "Tensor":
    """Height and width divided by three: each pixel the mean of nine, rounded."""
    import torch

    count, channels, height, width = images.shape
    sums = images.reshape(count, channels, height // 3, 3, width // 3, 3).sum((3, 5), dtype=torch.int32)
    return sums.add_(4).div_(9, rounding_mode="floor").to(torch.uint8)


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {"cifar10": Cifar10, "cifar100": Cifar100, "svhn": Svhn, "stl10-32": Stl10}
