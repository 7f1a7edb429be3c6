"""MNIST and the data sets that share its files' names and format."""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from benchsuite import DataError, DataInfo, Dataset, ImageData, hookimpl
from benchsuite.api import Split

if TYPE_CHECKING:
    from torch import Tensor

_PREFIX: Mapping[Split, str] = {"train": "train", "test": "t10k"}
_EXAMPLES: Mapping[Split, int] = {"train": 60_000, "test": 10_000}


@dataclass(frozen=True)
class Mnist(Dataset):
    """MNIST: 70,000 handwritten digits, 28×28."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=28, width=28, classes=10)
    mean: ClassVar[tuple[float, ...]] = (0.1307,)
    std: ClassVar[tuple[float, ...]] = (0.3081,)
    licence: ClassVar[str] = "CC BY-SA 3.0 (LeCun, Cortes)"
    folder: ClassVar[str] = "MNIST"
    """The folder under the root, and torchvision's name of the data set."""

    def prepare(self, root: Path) -> None:
        if not all(file.is_file() for file in self.files(root)):
            self._download(root)
        for split in _PREFIX:
            images, labels = self._split_files(root, split)
            _read_header(images, self._image_shape(split))
            _read_header(labels, (_EXAMPLES[split],))

    def load(self, root: Path, split: Split) -> ImageData:
        images, labels = self._split_files(root, split)
        return ImageData(
            _read(images, self._image_shape(split)).unsqueeze(1), _read(labels, (_EXAMPLES[split],)).long()
        )

    def files(self, root: Path) -> Sequence[Path]:
        return [file for split in _PREFIX for file in self._split_files(root, split)]

    def _image_shape(self, split: Split) -> tuple[int, ...]:
        return _EXAMPLES[split], self.info.height, self.info.width

    def _split_files(self, root: Path, split: Split) -> tuple[Path, Path]:
        raw = root / self.folder / "raw"
        return raw / f"{_PREFIX[split]}-images-idx3-ubyte", raw / f"{_PREFIX[split]}-labels-idx1-ubyte"

    def _download(self, root: Path) -> None:
        # seconds to import, so only where something is to be fetched
        from torchvision import datasets

        try:
            getattr(datasets, self.folder)(root, download=True)
        except (OSError, RuntimeError) as error:
            names = ", ".join(file.name for file in self.files(root))
            reason = " ".join(str(error).split())
            raise DataError(
                f"{self.folder} could not be downloaded ({reason}): put {names} (unpacked, or as .gz) into "
                f"{root / self.folder / 'raw'}"
            ) from error


@dataclass(frozen=True)
class UnitMnist(Mnist):
    """MNIST with pixels in [0, 1], not standardised."""

    mean: ClassVar[tuple[float, ...]] = (0.0,)
    std: ClassVar[tuple[float, ...]] = (1.0,)


@dataclass(frozen=True)
class FashionMnist(Mnist):
    """Fashion-MNIST: 70,000 images of clothing, 28×28, in the format of MNIST."""

    mean: ClassVar[tuple[float, ...]] = (0.5,)
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "MIT (Zalando SE)"
    folder: ClassVar[str] = "FashionMNIST"


def _read_header(file: Path, shape: tuple[int, ...]) -> int:
    """Check an idx file of bytes against the shape it must have; returns where its data begin.

    Format: two zero bytes, 8 for uint8, the number of dimensions, each dimension as a big-endian int32.
    """
    expected = struct.pack(f">4B{len(shape)}i", 0, 0, 8, len(shape), *shape)
    try:
        with file.open("rb") as stream:
            header = stream.read(len(expected))
        size = file.stat().st_size
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error}): give its folder with --data or BENCHSUITE_DATA") from error
    remedy = "delete it, and it is fetched again"
    if header != expected:
        raise DataError(f"{file} does not begin as an idx file of uint8 {'×'.join(map(str, shape))} does: {remedy}")
    if size != len(expected) + math.prod(shape):
        raise DataError(f"{file} has {size} bytes instead of {len(expected) + math.prod(shape)}: {remedy}")
    return len(expected)


def _read(file: Path, shape: tuple[int, ...]) -> "Tensor":
    import numpy as np
    import torch

    offset = _read_header(file, shape)
    return torch.from_numpy(np.fromfile(file, dtype=np.uint8, offset=offset).reshape(shape))


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {"mnist": Mnist, "mnist-unit": UnitMnist, "fashion-mnist": FashionMnist}
