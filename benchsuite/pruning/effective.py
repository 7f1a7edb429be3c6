"""The effective number of weights, and the theorem about the share of the mass that it keeps.

Source: Wang, Guralnik, Akbari, Dixon, "Effective Model Pruning", ICML 2026, arXiv 2509.25606.
"""

import numpy as np
import torch
from torch import Tensor


def effective_counts(scores: Tensor) -> Tensor:
    """Effective number of weights in each group: 1 / Σ p², p = s / Σ s (inverse Simpson index).

    scores: (groups, n), non-negative. Returns float64 (groups,), in [1, n], 0 for an all-zero group.
    """
    array = scores.numpy()
    # accumulated in float64 by the buffer, so that no float64 copy of a large layer is ever made
    total = torch.from_numpy(array.sum(1, dtype=np.float64))
    squares = torch.from_numpy(np.einsum("gn,gn->g", array, array, dtype=np.float64))
    return torch.where(squares > 0, total.square() / squares, 0.0)


def kept_mass_bound(neff: Tensor, size: int) -> Tensor:
    """The least share of its mass that a group of N = size ≥ 2 keeps in its ν = ⌊neff⌋ largest scores.

    ν/N + (N − ν)/N · √((N − ν − 1) / ((ν + 1)(N − 1))), with ν = N − 1 where all scores are equal.
    For ν = 1 it is 1/2 (max p ≥ Σ p² > 1/2): the published formula exceeds that from N = 3 on, and scores like
    (0.51, 0.49, 0), of which the first is kept, fall below it.
    """
    nu = neff.floor().clamp(1, size - 1)
    published = nu / size + (size - nu) / size * ((size - nu - 1) / ((nu + 1) * (size - 1))).sqrt()
    return torch.where(nu == 1, 0.5, published)


def kept_mass_margins(scores: Tensor, keep: Tensor) -> Tensor:
    """Kept share of the mass minus the theorem's bound, for each group of which it says something.

    scores, keep: (groups, n). Groups of one weight or without any mass are left out.
    """
    size = scores.shape[1]
    neff = effective_counts(scores)
    asserted = (neff > 0) & (size > 1)
    array = scores.numpy()
    total, kept = (
        torch.from_numpy(one.sum(1, dtype=np.float64))[asserted] for one in (array, np.where(keep.numpy(), array, 0))
    )
    return kept / total - kept_mass_bound(neff[asserted], size) if len(total) else total
