"""The three equations in five unknowns on which the regularizers are compared."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchsuite import DataInfo, Dataset, TensorData, hookimpl
from benchsuite.api import Split

_INPUTS = ((-2, 2, 1, -1, -1), (-2, 1, -2, 0, 1), (1, 0, -2, 2, -1))
_TARGETS = (5, 1, 1)


@dataclass(frozen=True)
class SparseLinear(Dataset):
    """Sparse linear regression: three examples of five inputs, float64; [0, 2, 0, 0, −1] solves them. Train is test."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=1, width=5, classes=1)
    licence: ClassVar[str] = "MIT (a part of benchsuite)"
    expected_failures: ClassVar[Mapping[str, str]] = {
        "splits-are-disjoint": "the question is which solution of the three equations is found, not how it generalises"
    }

    def load(self, root: Path, split: Split) -> TensorData:
        import torch

        return TensorData(torch.tensor(_INPUTS, dtype=torch.float64), torch.tensor(_TARGETS, dtype=torch.float64))

    def files(self, root: Path) -> Sequence[Path]:
        return ()

    def fingerprint(self, root: Path) -> str:
        """SHA-256 of the numbers themselves."""
        return hashlib.sha256(repr((_INPUTS, _TARGETS)).encode()).hexdigest()


@hookimpl
def benchsuite_datasets() -> Mapping[str, type[Dataset]]:
    return {"sparse-linear": SparseLinear}
