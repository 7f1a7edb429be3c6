"""Pruning to a given sparsity: exact counts, thresholds, units, random controls."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite_plugins.magnitude import GlobalPercentile, LayerPercentile, UnitFraction, WeightFraction
from benchsuite_plugins.random_masks import RandomMasks

RESNET20 = {432: (16, 3, 3, 3), 2304: (16, 16, 3, 3), 640: (10, 64)}
ZEROS = {432: (87, 173, 259, 345), 2304: (461, 922, 1382, 1843), 640: (128, 256, 384, 512)}
KINDS = [LayerPercentile, GlobalPercentile, WeightFraction, UnitFraction, RandomMasks]


def gaussian(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", RESNET20)
def test_percentile_zeros_of_resnet20(size, make_context):
    context = make_context()
    for sparsity, zeros in zip((0.2, 0.4, 0.6, 0.8), ZEROS[size], strict=True):
        mask = LayerPercentile(sparsity).masks({"layer": gaussian(*RESNET20[size])}, context)["layer"]
        assert mask.logical_not().sum() == zeros


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 99), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=4), q=st.floats(0, 0.99))
def test_percentiles_are_numpys(make_context_once, seed, sizes, q):
    generator = torch.Generator().manual_seed(seed)
    layers = {str(n): torch.randn((2, n), generator=generator, dtype=torch.float64) for n in sizes}
    pooled = np.concatenate([weight.abs().numpy().ravel() for weight in layers.values()])
    found = GlobalPercentile(q).masks(layers, make_context_once())
    for name, weight in layers.items():
        magnitudes = weight.abs().numpy()
        np.testing.assert_array_equal(found[name].numpy(), magnitudes > np.percentile(pooled, 100 * q))
        alone = LayerPercentile(q).masks({name: weight}, make_context_once())[name]
        np.testing.assert_array_equal(alone.numpy(), magnitudes > np.percentile(magnitudes, 100 * q))


@pytest.fixture(scope="module")
def make_context_once():
    """The same as `make_context`, for hypothesis, which wants no fixture made anew for each test."""
    from benchsuite import PruneContext

    return lambda: PruneContext(torch.Generator(), lambda: iter(()), torch.nn.Identity, None, torch.device("cpu"))


@pytest.mark.parametrize("sparsity", [0, 0.25, 0.29, 0.5, 0.97, 0.99])
def test_weight_pruning_takes_an_exact_count_even_of_equal_weights(sparsity, make_context):
    for weight in (gaussian(20, 5), torch.ones(20, 5)):
        mask = WeightFraction(sparsity).masks({"layer": weight}, make_context())["layer"]
        assert mask.logical_not().sum() == round(100 * sparsity)
    assert mask.flatten()[: 100 - round(100 * sparsity)].all()


@pytest.mark.parametrize("shape", [(10, 7), (10, 2, 3, 3)])
def test_unit_pruning_zeroes_whole_rows_of_smallest_norm(shape, make_context):
    weight = gaussian(*shape)
    mask = UnitFraction(0.45).masks({"layer": weight}, make_context())["layer"]
    pruned = mask.flatten(1).logical_not()
    assert (pruned.all(1) == pruned.any(1)).all()
    smallest = weight.flatten(1).norm(dim=1).argsort()[:4]
    assert set(pruned.all(1).nonzero().flatten().tolist()) == set(smallest.tolist())
    assert mask.shape == weight.shape


@pytest.mark.parametrize("kind", KINDS)
def test_the_promised_sparsity_is_delivered(kind, make_context):
    layers = {"a": gaussian(40, 9), "b": gaussian(30, 4, 3, 3)}
    originals = {name: weight.clone() for name, weight in layers.items()}
    for sparsity in (0, 0.25, 0.5, 0.9):
        masks = kind(sparsity=sparsity).masks(layers, make_context())
        assert {name: (mask.shape, mask.dtype) for name, mask in masks.items()} == {
            name: (weight.shape, torch.bool) for name, weight in layers.items()
        }
        for mask in [torch.cat([m.flatten() for m in masks.values()])] if kind.scope == "network" else masks.values():
            elements = mask.flatten(1).any(1) if kind.element == "unit" else mask.flatten()
            assert abs(elements.logical_not().sum().item() - sparsity * elements.numel()) <= 1
    assert all(torch.equal(layers[name], originals[name]) for name in layers)


@pytest.mark.parametrize("kind", [LayerPercentile, GlobalPercentile, WeightFraction, UnitFraction])
def test_a_higher_level_keeps_a_subset(kind, make_context):
    layers, context = {"a": torch.randint(-4, 5, (40, 9)).float(), "b": gaussian(30, 4, 3, 3)}, make_context()
    levels = [kind(sparsity=sparsity).masks(layers, context) for sparsity in (0, 0.3, 0.5, 0.8, 0.99)]
    for weaker, stronger in pairwise(levels):
        assert not any((stronger[name] & ~weaker[name]).any() for name in layers)


def test_random_masks_follow_the_seed(make_context):
    layers = {"a": gaussian(30, 11), "b": gaussian(30, 11)}
    first, again, other = (RandomMasks(0.37).masks(layers, make_context(seed)) for seed in (0, 0, 1))
    assert all(torch.equal(first[name], again[name]) for name in layers)
    assert not torch.equal(first["a"], other["a"])
    assert not torch.equal(first["a"], first["b"])
    assert first["a"].logical_not().sum() == round(0.37 * 330)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not RandomMasks])
@pytest.mark.parametrize("sparsity", [-0.01, 1.0])
def test_a_level_out_of_range_is_refused_at_construction(kind, sparsity):
    with pytest.raises(ValueError, match="sparsity must be at least 0 and below 1"):
        kind(sparsity=sparsity)


@pytest.mark.parametrize("sparsity", [-0.01, 1.01])
def test_random_masks_may_follow_a_method_that_empties_a_layer(sparsity, make_context):
    assert not RandomMasks(1.0).masks({"a": gaussian(30, 11)}, make_context())["a"].any()
    with pytest.raises(ValueError, match="sparsity must be from 0 to 1"):
        RandomMasks(sparsity)
