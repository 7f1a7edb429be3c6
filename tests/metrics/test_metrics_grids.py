"""Grids are found again from the values that quantizers make, and only where they give every bit."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.metrics import pack, unpack
from benchsuite.metrics.bitpack import encode
from benchsuite.metrics.grids import Grids, grids_behind

ROWS, WIDTH = 6, 500


def divided(w, bits):
    low, steps = w.amin(1, keepdim=True), 2**bits - 1
    extent = w.amax(1, keepdim=True) - low
    return ((w - low) / extent * steps).round() / steps * extent + low


def by_reciprocal(w, bits):
    """As an accelerator divides by a number."""
    low, steps = w.amin(1, keepdim=True), 2**bits - 1
    extent = w.amax(1, keepdim=True) - low
    return ((w - low) / extent * steps).round() * (torch.tensor(1.0) / steps) * extent + low


def symmetric(w, bits):
    peak, steps = w.abs().amax(1, keepdim=True), 2 ** (bits - 1) - 1
    return (w / peak * steps).round() / steps * peak


def scaled(w, bits):
    low = w.amin(1, keepdim=True)
    scale = (w.amax(1, keepdim=True) - low) / (2**bits - 1)
    return ((w - low) / scale).round() * scale + low


def integers(w, bits):
    scale = w.abs().amax(1) / (2 ** (bits - 1) - 1)
    zero = torch.zeros(len(w), dtype=torch.int32)
    return torch.fake_quantize_per_channel_affine(w, scale, zero, 0, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def zero_point(w, bits):
    scale = (w.amax(1) - w.amin(1)) / (2**bits - 1)
    zero = (-w.amin(1) / scale).round().clamp(0, 2**bits - 1).int()
    return torch.fake_quantize_per_channel_affine(w, scale, zero, 0, 0, 2**bits - 1)


QUANTIZERS = (divided, by_reciprocal, symmetric, scaled, integers, zero_point)


def stored(tensor):
    """Form and bytes of a tensor of matrices, and whether every bit comes back."""
    words = tensor.view(torch.int32).numpy().view(np.uint32).reshape(-1)
    form, blocks = encode(words, len(tensor))
    back = unpack(pack({"w": tensor}))["w"]
    return form, sum(map(len, blocks)), torch.equal(back.view(torch.int32), tensor.view(torch.int32))


@pytest.mark.parametrize("quantize", QUANTIZERS)
@pytest.mark.parametrize("bits", [8, 6, 4, 3, 2])
@pytest.mark.parametrize("sparsity", [0, 0.8])
def test_a_quantized_tensor_costs_its_codes_and_nine_bytes_a_row(quantize, bits, sparsity):
    generator = torch.Generator().manual_seed(bits)
    w = torch.randn(ROWS, WIDTH, generator=generator) * torch.logspace(-3, 2, ROWS)[:, None]
    mask = torch.rand(w.shape, generator=generator) >= sparsity
    quantized = quantize(w * mask, bits) * mask + 0.0
    _, size, same = stored(quantized)
    assert same
    assert size <= mask.sum() * bits / 8 + (mask.numel() / 8 if sparsity else 0) + 9 * ROWS + 8


@pytest.mark.parametrize("quantize", QUANTIZERS)
def test_codes_need_not_repeat(quantize):
    w = torch.randn(8, 100, generator=torch.Generator().manual_seed(0))
    form, size, same = stored(quantize(w, 8) + 0.0)
    assert form == "grids"
    assert same
    assert size < 8 * (100 + 9) + 8


@settings(deadline=None)
@given(st.sampled_from(QUANTIZERS), st.integers(2, 8), st.integers(0, 2**31), st.floats(-30, 30), st.floats(-4, 4))
def test_wherever_the_weights_lie_no_bit_is_lost(quantize, bits, seed, exponent, shift):
    w = torch.randn(3, 60, generator=torch.Generator().manual_seed(seed))
    assert stored(quantize((w + shift) * 2.0**exponent, bits) + 0.0)[2]


@pytest.mark.parametrize(
    "row",
    [
        [-1.0, 0.1234567, 0.7654321, 3.1415927],
        [1.0, float("nan"), 2.0],
        [1.0, float("inf"), 2.0],
        [1.0, 1e38, 3.4e38, -3.4e38],
    ],
)
def test_values_off_every_grid_have_none(row):
    assert grids_behind([np.array(row, np.float32).view(np.uint32)]) is None


def test_one_row_off_the_grid_takes_the_grid_from_all():
    even, uneven = np.linspace(0, 1, 4, dtype=np.float32), np.array([-1.0, 0.1234567, 3.1415927], np.float32)
    assert grids_behind([even.view(np.uint32)]) is not None
    assert grids_behind([even.view(np.uint32), uneven.view(np.uint32)]) is None


def test_random_floats_are_no_grid():
    rng = np.random.default_rng(0)
    for size in (5, 20, 100, 256):
        assert grids_behind([rng.standard_normal(size).astype(np.float32).view(np.uint32)]) is None


def test_a_row_without_values_and_a_constant_one_fit_any_grid():
    rows = [np.linspace(-1, 1, 16, dtype=np.float32), np.array([0.3], np.float32), np.zeros(0, np.float32)]
    books = [np.unique(row.view(np.uint32)) for row in rows]
    grids = grids_behind(books)
    assert grids is not None
    assert Grids.from_bytes(grids.to_bytes()).to_bytes() == grids.to_bytes()
    for line, codes, book in zip(grids.lines, grids.codes(books), books, strict=True):
        assert grids.values(line).view(np.uint32)[codes].tolist() == book.tolist()
