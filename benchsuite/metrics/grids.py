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
    """Grids of the fewest bits that hold all values of each row, or None if there are none of 8 bits or fewer.

    books: of each row, the bit patterns of its distinct float32 values; a row may have none.
    """
    rows = [book.view(np.float32) for book in books]
    most = max((row.size for row in rows), default=0)
    fewest_bits = max(most - 1, 1).bit_length()
    for bits, spacing in product(range(fewest_bits, MOST_BITS + 1), SPACINGS):
        lines: list[Line] = []
        for row in rows:
            line = _line_through(row, bits, spacing)
            if line is None:
                break
            lines.append(line)
        else:
            return Grids(bits, spacing, lines)
    return None


def _line_through(row: Floats, bits: int, spacing: Spacing) -> Line | None:
    if not row.size:
        return Line(0, np.float32(0), np.float32(0))
    if not np.isfinite(row).all():
        return None
    words = row.view(np.uint32)
    for line in _guesses(row, bits, spacing):
        if np.isin(words, _values(bits, spacing, line).view(np.uint32)).all():
            return line
    return None


def _guesses(row: Floats, bits: int, spacing: Spacing) -> Iterator[Line]:
    """Lines that a quantizer may have drawn from the smallest and the largest value, of which zero may be missing."""
    low, high, nothing = row.min(), row.max(), np.float32(0)
    peak = max(-low, high)
    half, steps = (1 << bits - 1) - 1, (1 << bits) - 1
    if spacing != "scaled":
        if half:
            yield Line(half, peak, nothing)
        for offset, scale in ((low, high - low), (nothing, high), (low, -low)):
            yield from (Line(0, near, offset) for near in _near(scale))
        return
    for count, zero in ((half, half), (half + 1, half + 1)):
        if count:
            yield from (Line(zero, near, nothing) for near in _near(peak / np.float32(count)))
    for offset, extent in ((low, high - low), (nothing, high), (low, -low)):
        for near in _near(extent / np.float32(steps)):
            if near > 0 and 0 <= -offset / near <= steps:
                yield Line(int(np.rint(-offset / near)), near, nothing)
            yield Line(0, near, offset)


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
    values: Floats = places * line.scale + line.offset + np.float32(0)  # no −0.0
    return values
