"""Neff: the formulas, the theorem, and the groups."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchsuite import PluginError
from benchsuite.pruning import EffectiveCount
from benchsuite.pruning.effective import kept_mass_bound, kept_mass_margins
from benchsuite.pruning.selection import Ranking
from benchsuite_plugins.neff import NeffBlock, NeffColumn, NeffNetwork, NeffRow

KINDS = [NeffColumn, NeffRow, NeffBlock, NeffNetwork]


def groups(kind, weight):
    matrix = weight.flatten(1)
    return {NeffColumn: matrix.t(), NeffRow: matrix}.get(kind, matrix.reshape(1, -1))


def reference(kind, weight, beta, center):
    """The definition, group by group, in float64."""
    keep = torch.zeros(groups(kind, weight).shape, dtype=torch.bool)
    for values, mask in zip(groups(kind, weight), keep, strict=True):
        scores = (values - values.double().mean().to(values.dtype) if center else values).abs().double().numpy()
        if not scores.any():
            continue
        shares = scores / scores.sum()
        count = int(np.clip(math.floor(beta / np.square(shares).sum() * (1 + 1e-12)), 1, max(1, len(scores) - 1)))
        mask[np.argsort(-scores, kind="stable")[:count].copy()] = True
    return keep.t().reshape(weight.shape) if kind is NeffColumn else keep.view(weight.shape)


def layer(law, shape):
    torch.manual_seed(0)
    weight = {
        "gaussian": torch.randn,
        "uniform": torch.rand,
        "heavy-tailed": lambda size: torch.distributions.StudentT(1.5).sample(size),
        "tied": lambda size: torch.randint(-2, 3, size).float(),
        "shrunk": lambda size: torch.nn.functional.softshrink(torch.randn(size), 0.8),
    }[law](shape)
    weight[:, 0] = 0
    weight[-1] = 0
    return weight


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("law", ["gaussian", "uniform", "heavy-tailed", "tied", "shrunk"])
@pytest.mark.parametrize("shape", [(40, 30), (8, 3, 3, 3), (1, 50), (50, 1)])
def test_masks_follow_the_definition_and_keep_the_proven_mass(shape, law, kind, center, make_context):
    weight = layer(law, shape)
    original = weight.clone()
    context = make_context()
    for beta in (1.0, math.exp(-1), 2.7):
        pruner = kind(beta=beta, center=center)
        masks = pruner.masks({"layer": weight}, context)
        assert masks["layer"].dtype == torch.bool
        torch.testing.assert_close(masks["layer"], reference(kind, weight, beta, center))
        facts = pruner.audit({"layer": weight}, masks)
        assert ("kept_mass_groups" in facts) == (beta == 1)
        assert facts.get("kept_mass_margin", 0) >= -1e-6
    assert torch.equal(weight, original)


@pytest.mark.parametrize(("law", "ratio"), [("normal", 2 / math.pi), ("laplace", 1 / 2), ("uniform", 3 / 4)])
@pytest.mark.parametrize("kind", KINDS)
def test_the_share_kept_of_a_known_law(kind, law, ratio, make_context):
    draw = getattr(np.random.default_rng(0), law)
    bounds = {"normal": (0, 1), "laplace": (0, 1), "uniform": (-1, 1)}[law]
    weight = torch.from_numpy(draw(*bounds, (500, 500))).float()
    kept = kind().masks({"layer": weight}, make_context())["layer"].float().mean()
    assert kept.item() == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_an_all_zero_layer_keeps_nothing(kind, make_context):
    weight = torch.zeros(4, 5)
    masks = kind().masks({"layer": weight}, make_context())
    assert not masks["layer"].any()
    assert kind().audit({"layer": weight}, masks) == {"kept_mass_groups": 0}


@pytest.mark.parametrize("kind", KINDS)
def test_a_constant_group_has_nothing_left_after_centering(kind, make_context):
    masks = kind(center=True).masks({"layer": torch.full((3, 7), 0.1)}, make_context())
    assert not masks["layer"].any()


def test_the_network_is_one_group(make_context):
    layers = {
        "small": torch.full((2, 3), 0.01),
        "large": torch.randn(20, 5, generator=torch.Generator().manual_seed(0)),
    }
    masks = NeffNetwork().masks(layers, make_context())
    pooled = torch.cat([weight.flatten() for weight in layers.values()])
    expected = reference(NeffBlock, pooled[None], 1.0, False)[0]
    assert torch.equal(torch.cat([mask.flatten() for mask in masks.values()]), expected)
    assert not masks["small"].any()


@pytest.mark.parametrize("kind", KINDS)
def test_a_larger_beta_keeps_a_superset(kind, make_context):
    weight, context = layer("tied", (30, 20)), make_context()
    previous = torch.zeros(30, 20, dtype=torch.bool)
    for beta in np.exp(np.linspace(-1, 1, 11)):
        mask = kind(beta=float(beta)).masks({"layer": weight}, context)["layer"]
        assert not (previous & ~mask).any()
        previous = mask


@pytest.mark.parametrize("shape", [(12, 9), (6, 2, 3, 3)])
@pytest.mark.parametrize("kind", [NeffColumn, NeffRow, NeffBlock])
def test_renormalize_restores_the_norm_of_each_group(kind, shape, make_context):
    weight = layer("gaussian", shape)
    pruner = kind(beta=0.5, renormalize=True)
    mask = pruner.masks({"layer": weight}, make_context())["layer"]
    factors = pruner.rescale(weight, mask)
    assert factors.isfinite().all()
    after, before = groups(kind, weight * mask * factors), groups(kind, weight)
    torch.testing.assert_close(after.abs().sum(1), before.abs().sum(1))
    assert kind().rescale(weight, mask) is None


def test_renormalize_needs_groups_within_a_layer():
    with pytest.raises(ValueError, match="spans all of them"):
        NeffNetwork(renormalize=True)


@settings(max_examples=200, deadline=None)
@given(hnp.arrays(np.float64, st.tuples(st.just(1), st.integers(2, 12)), elements=st.integers(0, 20).map(float)))
def test_the_bound_holds_for_any_scores(scores):
    ranking = Ranking(torch.from_numpy(scores))
    assert (kept_mass_margins(ranking.scores, EffectiveCount().keep(ranking)) > -1e-9).all()


def test_the_bound_for_one_kept_weight_is_a_half():
    """The published formula promises 0.667 here, which no choice of one weight can keep."""
    scores = torch.tensor([[0.51, 0.49, 0.0]])
    margins = kept_mass_margins(scores, EffectiveCount().keep(Ranking(scores)))
    torch.testing.assert_close(margins, torch.tensor([0.01], dtype=torch.float64), atol=1e-7, rtol=0)


@pytest.mark.parametrize(("nu", "size", "bound"), [(2, 4, 2 / 3), (3, 4, 3 / 4), (5, 11, 5 / 11 + 6 / 11 / 12**0.5)])
def test_the_published_bound(nu, size, bound):
    assert kept_mass_bound(torch.tensor([nu + 0.3]), size).item() == pytest.approx(bound)


def test_an_audit_refuses_a_mask_of_other_weights(make_context):
    weight = layer("heavy-tailed", (20, 20))
    masks = {"layer": ~NeffRow().masks({"layer": weight}, make_context())["layer"]}
    with pytest.raises(PluginError, match="Effective Model Pruning proves"):
        NeffRow().audit({"layer": weight}, masks)
