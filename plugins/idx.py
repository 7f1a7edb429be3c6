"""Files in the idx format of MNIST: unsigned bytes or 32-bit integers of a known shape."""

import math
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchsuite import DataError

if TYPE_CHECKING:
    from torch import Tensor

_CODES = {"uint8": 0x08, "int32": 0x0C}
_NUMPY = {"uint8": "u1", "int32": ">i4"}


@dataclass(frozen=True)
class IdxFile:
    """A file and what it must hold."""

    path: Path
    shape: tuple[int, ...]
    type: Literal["uint8", "int32"] = "uint8"

    def check(self) -> int:
        """Where the data begin. Errors: DataError if the file is missing, of another shape or of another length.

        Format: two zero bytes, the type, the number of dimensions, each dimension as a big-endian int32; the data.
        """
        expected = struct.pack(f">4B{len(self.shape)}i", 0, 0, _CODES[self.type], len(self.shape), *self.shape)
        try:
            with self.path.open("rb") as stream:
                header = stream.read(len(expected))
            size = self.path.stat().st_size
        except OSError as error:
            raise DataError(
                f"{self.path} cannot be read ({error}): give its folder with --data or BENCHSUITE_DATA"
            ) from error
        remedy = "delete it, and it is fetched again"
        if header != expected:
            shape = "×".join(map(str, self.shape))
            raise DataError(f"{self.path} does not begin as an idx file of {self.type} {shape} does: {remedy}")
        wanted = len(expected) + math.prod(self.shape) * int(_NUMPY[self.type][-1])
        if size != wanted:
            raise DataError(f"{self.path} has {size} bytes instead of {wanted}: {remedy}")
        return len(expected)

    def read(self) -> "Tensor":
        """Its values; int64 where the file has integers. Errors: as `check`."""
        # seconds to import
        import numpy as np
        import torch

        values = np.fromfile(self.path, dtype=_NUMPY[self.type], offset=self.check()).reshape(self.shape)
        return torch.from_numpy(values if self.type == "uint8" else values.astype(np.int64))
