"""Images sorted into folders by split and class, on disk or in a zip archive: `{train,test}/<class>/<image>`."""

import hashlib
import io
import os
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from benchsuite import DataError, ImageData
from benchsuite.api import Split

from .decoded import state_line

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

Listing = Mapping[Split, Mapping[str, Sequence[str]]]
"""The names of the images of each class of each split, all in sorted order."""

Reader = Callable[[str], bytes]
"""The bytes of a file, named relative to the tree's place."""

_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class ImageTree(ABC):
    """The images under `place`; labels are the positions of their classes' names in sorted order."""

    place: Path

    @abstractmethod
    def files(self) -> Sequence[Path]:
        """The files on disk, in sorted order."""

    @abstractmethod
    def state(self) -> str:
        """A hash of the files' names, sizes and times of change: cheap, and another whenever they change."""

    @abstractmethod
    def listing(self) -> Listing:
        """All images. Errors: DataError if there are none to be found."""

    @abstractmethod
    def opened(self) -> AbstractContextManager[Reader]:
        """The reader of files while they are open."""

    def digest(self) -> str:
        """SHA-256 of the images' names and bytes, in sorted order: the same for a folder and its archive."""
        digest = hashlib.sha256()
        with self.opened() as read:
            for split, classes in self.listing().items():
                for name in _paths(split, classes):
                    digest.update(f"{name}\0".encode() + hashlib.sha256(self._bytes(read, name)).digest())
        return digest.hexdigest()

    def decode(self, split: Split, size: int, *, resize: bool) -> ImageData:
        """The images of `split` in RGB, in the order of their names; all of size × size pixels.

        resize: scale the whole image to that size, averaging what is reduced; else another size is an error.
        Transparency is dropped. Errors: DataError naming the image.
        """
        import numpy as np
        import torch

        classes = self.listing()[split]
        labels = [label for label, images in enumerate(classes.values()) for _ in images]
        names = _paths(split, classes)
        pixels = np.empty((len(names), size, size, 3), np.uint8)
        # threads do not pay: small images hold the interpreter's lock
        with self.opened() as read:
            for name, image in zip(names, pixels, strict=True):
                try:
                    image[:] = _decode(self._bytes(read, name), size, resize)
                except (OSError, SyntaxError, ValueError) as error:
                    raise DataError(f"{self.place / name} is no image to be used ({error}): replace it") from error
        return ImageData(torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(), torch.tensor(labels))

    def _bytes(self, read: Reader, name: str) -> bytes:
        try:
            return read(name)
        except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise DataError(f"{self.place / name} cannot be read ({error}): fetch it again") from error


@dataclass(frozen=True)
class FolderTree(ImageTree):
    """Images in folders on disk."""

    def files(self) -> Sequence[Path]:
        return [self.place / name for split, classes in self.listing().items() for name in _paths(split, classes)]

    def state(self) -> str:
        lines = [str(self.place.absolute())]
        for split in get_args(Split):
            for kind in self.classes(split):
                lines.append(f"{split}/{kind}")
                lines += [state_line(f"{split}/{kind}/{one.name}", one.stat()) for one in self._images(split, kind)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def classes(self, split: Split) -> list[str]:
        """The names of the class folders, sorted. Errors: DataError if there are none."""
        try:
            found = [
                entry.name
                for entry in os.scandir(self.place / split)
                if entry.is_dir() and not entry.name.startswith(".")
            ]
        except OSError as error:
            raise DataError(
                f"{self.place / split} is no folder that can be read ({error.strerror}): "
                "the images belong into train/<class>/ and test/<class>/"
            ) from error
        if not found:
            raise DataError(f"{self.place / split} holds no class folder: its images belong into {split}/<class>/")
        return sorted(found)

    def listing(self) -> Listing:
        return {
            split: {kind: [entry.name for entry in self._images(split, kind)] for kind in self.classes(split)}
            for split in get_args(Split)
        }

    @contextmanager
    def opened(self) -> Iterator[Reader]:
        yield lambda name: (self.place / name).read_bytes()

    def _images(self, split: Split, kind: str) -> list["os.DirEntry[str]"]:
        entries = [entry for entry in os.scandir(self.place / split / kind) if _is_image(entry.name)]
        return sorted(entries, key=lambda entry: entry.name)


@dataclass(frozen=True)
class ArchiveTree(ImageTree):
    """The same in a zip archive, under the folder `prefix`."""

    prefix: str

    def files(self) -> Sequence[Path]:
        return [self.place]

    def state(self) -> str:
        return hashlib.sha256(state_line(str(self.place.absolute()), self.place.stat()).encode()).hexdigest()

    def listing(self) -> Listing:
        found: dict[Split, dict[str, list[str]]] = {split: {} for split in get_args(Split)}
        with self._open() as archive:
            members = sorted(archive.namelist())
        for member in members:
            match member.removeprefix(f"{self.prefix}/").split("/"):
                case [("train" | "test") as split, kind, name] if _is_image(name):
                    found[split].setdefault(kind, []).append(name)
        return {split: dict(sorted(classes.items())) for split, classes in found.items()}

    @contextmanager
    def opened(self) -> Iterator[Reader]:
        with self._open() as archive:
            yield lambda name: archive.read(f"{self.prefix}/{name}")

    def _open(self) -> zipfile.ZipFile:
        try:
            return zipfile.ZipFile(self.place)
        except (OSError, zipfile.BadZipFile) as error:
            raise DataError(f"{self.place} is no complete zip archive ({error}): fetch it again") from error


def _paths(split: Split, classes: Mapping[str, Sequence[str]]) -> list[str]:
    return [f"{split}/{kind}/{name}" for kind, images in classes.items() for name in images]


def _is_image(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(_SUFFIXES)


def _decode(content: bytes, size: int, resize: bool) -> "NDArray[uint8]":
    import numpy as np
    from PIL import Image

    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode[0] in "IF":
                raise ValueError("more than 8 bits per channel")
            if image.size == (size, size):
                return np.asarray(image.convert("RGB"))
            if not resize:
                raise ValueError(f"{image.width}×{image.height} pixels instead of {size}×{size}")
            return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))
    except Image.DecompressionBombError as error:
        raise ValueError(str(error)) from error
