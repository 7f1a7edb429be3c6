"""The file format: every bit comes back, and less information takes fewer bytes."""

import math
import struct

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from benchsuite.errors import DataError
from benchsuite.metrics import dense_bytes, pack, size_bytes, unpack

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)


def same_bits(a, b):
    same_type = (a.dtype, a.shape) == (b.dtype, b.shape)
    return same_type and torch.equal(a.reshape(-1).view(torch.uint8), b.reshape(-1).view(torch.uint8))


@st.composite
def tensors(draw):
    """Tensors as compression leaves them: any sparsity, any number of distinct values, and the odd values too."""
    shape = draw(st.lists(st.integers(0, 40), max_size=3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    tensor = torch.randn(shape, generator=generator, dtype=torch.float64)
    levels = draw(st.sampled_from([None, 1, 3, 300]))
    if levels is not None:
        tensor = (tensor * levels / 3).round()
    tensor = tensor * (torch.rand(shape, generator=generator) >= draw(st.sampled_from([0, 0.02, 0.5, 0.97, 1])))
    dtype = draw(st.sampled_from([*FLOATS, torch.int64, torch.int32, torch.int16, torch.int8]))
    tensor = tensor.to(dtype)
    for odd in draw(st.lists(st.sampled_from([-0.0, math.nan, math.inf, -math.inf]), max_size=2)):
        if tensor.is_floating_point() and tensor.numel():
            tensor.view(-1)[draw(st.integers(0, tensor.numel() - 1))] = odd
    return tensor


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=5), tensors(), max_size=3))
def test_every_bit_comes_back(case):
    data = pack(case)
    found = unpack(data)
    assert list(found) == list(case)
    assert all(same_bits(found[name], tensor) for name, tensor in case.items())
    assert pack(case) == data


def test_nan_payloads_and_negative_zeros_come_back():
    words = torch.tensor([0x7FC00001, -0x3FFFFF, -0x80000000, 0, 1] * 1000, dtype=torch.int32)
    for tensor in (words.view(torch.float32), words[:5].view(torch.float32)):
        assert same_bits(unpack(pack({"w": tensor}))["w"], tensor)


def test_views_and_booleans_are_stored_as_they_read():
    tensors = {"t": torch.randn(30, 40).t(), "mask": torch.rand(100) > 0.5, "scalar": torch.tensor(3)}
    found = unpack(pack(tensors))
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())


def test_an_unknown_dtype_is_refused():
    with pytest.raises(DataError, match='tensor "z": dtype complex64 cannot be stored'):
        pack({"z": torch.zeros(1, dtype=torch.complex64)})


@settings(deadline=None)
@given(st.data())
def test_damaged_bytes_are_refused(data):
    packed = pack({"w": torch.arange(50.0)})
    position = data.draw(st.integers(0, len(packed) - 1))
    flipped = bytearray(packed)
    flipped[position] ^= data.draw(st.integers(1, 255))
    for damaged in (bytes(flipped), packed[:position], packed + b"\0"):
        with pytest.raises(DataError):
            unpack(damaged)


def test_noise_costs_what_it_holds_and_little_more():
    noise = torch.randint(-(2**31), 2**31, (100_000,), generator=torch.Generator().manual_seed(0))
    assert 400_000 < len(pack({"w": noise.to(torch.int32)})) < 400_200


def pruned(model, sparsity):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("weight"):
                weight *= weight.abs() > weight.abs().quantile(sparsity)
    return model


def quantized(model, bits):
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("weight"):
                step = weight.abs().max() / (2 ** (bits - 1) - 1)
                weight.copy_((weight / step).round() * step)
    return model


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 16, 3), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(1000, 64))


def test_size_shrinks_with_sparsity():
    sizes = [size_bytes(pruned(network(), sparsity)) for sparsity in (0, 0.2, 0.5, 0.8, 0.95)]
    assert sizes == sorted(set(sizes), reverse=True)
    assert sizes[-1] < dense_bytes(network()) / 10


def test_size_shrinks_with_bits():
    sizes = [size_bytes(network()), *(size_bytes(quantized(network(), bits)) for bits in (8, 6, 5, 4, 3, 2))]
    assert sizes == sorted(set(sizes), reverse=True)
    weights = 16 * 9 + 64_000
    assert all(size < weights * bits / 8 + 2500 for size, bits in zip(sizes[1:], (8, 6, 5, 4, 3, 2), strict=True))


def test_dense_bytes_are_four_for_each_parameter_and_running_statistic():
    assert dense_bytes(network()) == 4 * (16 * 9 + 16 + 4 * 16 + 64 * 1000 + 64)


def test_a_masked_model_is_as_small_as_the_same_model_with_zeros(mlp, mask_layer):
    mask = (torch.arange(64 * 784).reshape(64, 784) % 5 == 0).float()
    mask_layer(mlp[0], mask)
    masked = size_bytes(mlp)
    nn.utils.parametrize.remove_parametrizations(mlp[0], "weight")
    assert masked == size_bytes(mlp) < dense_bytes(mlp) / 3


def test_the_header_counts():
    data = pack({})
    assert struct.unpack_from("<I", data, 12) == (len(data) - 16,)
    assert unpack(data) == {}
