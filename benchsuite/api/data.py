"""What a data set is to the suite: tensors, a description and a fingerprint."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite.errors import BenchsuiteError, DataError

if TYPE_CHECKING:
    import torch

Split = Literal["train", "test"]


@dataclass(frozen=True)
class DataInfo:
    """The shape of one example and the number of classes: what a model needs to be built."""

    channels: int
    height: int
    width: int
    classes: int

    @property
    def features(self) -> int:
        """Inputs of a network that sees the image as one vector."""
        return self.channels * self.height * self.width


@dataclass(frozen=True)
class ImageData:
    """One split in memory: `images` uint8 (N, C, H, W), `labels` int64 (N,)."""

    images: "torch.Tensor"
    labels: "torch.Tensor"


@dataclass(frozen=True)
class TensorData:
    """One split that is no images: `inputs` float (N, …), used as they are; `targets` float or int64 (N,)."""

    inputs: "torch.Tensor"
    targets: "torch.Tensor"


@contextmanager
def blamed(name: str, method: str) -> Iterator[None]:
    """While the method of a data set runs, whatever it raises is a DataError that names both."""
    try:
        yield
    except (BenchsuiteError, KeyboardInterrupt):
        raise
    except BaseException as error:
        told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise DataError(f"data set {name}: {method} raised {told}") from error


@dataclass(frozen=True)
class Dataset(ABC):
    """A data set; subclasses are frozen dataclasses, their fields the options."""

    info: ClassVar[DataInfo]
    """Where it does not depend on the files; else `describe` is overridden."""
    mean: ClassVar[tuple[float, ...]] = (0.5,)
    """Per channel, of pixels scaled to [0, 1]; one value serves all channels."""
    std: ClassVar[tuple[float, ...]] = (0.5,)
    licence: ClassVar[str] = "unknown"
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    @abstractmethod
    def load(self, root: Path, split: Split) -> ImageData | TensorData:
        """The examples of `split`, read from `root`. Errors: DataError naming file and remedy."""

    def describe(self, root: Path) -> DataInfo:
        """The shape of an example and the number of classes, for files under `root`."""
        return self.info

    def prepare(self, root: Path) -> None:
        """Fetch and verify the files under `root`; nothing is fetched that is there already."""

    @abstractmethod
    def files(self, root: Path) -> Sequence[Path]:
        """The files that `load` reads, in a fixed order; their bytes are the fingerprint."""

    def fingerprint(self, root: Path) -> str:
        """SHA-256 of the bytes of `files(root)`. Errors: DataError if one is missing."""
        digest = hashlib.sha256()
        for file in self.files(root):
            if not file.is_file():
                raise DataError(f"{file} is missing: give its folder with --data or BENCHSUITE_DATA")
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.hexdigest()
