"""MNIST and the data sets in its format: names, shapes and where torchvision keeps them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

from benchsuite import DataInfo, Dataset, ImageData, hookimpl
from benchsuite.api import Split

from .fetching import fetching
from .idx import IdxFile


@dataclass(frozen=True)
class Mnist(Dataset):
    """MNIST: 70,000 handwritten digits, 28×28."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=28, width=28, classes=10)
    mean: ClassVar[tuple[float, ...]] = (0.1307,)
    std: ClassVar[tuple[float, ...]] = (0.3081,)
    licence: ClassVar[str] = "CC BY-SA 3.0 (LeCun, Cortes)"
    folder: ClassVar[str] = "MNIST"
    """The folder under the root, and torchvision's name of the data set."""
    prefixes: ClassVar[Mapping[Split, str]] = {"train": "train", "test": "t10k"}
    """How the names of the files begin."""
    examples: ClassVar[Mapping[Split, int]] = {"train": 60_000, "test": 10_000}
    packed: ClassVar[str] = "as .gz"
    """The form in which torchvision also takes the files."""

    def prepare(self, root: Path) -> None:
        files = self.files(root)
        if not all(file.is_file() for file in files):
            with fetching(self.folder, files, f"unpacked, or {self.packed}"):
                self.fetch(root)
        for split in get_args(Split):
            for file in self.idx_files(root, split):
                file.check()

    def load(self, root: Path, split: Split) -> ImageData:
        images, labels = self.idx_files(root, split)
        return ImageData(images.read().unsqueeze(1), labels.read().long())

    def files(self, root: Path) -> Sequence[Path]:
        return [file.path for split in get_args(Split) for file in self.idx_files(root, split)]

    def idx_files(self, root: Path, split: Split) -> tuple[IdxFile, IdxFile]:
        """Of the images and of the labels."""
        begin, count = root / self.folder / "raw" / self.prefixes[split], self.examples[split]
        return (
            IdxFile(begin.with_name(f"{begin.name}-images-idx3-ubyte"), (count, self.info.height, self.info.width)),
            IdxFile(begin.with_name(f"{begin.name}-labels-idx1-ubyte"), (count,)),
        )

    def fetch(self, root: Path) -> None:
        """Have torchvision download what is missing."""
        # seconds to import, so only where something is to be fetched
        from torchvision import datasets

        getattr(datasets, self.folder)(root, download=True)


@dataclass(frozen=True)
class UnitMnist(Mnist):
    """MNIST with pixels in [0, 1], not standardised."""

    mean: ClassVar[tuple[float, ...]] = (0.0,)
    std: ClassVar[tuple[float, ...]] = (1.0,)


@dataclass(frozen=True)
class Mnist4v9(Mnist):
    """MNIST's digits 4 (class 0) and 9 (class 1): 11,791 train and 1,991 test examples, 28×28."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=28, width=28, classes=2)
    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)

    def load(self, root: Path, split: Split) -> ImageData:
        digits = Mnist().load(root, split)
        nine = digits.labels == 9
        chosen = nine | (digits.labels == 4)
        return ImageData(digits.images[chosen], nine[chosen].long())


@dataclass(frozen=True)
class FashionMnist(Mnist):
    """Fashion-MNIST: 70,000 images of clothing, 28×28, in the format of MNIST."""

    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "MIT (Zalando SE)"
    folder: ClassVar[str] = "FashionMNIST"


@dataclass(frozen=True)
class Kmnist(Mnist):
    """Kuzushiji-MNIST: 70,000 cursive Japanese characters of ten kinds, 28×28, in the format of MNIST."""

    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "CC BY-SA 4.0 (CODH; Clanuwat et al.)"
    folder: ClassVar[str] = "KMNIST"


@dataclass(frozen=True)
class EmnistBalanced(Mnist):
    """EMNIST, balanced: 131,600 handwritten digits and letters in 47 classes, 28×28, transposed.

    112,800 train and 18,800 test examples. The files hold each image with rows and columns exchanged; like
    torchvision, this leaves them so.
    """

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=28, width=28, classes=47)
    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "none stated (Cohen et al., from NIST Special Database 19)"
    folder: ClassVar[str] = "EMNIST"
    prefixes: ClassVar[Mapping[Split, str]] = {"train": "emnist-balanced-train", "test": "emnist-balanced-test"}
    examples: ClassVar[Mapping[Split, int]] = {"train": 112_800, "test": 18_800}
    packed: ClassVar[str] = "all of EMNIST as gzip.zip"

    def fetch(self, root: Path) -> None:
        from torchvision import datasets

        for train in (True, False):
            datasets.EMNIST(root, split="balanced", train=train, download=True)


@dataclass(frozen=True)
class Qmnist(Mnist):
    """QMNIST: MNIST rebuilt from its source with all 60,000 test digits, 120,000 in all, 28×28.

    The test split is torchvision's `what="test"`: MNIST's 10,000 test digits and the 50,000 that were lost.
    """

    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "BSD 3-clause (Yadav, Bottou; Facebook)"
    folder: ClassVar[str] = "QMNIST"
    prefixes: ClassVar[Mapping[Split, str]] = {"train": "qmnist-train", "test": "qmnist-test"}
    examples: ClassVar[Mapping[Split, int]] = {"train": 60_000, "test": 60_000}

    def load(self, root: Path, split: Split) -> ImageData:
        images, facts = self.idx_files(root, split)
        # the first of eight columns is the digit, the others say who wrote it and where it was found
        return ImageData(images.read().unsqueeze(1), facts.read()[:, 0].clone())

    def idx_files(self, root: Path, split: Split) -> tuple[IdxFile, IdxFile]:
        images, labels = super().idx_files(root, split)
        name = f"{self.prefixes[split]}-labels-idx2-int"
        return images, IdxFile(labels.path.with_name(name), (self.examples[split], 8), "int32")

    def fetch(self, root: Path) -> None:
        from torchvision import datasets

        for what in get_args(Split):
            datasets.QMNIST(root, what=what, download=True)


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {
        "mnist": Mnist,
        "mnist-unit": UnitMnist,
        "mnist-4v9": Mnist4v9,
        "fashion-mnist": FashionMnist,
        "kmnist": Kmnist,
        "emnist-balanced": EmnistBalanced,
        "qmnist": Qmnist,
    }
