"""The 8×8 handwritten digits inside scikit-learn: nothing to download."""

import gzip
import hashlib
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

from benchsuite import DataError, DataInfo, Dataset, ImageData, hookimpl
from benchsuite.api import Split


@dataclass(frozen=True)
class Digits(Dataset):
    """Digits: 1797 handwritten digits, 8×8, embedded in scikit-learn.

    The split is fixed: within each class, in file order, every fourth example is a test example.
    The file's grey levels 0..16 are scaled to 0..255.
    """

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=8, width=8, classes=10)
    licence: ClassVar[str] = "CC BY 4.0 (Alpaydin, Kaynak: Optical Recognition of Handwritten Digits, UCI)"

    def load(self, root: Path, split: Split) -> ImageData:
        # a second or more to import
        import numpy as np
        import torch
        from sklearn.datasets import load_digits

        digits = load_digits()
        labels = digits.target.astype(np.int64)
        test = np.zeros(len(labels), dtype=bool)
        for label in range(self.info.classes):
            test[np.flatnonzero(labels == label)[3::4]] = True
        chosen = test if split == "test" else ~test
        pixels = np.rint(digits.images[chosen, None] * (255 / 16)).astype(np.uint8)
        return ImageData(torch.from_numpy(pixels), torch.from_numpy(labels[chosen]))

    def files(self, root: Path) -> Sequence[Path]:
        # found without importing it, which takes a second
        spec = find_spec("sklearn")
        if spec is None or spec.origin is None:
            raise DataError("digits are a part of scikit-learn, which is not installed: pip install scikit-learn")
        return [Path(spec.origin).parent / "datasets" / "data" / "digits.csv.gz"]

    def fingerprint(self, root: Path) -> str:
        """SHA-256 of the unpacked file, so that packing it anew changes nothing."""
        (file,) = self.files(root)
        try:
            return hashlib.sha256(gzip.decompress(file.read_bytes())).hexdigest()
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{file} cannot be read ({error}): install scikit-learn again") from error


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {"digits": Digits}
