"""Evenly spaced grids behind the values of a quantized tensor: a scale and an offset instead of a list of values.

Formats of quantized networks keep for each tensor or each channel a scale, a zero point and the codes. Which numbers a
quantizer computed with is not told; they are found again from the values, and count only if they give every bit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Words: TypeAlias = npt.NDArray[np.unsignedinteger]

Spacing = Literal["divided", "multiplied", "scaled"]
"""How a quantizer goes from a code to a value, in float32: (code − zero) / steps · scale + offset; the same times
1 / steps, as accelerators divide; or (code − zero) · scale + offset."""
SPACINGS: tuple[Spacing, ...] = ("divided", "multiplied", "scaled")

MOST_BITS = 8
_NEIGHBOURS = 2
"""Floats on either side of a guess that are tried: scales come out of two rounded operations."""
_UNEVENNESS = 1 / 64
"""Share of a step by which values may miss their places, being rounded."""


class Line(NamedTuple):
    """One grid: code 0 to 2^bits − 1 stands for a value on this line."""

    zero: int
    """Code of the offset."""
    scale: np.float32
    offset: np.float32


@dataclass(frozen=True)
class Grids:
    """Lines of one kind, one for each row."""

    bits: int
    spacing: Spacing
    lines: Sequence[Line]

    @np.errstate(over="ignore", invalid="ignore")
    def values(self, line: Line) -> Floats:
        """What the codes stand for, (2^bits,), not always distinct."""
        return _values(self.bits, self.spacing, line)

    def codes(self, books: Sequence[Words]) -> list[npt.NDArray[np.uint8]]:
        """Of each row's values, which the line of the row gives."""
        tables = [self.values(line).view(np.uint32) for line in self.lines]
        orders = [np.argsort(table, kind="stable") for table in tables]
        return [
            order[np.searchsorted(table, book, sorter=order)].astype(np.uint8)
            for table, order, book in zip(tables, orders, books, strict=True)
        ]

    def to_bytes(self) -> bytes:
        """Kind, then zeros, scales and offsets, one for each row."""
        zeros, scales, offsets = zip(*self.lines, strict=True)
        kind = bytes([self.bits, SPACINGS.index(self.spacing)])
        return kind + np.array(zeros, "u1").tobytes() + np.array([*scales, *offsets], "<f4").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Grids":
        """What `to_bytes` wrote."""
        rows = (len(data) - 2) // 9
        zeros = data[2 : 2 + rows]
        scales, offsets = np.frombuffer(data, "<f4", offset=2 + rows).reshape(2, rows)
        return cls(data[0], SPACINGS[data[1]], [Line(*line) for line in zip(zeros, scales, offsets, strict=True)])


@np.errstate(over="ignore", invalid="ignore")
def grids_behind(books: Sequence[Words]) -> Grids | None:
    """Grids of few bits that hold all values of each row, or None where none of 8 bits or fewer were found.

    Those whose ends are values are tried first, with more bits too, then those that only the gaps tell.
    books: of each row, the bit patterns of its distinct float32 values; a row may have none.
    """
    rows = [book.view(np.float32) for book in books]
    most = max((row.size for row in rows), default=0)
    fewest_bits = max(most - 1, 1).bit_length()
    for guesses, bits, spacing in product((_by_range, _by_gaps), range(fewest_bits, MOST_BITS + 1), SPACINGS):
        lines: list[Line] = []
        for row in rows:
            line = _line_among(guesses(row, bits, spacing), row, bits, spacing)
            if line is None:
                break
            lines.append(line)
        else:
            return Grids(bits, spacing, lines)
    return None


def _line_among(guesses: Iterator[Line], row: Floats, bits: int, spacing: Spacing) -> Line | None:
    if not row.size:
        return Line(0, np.float32(0), np.float32(0))
    if not np.isfinite(row).all():
        return None
    words = row.view(np.uint32)
    for line in guesses:
        if np.isin(words, _values(bits, spacing, line).view(np.uint32)).all():
            return line
    return None


def _by_range(row: Floats, bits: int, spacing: Spacing) -> Iterator[Line]:
    """Lines that a quantizer may have drawn from the smallest and the largest value, of which zero may be missing."""
    low, high, nothing = row.min(), row.max(), np.float32(0)
    half, steps = (1 << bits - 1) - 1, (1 << bits) - 1
    scaled = spacing == "scaled"
    if half:
        peak = max(-low, high)
        yield from (Line(half, near, nothing) for near in (_near(peak / np.float32(half)) if scaled else (peak,)))
    for offset, extent in ((low, high - low), (nothing, high), (low, -low)):
        for near in _near(extent / np.float32(steps) if scaled else extent):
            if scaled and near > 0 and 0 <= -offset / near <= steps:
                yield Line(int(np.rint(-offset / near)), near, nothing)
            yield Line(0, near, offset)


def _by_gaps(row: Floats, bits: int, spacing: Spacing) -> Iterator[Line]:
    """Lines of a learned scale, whose ends no value need reach."""
    if spacing != "scaled":
        return  # the others' steps do not tell their scale
    half, steps = (1 << bits - 1) - 1, (1 << bits) - 1
    low, nothing = row.min(), np.float32(0)
    yield Line(0, nothing, low)  # one value alone
    for offset, values in ((nothing, np.append(row, nothing)), (low, row)):
        start, extent = float(values.min()), np.ptp(values.astype(np.float64))
        for count in _step_counts(values, steps):
            below = round(count * (float(offset) - start) / extent)
            zero = half + 1 if below <= half + 1 and count - below <= half else below
            yield from (Line(zero, near, offset) for near in _near(np.float32(extent / count)))


def _step_counts(values: Floats, most: int) -> Iterator[int]:
    """Into how many equal steps the values may cut their range, the most first."""
    gaps = np.diff(np.unique(values.astype(np.float64)))
    if not gaps.size:
        return
    counts = np.rint(np.arange(np.rint(most * gaps.min() / gaps.sum()), 0, -1) * gaps.sum() / gaps.min())
    steps = np.outer(counts, gaps.cumsum() / gaps.sum())
    even = (np.abs(steps - np.rint(steps)) < _UNEVENNESS).all(1)
    yield from (int(count) for count in counts[even] if count <= most)


def _near(guess: np.float32) -> Iterator[np.float32]:
    """The guess, then the floats around it."""
    yield guess
    for toward in (np.float32(np.inf), np.float32(-np.inf)):
        near = guess
        for _ in range(_NEIGHBOURS):
            near = np.nextafter(near, toward)
            yield near


def _values(bits: int, spacing: Spacing, line: Line) -> Floats:
    steps = np.float32((1 << bits) - 1)
    if spacing != "scaled" and line.zero:
        steps = np.float32(line.zero)  # symmetric: as many steps on either side
    places = np.arange(1 << bits, dtype=np.float32) - np.float32(line.zero)
    if spacing == "divided":
        places /= steps
    elif spacing == "multiplied":
        places *= np.float32(1) / steps
    return places * line.scale + line.offset
