"""How the bit patterns of one tensor become few bytes: bitmaps, codes and byte planes, deflated where it helps.

Zero is the all-zero bit pattern; every other pattern, −0.0 and NaNs too, comes back as it was.
"""

import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchsuite.metrics.grids import Grids, grids_behind

Words = npt.NDArray[np.unsignedinteger]
"""Bit patterns of a tensor's elements, one unsigned integer of the element's size each."""

SAMPLE = 1024
"""Bytes in each of the four places where a block is probed."""
WORTHWHILE = 0.98
STRATEGIES = (zlib.Z_HUFFMAN_ONLY, zlib.Z_DEFAULT_STRATEGY)
"""Huffman alone is best on unordered codes, and ten times faster; matching finds the patterns of removed units."""


def encode(words: Words, rows: int) -> tuple[str, list[bytes]]:
    """The smallest of the forms that were tried, and its blocks; `decode` is its inverse.

    words: (n,). rows: leading dimension of the tensor, which divides n; each row may have its own values.
    Forms: "dense"; "codebook" (at most 256 values, listed) or "grid" (the same, where words of four bytes, read as
    float32, lie evenly); "codebooks" or "grids" (that many per row); "sparse " before any of them where a bitmap of the
    non-zeros is first.
    """
    nonzero = words != 0
    kept = words[nonzero]
    if words.size / 8 >= words.nbytes - kept.nbytes:
        return _encode_values(words, [words.size // rows] * rows)
    form, blocks = _encode_values(kept, nonzero.reshape(rows, -1).sum(1).tolist())
    sparse = f"sparse {form}", [deflate(np.packbits(nonzero).tobytes()), *blocks]
    if form == "dense":
        return sparse
    return min(sparse, _encode_values(words, [words.size // rows] * rows), key=lambda found: sum(map(len, found[1])))


def decode(form: str, blocks: Sequence[bytes], size: int, rows: int, itemsize: int) -> Words:
    """The bit patterns (size,) that `encode` made `form` and `blocks` of."""
    if not form.startswith("sparse "):
        return _decode_values(form, blocks, [size // rows] * rows, itemsize)
    nonzero = np.unpackbits(np.frombuffer(inflate(blocks[0]), np.uint8), count=size).astype(bool)
    words: Words = np.zeros(size, f"u{itemsize}")
    counts = nonzero.reshape(rows, -1).sum(1).tolist()
    words[nonzero] = _decode_values(form.removeprefix("sparse "), blocks[1:], counts, itemsize)
    return words


def _encode_values(values: Words, counts: list[int]) -> tuple[str, list[bytes]]:
    """The rows are tried apart only where all values together are on no grid.

    counts: how many of the values each row has.
    """
    found = _encode_codes("", values, [values.size])
    if len(counts) > 1 and "grid" not in found:
        found |= _encode_codes("s", values, counts)
    if found:
        form = min(found, key=lambda form: sum(map(len, found[form])))
        if sum(map(len, found[form])) < values.nbytes:
            return form, found[form]
    planes = values.view(np.uint8).reshape(-1, values.itemsize).T
    return "dense", [deflate(plane.tobytes()) for plane in planes]


def _decode_values(form: str, blocks: Sequence[bytes], counts: list[int], itemsize: int) -> Words:
    if form == "dense":
        planes = [np.frombuffer(inflate(block), np.uint8) for block in blocks]
        return np.stack(planes, axis=1).reshape(-1).view(f"u{itemsize}")
    segments = counts if form.endswith("s") else [sum(counts)]
    if form.startswith("grid"):
        grids = Grids.from_bytes(inflate(blocks[0]))
        sizes = np.full(len(segments), 1 << grids.bits)
        books: Words = np.concatenate([grids.values(line) for line in grids.lines]).view(np.uint32)
    else:
        sizes = np.frombuffer(inflate(blocks[0]), np.uint16).astype(np.int64)
        books = np.frombuffer(inflate(blocks[1]), f"u{itemsize}")
    codes = unpack_codes(inflate(blocks[-1]), sum(segments), code_width(sizes.max()))
    values: Words = books[codes + np.repeat(np.cumsum(sizes) - sizes, segments)]
    return values


def _encode_codes(plural: str, values: Words, segments: Sequence[int]) -> dict[str, list[bytes]]:
    """By form, the blocks of consecutive segments whose values are codes; nothing where codes do not pay."""
    ends = np.cumsum(segments)
    fullest = int(np.argmax(segments))
    first = codebook(values[ends[fullest] - segments[fullest] : ends[fullest]])
    if first is None:
        return {}
    repeated = 2 * first[0].size <= segments[fullest]
    if not repeated and not _grids([first[0]]):
        return {}
    found = [codebook(part) for part in np.split(values, ends[:-1])] if len(segments) > 1 else [first]
    coded = [pair for pair in found if pair is not None]
    if len(coded) < len(found):
        return {}
    books, codes = zip(*coded, strict=True)
    forms: dict[str, list[bytes]] = {}
    if repeated:
        sizes = np.array([book.size for book in books], np.uint16)
        packed = pack_codes(np.concatenate(codes), code_width(sizes.max()))
        forms[f"codebook{plural}"] = [sizes.tobytes(), np.concatenate(books).tobytes(), packed]
    grids = _grids(books)
    if grids:
        placed = [places[those] for places, those in zip(grids.codes(books), codes, strict=True)]
        forms[f"grid{plural}"] = [grids.to_bytes(), pack_codes(np.concatenate(placed), grids.bits)]
    return {form: [deflate(part) for part in parts] for form, parts in forms.items()}


def _grids(books: Sequence[Words]) -> Grids | None:
    return grids_behind(books) if books[0].itemsize == 4 else None


def codebook(values: Words) -> tuple[Words, npt.NDArray[np.uint8]] | None:
    """The distinct values, sorted, and each value's index among them; None if there are more than 256."""
    for stride in sorted({values.size // 512 or 1, values.size // 65536 or 1}, reverse=True):
        book = np.unique(values[::stride])  # the few values of the first pass usually tell that there are too many
        if book.size > 256:
            return None
    codes = np.searchsorted(book, values)
    missing = book.take(codes, mode="clip") != values if values.size else np.zeros(0, bool)
    if missing.any():
        book = np.union1d(book, values[missing])
        if book.size > 256:
            return None
        codes = np.searchsorted(book, values)
    return book, codes.astype(np.uint8)


def code_width(values: int) -> int:
    """Bits that tell `values` values apart: ceil(log2(values))."""
    return max(int(values) - 1, 0).bit_length()


def pack_codes(codes: npt.NDArray[np.uint8], width: int) -> bytes:
    """Codes below 2**width, `width` <= 8 bits each, the first in the lowest bits; ceil(n · width / 8) bytes."""
    groups = np.zeros((-(-codes.size // 8), 8), np.uint8)
    groups.reshape(-1)[: codes.size] = codes
    packed = np.zeros(len(groups), "<u8")
    for place in range(8):
        packed |= groups[:, place].astype("<u8") << np.uint64(place * width)
    data = packed.view(np.uint8).reshape(-1, 8)[:, :width]
    return data.tobytes()[: -(-codes.size * width // 8)]


def unpack_codes(data: bytes, n: int, width: int) -> npt.NDArray[np.uint8]:
    """The `n` codes that `pack_codes` made `data` of."""
    groups = np.zeros((-(-n // 8), 8), np.uint8)
    padded = np.zeros(len(groups) * width, np.uint8)
    padded[: len(data)] = np.frombuffer(data, np.uint8)
    groups[:, :width] = padded.reshape(-1, width) if width else 0
    packed = groups.view("<u8")
    places = np.arange(8, dtype=np.uint64) * np.uint64(width)
    codes: npt.NDArray[np.uint8] = ((packed >> places) & np.uint64(2**width - 1)).astype(np.uint8)
    return codes.reshape(-1)[:n]


def deflate(data: bytes) -> bytes:
    """`data` deflated, or as it is where that gains less than 2 %; the first byte says which.

    Samples decide, so that the noise in a mantissa costs no time.
    """
    spread = range(0, len(data), -(-len(data) // 4)) if len(data) > 4 * SAMPLE else ()
    sample = b"".join(data[start : start + SAMPLE] for start in spread) or data
    probes = {strategy: len(_deflated(sample, strategy, level=1)) for strategy in STRATEGIES}
    if min(probes.values()) < WORTHWHILE * len(sample):
        shorter = _deflated(data, min(STRATEGIES, key=probes.__getitem__), level=6)
        if len(shorter) < len(data):
            return b"\1" + shorter
    return b"\0" + data


def inflate(block: bytes) -> bytes:
    """The bytes that `deflate` made `block` of."""
    return zlib.decompress(block[1:], -zlib.MAX_WBITS) if block[0] else block[1:]


def _deflated(data: bytes, strategy: int, level: int) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL, strategy)
    return compressor.compress(data) + compressor.flush()
