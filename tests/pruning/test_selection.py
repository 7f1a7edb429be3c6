"""Ranking against a naive stable reference."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchsuite.pruning import EffectiveCount, Fraction, Percentile, whole
from benchsuite.pruning.effective import effective_counts
from benchsuite.pruning.selection import Ranking

SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 40))
VALUES = {
    "tied": st.integers(0, 3).map(float),
    "spread": st.floats(0, 2.0**100, width=32),
}


def reference_largest(scores: np.ndarray, counts: np.ndarray) -> np.ndarray:
    keep = np.zeros(scores.shape, dtype=bool)
    for row, mask, count in zip(scores, keep, counts, strict=True):
        mask[np.argsort(-row, kind="stable")[:count]] = True
    return keep


@pytest.mark.parametrize("values", VALUES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_ranking_answers_like_a_stable_sort_in_any_order_of_questions(values, dtype, data):
    scores = data.draw(hnp.arrays(dtype, SHAPES, elements=VALUES[values]))
    groups, size = scores.shape
    transposed = data.draw(st.booleans())
    layout = torch.from_numpy(scores.T.copy()).t() if transposed else torch.from_numpy(scores)
    ranking = Ranking(layout)
    for _ in range(6):
        counts = np.array(data.draw(st.lists(st.integers(0, size), min_size=groups, max_size=groups)))
        kept = ranking.keep_largest(torch.from_numpy(counts))
        assert kept.dtype == torch.bool
        np.testing.assert_array_equal(kept.numpy(), reference_largest(scores, counts))
        k = data.draw(st.integers(0, size - 1))
        np.testing.assert_array_equal(ranking.keep_above(k).numpy(), scores > np.sort(scores, 1)[:, [k]])


def test_ties_are_found_across_blocks():
    scores = torch.ones(1, 200_000)
    scores[0, 150_000] = 2
    keep = Ranking(scores).keep_largest(50_000)
    assert keep.sum() == 50_000
    assert keep[0, 150_000]
    assert keep[0, :49_999].all()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_scores_must_be_finite(bad, dtype):
    scores = torch.ones(2, 3, dtype=dtype)
    scores[1, 2] = bad
    with pytest.raises(ValueError, match="NaN or infinite"):
        Ranking(scores)


def test_half_precision_is_widened():
    scores = torch.tensor([[0.5, 0.25, 1.0]])
    for dtype in (torch.float16, torch.bfloat16):
        assert Ranking(scores.to(dtype)).keep_largest(1).tolist() == [[False, False, True]]


@pytest.mark.parametrize("count", [-1, 4])
def test_a_count_outside_the_group_is_refused(count):
    with pytest.raises(ValueError, match="of 3 scores"):
        Ranking(torch.ones(1, 3)).keep_largest(count)
    with pytest.raises(ValueError, match="of 3 scores"):
        Ranking(torch.ones(1, 3)).keep_above(count)


@pytest.mark.parametrize(("share", "size", "expected"), [(0.29, 100, 29), (0.7, 10, 7), (0.57, 100, 57), (0.3, 9, 2)])
def test_a_product_that_is_whole_does_not_fall_below_itself(share, size, expected):
    assert whole(share * size) == expected
    assert Fraction(share).keep(Ranking(torch.rand(1, size))).logical_not().sum() == expected


@pytest.mark.parametrize("budget", [Fraction, Percentile])
@pytest.mark.parametrize("sparsity", [-0.1, 1.0, 1.5, float("nan")])
def test_a_sparsity_out_of_range_is_refused(budget, sparsity):
    with pytest.raises(ValueError, match="sparsity must be at least 0 and below 1"):
        budget(sparsity)


@pytest.mark.parametrize("beta", [0.0, -1.0, float("inf"), float("nan")])
def test_beta_out_of_range_is_refused(beta):
    with pytest.raises(ValueError, match="beta must be a finite number above 0"):
        EffectiveCount(beta)


def test_the_effective_count_of_known_groups():
    scores = torch.tensor([[0.1] * 4, [3, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(effective_counts(scores), torch.tensor([4, 1, 2, 0], dtype=torch.float64))


@pytest.mark.parametrize("size", [3, 1000, 100_000])
def test_equal_weights_count_in_full(size):
    keep = EffectiveCount(0.5).keep(Ranking(torch.full((1, size), 0.1)))
    assert keep.sum() == max(1, size // 2)
