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


def learned(w, bits):
    """As LSQ: the scale has been trained, and most values do not reach the ends."""
    step, half = 1.3 * w.abs().amax(1, keepdim=True) / 2 ** (bits - 1), 2 ** (bits - 1)
    return (w / step).round().clamp(-half, half - 1) * step


def clipped(w, bits):
    """As LSQ, with many values at the ends."""
    step, half = 0.6 * w.abs().amax(1, keepdim=True) / 2 ** (bits - 1), 2 ** (bits - 1)
    return (w / step).round().clamp(-half, half - 1) * step


def positive(w, bits):
    """As PACT: multiples of a learned scale, from zero on."""
    step = 1.3 * w.amax(1, keepdim=True) / (2**bits - 1)
    return (w / step).round().clamp(0, 2**bits - 1) * step


def learned_zero_point(w, bits):
    step = 1.2 * (w.amax(1, keepdim=True) - w.amin(1, keepdim=True)) / (2**bits - 1)
    zero = (-w.amin(1, keepdim=True) / step).round().clamp(0, 2**bits - 1)
    return ((w / step).round() + zero).clamp(0, 2**bits - 1).sub(zero) * step


QUANTIZERS = (
    *(divided, by_reciprocal, symmetric, scaled, integers, zero_point),
    *(learned, clipped, positive, learned_zero_point),
)


def stored(tensor):
    """Form and bytes of a tensor of matrices, and whether every bit comes back."""
    words = tensor.view(torch.int32).numpy().view(np.uint32).reshape(-1)
    form, blocks = encode(words, len(tensor))
    back = unpack(pack({"w": tensor}))["w"]
    return form, sum(map(len, blocks)), torch.equal(back.view(torch.int32), tensor.view(torch.int32))


def assert_found(rows):
    """The grids behind the rows, which give every bit, also when read again."""
    books = [np.unique(row.view(np.uint32)) for row in rows]
    grids = grids_behind(books)
    assert grids is not None
    assert Grids.from_bytes(grids.to_bytes()).to_bytes() == grids.to_bytes()
    for line, codes, book in zip(grids.lines, grids.codes(books), books, strict=True):
        assert grids.values(line).view(np.uint32)[codes].tolist() == book.tolist()
    return grids


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
    assert form == ("sparse grids" if quantize is positive else "grids")
    assert same
    assert size < 8 * (100 + 9) + 8


@pytest.mark.parametrize("quantize", [divided, by_reciprocal, symmetric, integers, learned])
@pytest.mark.parametrize("sign", [1, -1])
def test_weights_of_one_sign_are_found_without_their_zeros(quantize, sign):
    generator = torch.Generator().manual_seed(0)
    w = sign * torch.rand(ROWS, WIDTH, generator=generator) * torch.logspace(-3, 2, ROWS)[:, None]
    w[:, 0] = 0
    w[:, 1] = sign * w.abs().amax(1) * 1.01
    quantized = quantize(w, 8) * (torch.rand(w.shape, generator=generator) < 0.9) + 0.0
    quantized[:, 1] = quantize(w, 8)[:, 1]
    assert_found([row[row != 0].numpy() for row in quantized])


@pytest.mark.parametrize("bits", [2, 3, 5, 7])
@pytest.mark.parametrize("sign", [1, -1])
def test_values_of_one_sign_need_no_codes_for_the_other(bits, sign):
    codes = sign * np.arange(1, 2**bits, dtype=np.float32)
    assert assert_found([codes * np.float32(0.375), codes[1:] * np.float32(0.625)]).bits == bits


@pytest.mark.parametrize(("quantize", "zero"), [(integers, 127), (learned, 128)])
def test_all_rows_have_one_zero(quantize, zero):
    w = torch.randn(ROWS, WIDTH, generator=torch.Generator().manual_seed(0))
    grids = assert_found(list(quantize(w, 8).add(0.0).numpy()))
    assert [line.zero for line in grids.lines] == [zero] * ROWS


@pytest.mark.parametrize(
    ("ends", "zeros"),
    [([(1, 255), (0, 90)], [0, 0]), ([(-200, 50), (-90, 150)], [200, 90]), ([(-128, 100), (-3, 127)], [128, 128])],
)
def test_rows_of_a_learned_scale_reach_different_codes(ends, zeros):
    rows = [np.arange(low, high + 1, dtype=np.float32) * np.float32(0.123) for low, high in ends]
    assert [line.zero for line in assert_found(rows).lines] == zeros


def test_a_learned_scale_with_an_offset_is_found_where_the_offset_is_a_value():
    rows = [np.arange(100, dtype=np.float32) * np.float32(step) + np.float32(3) for step in (0.1, 0.017)]
    assert_found(rows)
    assert_found([row[[0, 2, 3, 60, 99]] for row in rows])


@pytest.mark.parametrize("row", [[0.0], [0.3], [-0.3], [-0.3, 0.9], []])
def test_few_values_fit_beside_a_learned_scale(row):
    steps = np.arange(-50, 70, dtype=np.float32) * np.float32(0.123)
    assert_found([steps, np.array(row, np.float32)])


@pytest.mark.parametrize("row", [[-0.0], [-0.0, 0.0], [-0.0, 1.0]])
def test_negative_zero_is_no_multiple(row):
    steps = np.arange(-50, 70, dtype=np.float32) * np.float32(0.123)
    assert grids_behind([steps.view(np.uint32), np.array(row, np.float32).view(np.uint32)]) is None


@pytest.mark.parametrize("codes", [range(-256, 0), range(1, 257), range(-129, 127)])
def test_codes_and_zeros_stay_below_256(codes):
    book = np.array(codes, np.float32) * np.float32(0.123)
    grids = grids_behind([book.view(np.uint32)])
    assert grids is None or assert_found([book]).lines[0].zero < 256


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
        [-0.0, 1.0],
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
    assert_found(rows)
