"""Uniform quantizers for training with the straight-through estimator."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchsuite import Quantizer, hookimpl

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class _Uniform(Quantizer):
    """An evenly spaced grid, its scale taken from the weights at every forward pass."""

    bits: int
    """Bits of one weight, 1 to 16."""
    per_channel: bool = False
    """One grid for each output channel (dim 0) instead of one for the tensor."""

    def __post_init__(self) -> None:
        if isinstance(self.bits, bool) or not isinstance(self.bits, int) or not 1 <= self.bits <= 16:
            raise ValueError(f"bits must be a whole number from 1 to 16, not {self.bits}")

    @property
    def granularity(self) -> Literal["tensor", "channel"]:
        return "channel" if self.per_channel else "tensor"

    def quantize(self, weight: "Tensor") -> "Tensor":
        rows = weight.flatten(1) if self.per_channel else weight.reshape(1, -1)
        return self._on_grid(rows).reshape(weight.shape)

    @abstractmethod
    def _on_grid(self, rows: "Tensor") -> "Tensor":
        """Each row (1 or out, n) on a grid of its own."""


@dataclass(frozen=True)
class SteAsymmetric(_Uniform):
    """Asymmetric: 2^bits values from the smallest weight to the largest."""

    def _on_grid(self, rows: "Tensor") -> "Tensor":
        beta = rows.amin(1, keepdim=True)
        alpha = rows.amax(1, keepdim=True) - beta
        steps = (1 << self.bits) - 1
        quantized = ((rows - beta) / alpha * steps).round() / steps * alpha + beta
        return quantized.where(alpha > 0, rows)


@dataclass(frozen=True)
class SteSymmetric(_Uniform):
    """Symmetric: 2^bits − 1 values around zero, up to the largest magnitude."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bits == 1:
            raise ValueError("ste-symmetric needs at least 2 bits: with 1 its grid has no value but zero")

    def _on_grid(self, rows: "Tensor") -> "Tensor":
        alpha = rows.abs().amax(1, keepdim=True)
        steps = (1 << (self.bits - 1)) - 1
        quantized = (rows / alpha * steps).round() / steps * alpha
        return quantized.where(alpha > 0, rows)


@hookimpl
def benchsuite_quantizers() -> Mapping[str, type[Quantizer]]:
    return {"ste-asymmetric": SteAsymmetric, "ste-symmetric": SteSymmetric}
