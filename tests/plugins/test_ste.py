"""The uniform quantizers on grids worked out by hand."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite_plugins.ste import SteAsymmetric, SteSymmetric

KINDS = [SteAsymmetric, SteSymmetric]


def gaussian(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("quantizer", "weights", "expected"),
    [
        (SteAsymmetric(2), [-1, -0.4, 0.1, 0.9, 2], [-1, 0, 0, 1, 2]),
        (SteAsymmetric(1), [0, 0.4, 0.6, 1], [0, 0, 1, 1]),
        (SteAsymmetric(2, per_channel=True), [[0, 1, 3], [10, 40, 36]], [[0, 1, 3], [10, 40, 40]]),
        (SteSymmetric(2), [-0.9, -2, 0.9, 1.1, 0], [0, -2, 0, 2, 0]),
        (SteSymmetric(3), [-3, 1.4, 0.6, 2.4], [-3, 1, 1, 2]),
        (SteSymmetric(2, per_channel=True), [[1, 0.4, 0.6], [0, 0, 0]], [[1, 0, 1], [0, 0, 0]]),
    ],
)
def test_grids_by_hand(quantizer, weights, expected):
    found = quantizer.quantize(torch.tensor(weights, dtype=torch.float64))
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [2, 3, 4, 6, 8])
@pytest.mark.parametrize("shape", [(20, 30), (8, 4, 3, 3), (50,)])
def test_the_grid_has_no_more_values_than_bits_allow(kind, bits, shape):
    weight = gaussian(*shape)
    found = kind(bits).quantize(weight)
    assert (found.shape, found.dtype) == (weight.shape, weight.dtype)
    assert len(found.unique()) <= 2**bits
    step = (
        (weight.max() - weight.min()) / (2**bits - 1)
        if kind is SteAsymmetric
        else weight.abs().max() / (2 ** (bits - 1) - 1)
    )
    assert (found - weight).abs().max() <= step / 2 * 1.0001


@pytest.mark.parametrize("kind", KINDS)
def test_per_channel_gives_each_channel_its_own_grid(kind):
    weight = gaussian(6, 3, 3, 3)
    found = kind(3, per_channel=True).quantize(weight)
    for channel, row in zip(weight, found, strict=True):
        torch.testing.assert_close(row, kind(3).quantize(channel))
    assert kind(3, per_channel=True).granularity == "channel"
    assert kind(3).granularity == "tensor"


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 1000), bits=st.integers(2, 16))
def test_symmetric_is_idempotent_and_keeps_zeros(seed, bits):
    weight = gaussian(40, seed=seed)
    weight[::3] = 0
    once = SteSymmetric(bits).quantize(weight)
    assert torch.equal(SteSymmetric(bits).quantize(once), once)
    assert not once[::3].any()


@pytest.mark.parametrize("quantizer", [SteAsymmetric(4), SteSymmetric(4), SteAsymmetric(4, per_channel=True)])
def test_a_tensor_without_range_is_unchanged(quantizer):
    assert torch.equal(quantizer.quantize(torch.zeros(3, 4)), torch.zeros(3, 4))
    if isinstance(quantizer, SteAsymmetric):
        assert torch.equal(quantizer.quantize(torch.full((3, 4), 0.1)), torch.full((3, 4), 0.1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bits", [0, 17, 2.5, True])
def test_bits_out_of_range_are_refused(kind, bits):
    with pytest.raises(ValueError, match="bits must be a whole number from 1 to 16"):
        kind(bits)


def test_symmetric_needs_two_bits():
    with pytest.raises(ValueError, match="needs at least 2 bits"):
        SteSymmetric(1)
