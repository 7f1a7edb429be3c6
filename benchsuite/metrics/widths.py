"""How many bits a weight takes: those of its dtype, or of the grid that it was put on.

The scales of a grid, one or two numbers for each tensor or channel, are not counted; `size_bytes` counts them.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

FLOAT_BITS = 32.0
"""Those of a weight on a board, where the network is not of fewer."""
_MARK = "_benchsuite_grid"
"""Begins the name of a layer's attribute for the grid of a parameter: copied and saved with the layer, and no part of
its state dict."""


@dataclass(frozen=True, eq=False)
class _Grid:
    bits: int
    values: Tensor
    """All values of the layer's weights, zero among them, on the CPU."""


def mark_grid(layer: nn.Module, bits: int, parameter: str = "weight") -> None:
    """Note that the layer's weights are of a grid of 2**bits values, for each tensor or each channel."""
    values = torch.cat([_weight(layer, parameter).cpu().flatten(), torch.zeros(1)])
    setattr(layer, f"{_MARK}_{parameter}", _Grid(bits, values.unique()))  # type: ignore[no-untyped-call]  # torch's own


def nominal_bits(layer: nn.Module, parameter: str = "weight") -> float:
    """Bits of one weight of the layer: of its grid while its weights are still values of it, else of its dtype."""
    weight = _weight(layer, parameter)
    bits, grid = 8.0 * weight.itemsize, getattr(layer, f"{_MARK}_{parameter}", None)
    if isinstance(grid, _Grid) and _is_on(weight, grid):
        return min(bits, float(grid.bits))
    return bits


def _is_on(weight: Tensor, grid: _Grid) -> bool:
    """Whether each weight is a value of the grid, rounded as the weight is where its dtype was changed."""
    return bool(torch.isin(weight, grid.values.to(weight)).all())


def _weight(layer: nn.Module, parameter: str) -> Tensor:
    weight = getattr(layer, parameter)
    assert isinstance(weight, Tensor)
    return weight.detach()
