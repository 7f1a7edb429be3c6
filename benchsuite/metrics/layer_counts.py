"""The counts of one layer as a value; imports no torch, so that readers of records need none."""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import Field

from benchsuite.metrics.by_name import ByName

LARGEST = 2**63 - 1

Count: TypeAlias = Annotated[int, Field(ge=0, le=LARGEST)]
Amount: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@dataclass(frozen=True)
class LayerCounts(ByName):
    """The counts of one prunable layer; biases are not among its weights."""

    name: str
    shape: tuple[Count, ...]
    weights: Count
    zeros: Count
    macs: Count
    """Multiply-accumulates for one example, of the layer as a dense one."""
    effective_macs: Count
    """Those with a non-zero weight."""
    neff: Amount | None
    """Effective number of weights, the whole tensor being one block; None where a weight is not finite."""
    bits: Amount
    """Nominal bit width of a weight."""
    mask_sha256: str
    """Digest of which weights are not zero: its first 16 hex digits."""

    @property
    def sparsity(self) -> float:
        """Share of the weights that are zero; 0 in a layer without weights."""
        return self.zeros / max(1, self.weights)
