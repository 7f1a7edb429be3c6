"""Selection: order statistics of groups of scores, computed once and asked many times.

All of it runs on the CPU, so that an accelerator gets the CPU's masks bit for bit. Non-negative floats
order like their bit patterns, and integers are what numpy selects and sorts fastest.
"""

from bisect import bisect_left, insort
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.pruning.effective import effective_counts

Keys = NDArray[np.signedinteger]

_BLOCK = 2**16
_COARSE_PARTS = 16
"""Of a group, sorted among each other when it is first asked: a power of two."""


class Ranking:
    """Which scores of each group are the largest.

    scores: (groups, n ≥ 1), non-negative; float16 and bfloat16 are widened. A sweep over many levels asks
    the same ranking again and again, and what one question has sorted serves the next.
    Errors: ValueError if a score is NaN or infinite.
    """

    def __init__(self, scores: Tensor) -> None:
        scores = scores.detach().cpu()
        self.scores = scores if scores.dtype == torch.float64 else scores.float()
        self._keys = _order_keys(self.scores)
        if self._keys.size and self._keys.max() >= _order_keys(torch.tensor(torch.inf, dtype=self.scores.dtype)):
            raise ValueError("NaN or infinite scores")

    @property
    def size(self) -> int:
        """Scores in each group."""
        return self.scores.shape[1]

    @cached_property
    def effective_counts(self) -> Tensor:
        """The effective number of weights of each group: see `effective_counts`."""
        return effective_counts(self.scores)

    def keep_largest(self, counts: int | Tensor | NDArray[np.int64]) -> Tensor:
        """Keep exactly `counts` (one number, or one for each group) of the largest; of equals the lower index."""
        wanted = np.broadcast_to(np.asarray(counts, dtype=np.int64), len(self._keys))
        if ((wanted < 0) | (wanted > self.size)).any():
            raise ValueError(f"cannot keep {counts} of {self.size} scores")
        cuts = self.size - wanted
        threshold = self._order.at(np.minimum(cuts, self.size - 1))
        tied = (self._order.at(np.maximum(cuts, 1) - 1) == threshold) & (cuts > 0) & (wanted > 0)
        threshold[wanted == 0] = np.iinfo(threshold.dtype).max
        keep = self._compare(np.greater_equal, threshold)
        for group in np.flatnonzero(tied).tolist():
            surplus = int(np.count_nonzero(keep[group]) - wanted[group])
            _drop_last_ties(keep[group], self._keys[group], threshold[group], surplus)
        return torch.from_numpy(keep)

    def keep_above(self, k: int) -> Tensor:
        """Keep what is above the k-th smallest of its group (k from 0); its equals are all pruned."""
        if not 0 <= k < self.size:
            raise ValueError(f"there is no {k}-th of {self.size} scores")
        return torch.from_numpy(self._compare(np.greater, self._order.at(np.full(len(self._keys), k))))

    @cached_property
    def _order(self) -> "_Order":
        return _Quickselect(self._keys[0]) if len(self._keys) == 1 else _Sorted(self._keys)

    def _compare(self, above: np.ufunc, threshold: Keys) -> NDArray[np.bool_]:
        keep: NDArray[np.bool_] = above(self._keys, threshold[:, None])
        return keep


class _Order(Protocol):
    def at(self, positions: NDArray[np.int64]) -> Keys:
        """The order statistic at one position of each group; the caller's to change."""


class _Quickselect:
    """One group, coarsely sorted: every request partitions only what lies between the positions settled before."""

    def __init__(self, keys: Keys) -> None:
        self._buffer = keys.copy()
        self._settled: list[int] = []
        if len(keys) > _COARSE_PARTS:
            self._halve(0, len(keys), _COARSE_PARTS)

    def _halve(self, low: int, high: int, parts: int) -> None:
        """Settle the middle, then those of both halves: one pass for each doubling of the parts."""
        if parts > 1:
            middle = (low + high) // 2
            self._settle(middle)
            self._halve(low, middle, parts // 2)
            self._halve(middle, high, parts // 2)

    def at(self, positions: NDArray[np.int64]) -> Keys:
        k = int(positions[0])
        self._settle(k)
        return self._buffer[k : k + 1].copy()

    def _settle(self, k: int) -> None:
        place = bisect_left(self._settled, k)
        if self._settled[place : place + 1] != [k]:
            low = self._settled[place - 1] + 1 if place else 0
            high = self._settled[place] if place < len(self._settled) else len(self._buffer)
            self._buffer[low:high].partition(k - low)
            insort(self._settled, k)


class _Sorted:
    """Many groups, each with its own position: one sort, then look-ups."""

    def __init__(self, keys: Keys) -> None:
        # torch transposes with all threads; numpy's allocation takes huge pages, which fault far less often
        self._rows: Keys = np.empty(keys.shape, keys.dtype)
        torch.from_numpy(self._rows).copy_(torch.from_numpy(keys))
        self._rows.sort(axis=-1)

    def at(self, positions: NDArray[np.int64]) -> Keys:
        return self._rows[np.arange(len(self._rows)), positions]


def _drop_last_ties(keep: NDArray[np.bool_], keys: Keys, threshold: np.signedinteger, surplus: int) -> None:
    """Of one group's keys equal to the threshold, drop the last `surplus`; mostly near the end, so from there."""
    end = len(keys)
    while surplus > 0:
        start = max(0, end - _BLOCK)
        ties = np.flatnonzero(keys[start:end] == threshold)[-surplus:]
        keep[start + ties] = False
        surplus, end = surplus - len(ties), start


def _order_keys(scores: Tensor) -> Keys:
    """The bit patterns of non-negative floats as integers, which order as the floats do."""
    array = scores.numpy()
    keys: Keys = array.view(np.int64 if array.dtype == np.float64 else np.int32)
    return keys
