"""Images that are decoded once: kept as tensors beside the data, mapped into memory from then on."""

import hashlib
import os
from abc import abstractmethod
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, get_args

import platformdirs

from benchsuite import DataError, Dataset, ImageData
from benchsuite.api import Split

_FORMAT = 1
"""Raised by hand when a decoder's pixels change: what was kept before is then decoded again."""

_DIGEST = "sha256"


@dataclass(frozen=True)
class DecodedDataset(Dataset):
    """A data set whose files take seconds to decode or to hash.

    Tensors and fingerprints are kept in `.benchsuite-cache` under the root; where that is not to be written to, in
    `decoded` under BENCHSUITE_HOME. Both folders may be deleted at any time.
    """

    cache_name: ClassVar[str]
    """How the files in the cache begin."""

    @abstractmethod
    def decode(self, root: Path, split: Split) -> ImageData:
        """The examples of `split`, from the files themselves. Errors: DataError naming file and remedy."""

    def fetch(self, root: Path) -> None:
        """Download what is missing, if anything is. Errors: DataError saying where the files belong."""

    def prepare(self, root: Path) -> None:
        """Fetch what is missing, and decode both splits."""
        self.fetch(root)
        for split in get_args(Split):
            self.load(root, split)

    def load(self, root: Path, split: Split) -> ImageData:
        # seconds to import
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        name = f"{self.variant}-{self.fingerprint(root)[:16]}-{split}.{_FORMAT}.safetensors"
        for folder in _folders(root):
            # a file of another length than its header says, or without these names, is no cache
            with suppress(OSError, SafetensorError, KeyError):
                if kept := _kept(folder / name):
                    return kept
        data = self.decode(root, split)
        tensors = {"images": data.images.contiguous(), "labels": data.labels}
        with suppress(SafetensorError):
            _keep(root, name, lambda file: save_file(tensors, file, metadata={_DIGEST: _digest(data)}))
        return data

    @property
    def variant(self) -> str:
        """What distinguishes the tensors in the cache besides the files: the name, and fields that change pixels."""
        return self.cache_name

    def fingerprint(self, root: Path) -> str:
        """`digest(root)`, computed anew only when `state(root)` changes. Errors: DataError if a file is missing."""
        name = f"{self.cache_name}-{self.state(root)[:16]}.sha256"
        for folder in _folders(root):
            with suppress(OSError, UnicodeDecodeError):
                digest, _, check = (folder / name).read_text(encoding="ascii").partition(" ")
                if check == _check(name, digest):
                    return digest
        digest = self.digest(root)
        _keep(root, name, lambda file: file.write_text(f"{digest} {_check(name, digest)}", encoding="ascii"))
        return digest

    def digest(self, root: Path) -> str:
        """SHA-256 of the bytes of the files."""
        return super().fingerprint(root)

    def state(self, root: Path) -> str:
        """A hash of the files' paths, sizes and times of change."""
        lines = []
        for file in self.files(root):
            try:
                status = file.stat()
            except OSError as error:
                raise DataError(f"{file} is missing: give its folder with --data or BENCHSUITE_DATA") from error
            lines.append(state_line(str(file.absolute()), status))
        return hashlib.sha256("".join(lines).encode()).hexdigest()


def state_line(name: str, status: os.stat_result) -> str:
    """A file's part in the state of a data set."""
    # a program may set the time of its last change of content, but not that of the file's change
    return f"{name}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ctime_ns}\0{status.st_ino}\n"


def _kept(file: Path) -> ImageData | None:
    """The tensors of a file in the cache, if they are those that were put there."""
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        data = ImageData(opened.get_tensor("images"), opened.get_tensor("labels"))
        return data if (opened.metadata() or {}).get(_DIGEST) == _digest(data) else None


def _digest(data: ImageData) -> str:
    """SHA-256 of the tensors' types, shapes and bytes."""
    digest = hashlib.sha256()
    for tensor in (data.images, data.labels):
        digest.update(f"{tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.contiguous().numpy().data)
    return digest.hexdigest()


def _check(name: str, digest: str) -> str:
    """What shows that a fingerprint in the cache is that of its file's name, and whole."""
    return hashlib.sha256(f"{name} {digest}".encode()).hexdigest()


def _folders(root: Path) -> tuple[Path, ...]:
    """Where the cache is looked for; it is written to the first of them that allows it."""
    home = os.environ.get("BENCHSUITE_HOME") or platformdirs.user_cache_dir("benchsuite")
    return root / ".benchsuite-cache", Path(home) / "decoded"


def _keep(root: Path, name: str, write: Callable[[Path], object]) -> None:
    """Write a file of the cache aside and rename it into place; where none can be written, the data do without."""
    for folder in _folders(root):
        aside = folder / f".{name}.{os.getpid()}"
        with suppress(OSError):
            if _is_protected(folder):
                continue
            folder.mkdir(parents=True, exist_ok=True)
            try:
                write(aside)
                aside.replace(folder / name)
                return
            finally:
                aside.unlink(missing_ok=True)


def _is_protected(folder: Path) -> bool:
    """Whether its mode, or that of the nearest folder above that exists, forbids writing even to the superuser."""
    nearest = next(one for one in (folder, *folder.absolute().parents) if one.exists())
    return not nearest.stat().st_mode & 0o222
