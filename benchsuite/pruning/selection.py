"""Selection: order statistics of groups of scores, computed once and asked many times.

All of it runs on the CPU, so that an accelerator gets the CPU's masks bit for bit. Non-negative floats
order like their bit patterns, so they are ranked as integers.
"""

import sys
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchsuite.pruning.effective import effective_counts

Keys = NDArray[np.signedinteger]

_BLOCK = 2**16


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
        cut = self._order.at(np.minimum(cuts, self.size - 1))
        keep = cut.above(or_equal=True)
        keep[wanted == 0] = False
        for group in np.flatnonzero(cut.is_tied & (wanted > 0)).tolist():
            surplus = int(np.count_nonzero(keep[group]) - wanted[group])
            _drop_last_ties(keep[group], self._keys[group], cut.thresholds[group], surplus)
        return torch.from_numpy(keep)

    def keep_above(self, k: int) -> Tensor:
        """Keep what is above the k-th smallest of its group (k from 0); its equals are all pruned."""
        if not 0 <= k < self.size:
            raise ValueError(f"there is no {k}-th of {self.size} scores")
        return torch.from_numpy(self._order.at(np.full(len(self._keys), k)).above(or_equal=False))

    @cached_property
    def _order(self) -> "_Order":
        return _Order(self._keys)


class _Order:
    """Order statistics of every group by two digits: the upper 16 bits of a key, then the rest.

    The upper digits are counted, or sorted by radix, once; each question then looks at the few keys that share the
    digit in question. Neither step leans on vector instructions, so the speed is the same on processors of any vendor.
    """

    def __init__(self, keys: Keys) -> None:
        by_row = keys.flags.c_contiguous or not keys.flags.f_contiguous
        self._layout = _Layout(np.ascontiguousarray(keys if by_row else keys.T), by_row)
        digits = self._layout.digits
        self._ranks = _Histogram(digits.reshape(-1)) if len(keys) == 1 else _SortedRows(digits, by_row)

    def at(self, positions: NDArray[np.int64]) -> "_Cut":
        """Cut each group at one position of its ascending order."""
        digits, ranks = self._ranks.locate(positions)
        places, groups = self._layout.having(digits)
        members = self._layout.keys.reshape(-1)[places]
        ordered = _sorted_within(groups, members)
        sizes = np.bincount(groups, minlength=len(digits))
        starts = sizes.cumsum() - sizes
        found = ordered[starts + ranks]
        is_tied = (ranks > 0) & (ordered[starts + ranks - 1] == found)
        return _Cut(self._layout, digits, places, members >= found[groups], members > found[groups], found, is_tied)


class _Layout:
    """The keys as they lie in memory, a group to each row or to each column, and their upper digits."""

    def __init__(self, keys: Keys, by_row: bool) -> None:
        step = keys.itemsize // 2
        upper = step - 1 if sys.byteorder == "little" else 0
        self.keys = keys
        self.digits: NDArray[np.uint16] = np.ascontiguousarray(keys.view(np.uint16)[:, upper::step])
        self._by_row = by_row

    def having(self, digits: NDArray[np.uint16]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the flat places of the keys that have their group's digit, and the groups."""
        places = np.flatnonzero(self.digits == self._spread(digits))
        width = self.keys.shape[1]
        return places, places // width if self._by_row else places % width

    def above(self, digits: NDArray[np.uint16], places: NDArray[np.intp], are: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return which digits are above their group's, with other answers at some places, as (groups, n)."""
        above: NDArray[np.bool_] = self.digits > self._spread(digits)
        above.reshape(-1)[places] = are
        return above if self._by_row else above.T

    def _spread(self, digits: NDArray[np.uint16]) -> NDArray[np.uint16]:
        return digits[:, None] if self._by_row else digits[None, :]


class _Cut(NamedTuple):
    """One threshold for each group; only the keys that share its upper digit needed a closer look."""

    layout: _Layout
    digits: NDArray[np.uint16]
    """The upper digit of each group's threshold."""
    places: NDArray[np.intp]
    """Flat places of the keys that have their group's digit."""
    reach: NDArray[np.bool_]
    """Those of them that are at least the threshold."""
    exceed: NDArray[np.bool_]
    thresholds: Keys
    is_tied: NDArray[np.bool_]
    """Groups whose next smaller key equals the threshold."""

    def above(self, *, or_equal: bool) -> NDArray[np.bool_]:
        """Return which keys are above their group's threshold, or also those equal to it."""
        return self.layout.above(self.digits, self.places, self.reach if or_equal else self.exceed)


def _sorted_within(groups: NDArray[np.intp], members: Keys) -> Keys:
    """Sort the members of each group; the groups follow each other."""
    if members.dtype == np.int32:  # one sort of whole numbers takes a tenth of a sort by two keys
        ordered: Keys = np.sort(groups << 32 | members) & np.int64(0x7FFFFFFF)
        return ordered.astype(np.int32)
    return members[np.lexsort((members, groups))]


class _Histogram:
    """Where the digits of one group lie in its order, by counting them."""

    def __init__(self, digits: NDArray[np.uint16]) -> None:
        self._ends = np.bincount(digits).cumsum()

    def locate(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """Return the digit at the position, and the position's rank among the keys of that digit."""
        digits = np.searchsorted(self._ends, positions, side="right")
        starts = np.where(digits > 0, self._ends[digits - 1], 0)
        return digits.astype(np.uint16), positions - starts


class _SortedRows:
    """Where the digits of many groups lie in their orders: sorted by radix, as numpy does with 16-bit integers."""

    def __init__(self, digits: NDArray[np.uint16], by_row: bool) -> None:
        self._rows = digits.copy() if by_row else _transposed(digits)
        self._rows.sort(axis=-1, kind="stable")

    def locate(self, positions: NDArray[np.int64]) -> tuple[NDArray[np.uint16], NDArray[np.int64]]:
        """Return the digit at each group's position, and the position's rank among the keys of that digit."""
        rows, groups = self._rows, np.arange(len(self._rows))
        digits = rows[groups, positions]
        low, high = (
            np.zeros_like(positions),
            positions,
        )  # of the first key with that digit: halved for all groups at once
        while (low < high).any():
            middle = (low + high) // 2
            is_below = rows[groups, middle] < digits
            low, high = np.where(is_below, middle + 1, low), np.where(is_below, high, middle)
        return digits, positions - low


def _transposed(digits: NDArray[np.uint16]) -> NDArray[np.uint16]:
    """Transpose with all threads of torch, which knows no arithmetic on uint16 but copies int16."""
    rows: NDArray[np.uint16] = np.empty(digits.shape[::-1], np.uint16)
    torch.from_numpy(rows.view(np.int16)).copy_(torch.from_numpy(digits.view(np.int16)).t())
    return rows


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
