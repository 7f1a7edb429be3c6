"""Packing codes and choosing how to store bit patterns."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.metrics.bitpack import code_width, codebook, decode, deflate, encode, inflate, pack_codes, unpack_codes

NOISE = random.Random(0).randbytes(200_000)


@settings(deadline=None)
@given(st.integers(0, 8).flatmap(lambda w: st.tuples(st.just(w), st.lists(st.integers(0, 2**w - 1), max_size=40))))
def test_codes_come_back_from_as_few_bytes_as_they_need(case):
    width, codes = case
    data = pack_codes(np.array(codes, np.uint8), width)
    assert len(data) == math.ceil(len(codes) * width / 8)
    assert unpack_codes(data, len(codes), width).tolist() == codes


@pytest.mark.parametrize(("values", "width"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8)])
def test_code_width_is_the_rounded_up_logarithm(values, width):
    assert code_width(values) == width


def test_a_codebook_finds_values_that_a_sample_misses():
    values = np.zeros(200_001, np.uint32)
    values[100_001], values[7] = 5, 9
    book, codes = codebook(values)
    assert book.tolist() == [0, 5, 9]
    assert np.array_equal(book[codes], values)


def test_a_codebook_has_at_most_256_values():
    assert codebook(np.arange(257, dtype=np.uint32)) is None
    assert codebook(np.repeat(np.arange(257, dtype=np.uint16), 1000)) is None
    assert codebook(np.arange(256, dtype=np.uint32)) is not None


@pytest.mark.parametrize("data", [b"", b"x", NOISE, b"ab" * 50_000, NOISE[:512] * 100, bytes(100_000) + NOISE])
def test_deflated_bytes_come_back_and_never_grow(data):
    block = deflate(data)
    assert inflate(block) == data
    assert len(block) <= len(data) + 1


@pytest.mark.parametrize("data", [b"ab" * 50_000, NOISE[:512] * 100, bytes(100_000)])
def test_patterns_shrink(data):
    assert len(deflate(data)) < len(data) / 20


RNG = np.random.default_rng(0)
FLOATS = RNG.standard_normal(4096).astype(np.float32).view(np.uint32)
FOUR = np.array([3, 5, 7, 11], np.uint32)
BY_ROW = np.concatenate([RNG.choice(FLOATS[4 * row : 4 * row + 4], 256) for row in range(128)])


@pytest.mark.parametrize(
    ("form", "words", "rows", "most"),
    [
        ("dense", FLOATS, 64, 4 * 4096),
        ("sparse dense", FLOATS * (np.arange(4096) % 10 == 0), 64, 4 * 410 + 512),
        ("codebook", RNG.choice(FOUR, 4096), 64, 4096 / 4 + 60),
        ("codebook", RNG.choice(FOUR - 3, 4096), 64, 4096 / 4 + 60),
        ("sparse codebook", RNG.choice(FOUR, 4096) * (RNG.random(4096) < 0.1), 64, 0.1 * 4096 / 4 + 512),
        ("codebooks", BY_ROW, 128, BY_ROW.size / 4 + 128 * 20),
        ("sparse codebooks", BY_ROW * (RNG.random(BY_ROW.size) < 0.2), 128, 0.2 * BY_ROW.size / 4 + 4096 + 128 * 20),
    ],
)
def test_the_smallest_form_is_chosen(form, words, rows, most):
    words = words.astype(np.uint32)
    found, blocks = encode(words, rows)
    assert found == form
    assert sum(map(len, blocks)) < most
    assert np.array_equal(decode(found, blocks, words.size, rows, 4), words)
