"""The size of a model really serialised: a file format for tensors, and what it makes of a model.

A file is a magic number, a CRC-32 of all that follows, the length of the header, the header (JSON, deflated: name,
dtype, shape, form and block lengths of each tensor) and the blocks. Equal tensors give equal bytes.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from itertools import accumulate, pairwise

import torch
from torch import Tensor, nn

from benchsuite.errors import DataError
from benchsuite.metrics.bitpack import decode, deflate, encode, inflate
from benchsuite.metrics.tensors import model_tensors

MAGIC = b"bsuite1\n"
START = struct.Struct("<8sII")

DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        *(torch.float32, torch.float64, torch.float16, torch.bfloat16),
        *(torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool),
    )
}
INTEGERS = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def _rows(shape: torch.Size) -> int:
    return shape[0] if len(shape) > 1 and shape.numel() else 1


def pack(tensors: Mapping[str, Tensor]) -> bytes:
    """The tensors as a file, each in the smallest of the encodings of `bitpack`; `unpack` gives every bit back.

    tensors: of any shape, on any device. Errors: DataError for a dtype that cannot be stored.
    """
    header: list[tuple[str, str, list[int], str, list[int]]] = []
    payload: list[bytes] = []
    for name, tensor in tensors.items():
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype not in DTYPES:
            raise DataError(f'tensor "{name}": dtype {dtype} cannot be stored; known: {", ".join(DTYPES)}')
        flat = tensor.detach().cpu().contiguous().reshape(-1).view(INTEGERS[tensor.itemsize])
        form, blocks = encode(flat.numpy().view(f"u{tensor.itemsize}"), _rows(tensor.shape))
        header.append((name, dtype, list(tensor.shape), form, [len(block) for block in blocks]))
        payload += blocks
    head = deflate(json.dumps(header, separators=(",", ":")).encode())
    body = b"".join([head, *payload])
    length = struct.pack("<I", len(head))
    return START.pack(MAGIC, zlib.crc32(body, zlib.crc32(length)), len(head)) + body


def unpack(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file that `pack` made, on the CPU. Errors: DataError if it is damaged or cut off."""
    if len(data) < START.size or not data.startswith(MAGIC):
        raise DataError("these are no packed tensors of benchsuite: the file does not begin as such a file does")
    _, checksum, length = START.unpack_from(data)
    if zlib.crc32(memoryview(data)[START.size - 4 :]) != checksum:
        raise DataError("the packed tensors are damaged or cut off: write the file again")
    position = START.size + length
    tensors: dict[str, Tensor] = {}
    for name, dtype_name, shape, form, lengths in json.loads(inflate(data[START.size : position])):
        ends = list(accumulate(lengths, initial=position))
        position = ends[-1]
        blocks = [data[start:end] for start, end in pairwise(ends)]
        dtype, size = DTYPES[dtype_name], torch.Size(shape)
        words = decode(form, blocks, size.numel(), _rows(size), dtype.itemsize)
        integers = torch.from_numpy(words.view(f"{'u' if dtype.itemsize == 1 else 'i'}{dtype.itemsize}"))
        tensors[name] = integers.view(dtype).reshape(size)
    return tensors


def size_bytes(model: nn.Module) -> int:
    """Length in bytes of the model's parameters and buffers as a file of `pack`, in the order of their names."""
    return len(pack(dict(sorted(model_tensors(model).items()))))


def dense_bytes(model: nn.Module) -> int:
    """Bytes of the same tensors uncompressed: 4 for each element of a floating-point one, integers as they are."""
    tensors = model_tensors(model).values()
    return sum(tensor.numel() * (4 if tensor.is_floating_point() else tensor.itemsize) for tensor in tensors)
