"""Asking a pruner: what breaks its contract is refused with a sentence that says how."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import pytest
import torch
from make_record import layer
from torch import Tensor, nn

from benchsuite import ConfigError, LayerPruner, PluginError, PruneContext, Pruner, get
from benchsuite.execution.decide import decide
from benchsuite.execution.steps import _levels
from benchsuite.metrics import select

LAYERS = {"0": (10, 20), "2": (5, 10)}


@pytest.fixture
def model() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 5))


def context(model: nn.Module) -> PruneContext:
    return PruneContext(
        torch.Generator().manual_seed(0),
        lambda: iter(()),
        lambda: deepcopy(model),
        nn.functional.cross_entropy,
        torch.device("cpu"),
    )


@dataclass(frozen=True)
class Answers(Pruner):
    """Gives what a function of the layers gives."""

    function: Callable

    def masks(self, layers, context):
        return self.function(layers)


@dataclass(frozen=True)
class Promises(Answers):
    sparsity: float = 0.9


@dataclass(frozen=True)
class PromisesInTotal(Promises):
    scope: ClassVar[Literal["layer", "network"]] = "network"


@dataclass(frozen=True)
class PromisesUnits(Promises):
    element: ClassVar[Literal["weight", "unit"]] = "unit"


def keep_all(layers):
    return {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in layers.items()}


def changed(change):
    """All kept, then changed."""

    def answer(layers):
        masks = keep_all(layers)
        change(masks, layers)
        return masks

    return answer


def prune_first(counts: dict[str, int]) -> Callable:
    """Prune the first so many weights of each layer."""
    return lambda layers: {
        name: (torch.arange(weight.numel()) >= counts[name]).view(weight.shape) for name, weight in layers.items()
    }


def set_item(name, value):
    return changed(lambda masks, _: masks.__setitem__(name, value))


BROKEN = {
    "none": (lambda layers: None, r"masks for layers \['0', '2'\] expected, got NoneType"),
    "a list": (lambda layers: list(keep_all(layers).values()), r"expected, got list"),
    "one missing": (changed(lambda masks, _: masks.pop("2")), r"\['0', '2'\] expected, got \['0'\]"),
    "one too many": (set_item("9", torch.ones(1).bool()), r"got \['0', '2', '9'\]"),
    "a number as a name": (set_item(9, torch.ones(1).bool()), r"got \['0', '2', 9\]"),
    "float": (lambda layers: {name: w.abs() for name, w in layers.items()}, "layer 0 is torch.float32, not torch.bool"),
    "uint8": (set_item("2", torch.ones(5, 10, dtype=torch.uint8)), "layer 2 is torch.uint8, not torch.bool"),
    "transposed": (
        set_item("2", torch.ones(10, 5).bool()),
        r"layer 2 has shape \(10, 5\), its weight \(5, 10\)",
    ),
    "broadcast": (set_item("0", torch.tensor(True)), r"layer 0 has shape \(\), its weight \(10, 20\)"),
    "numpy": (set_item("0", torch.ones(10, 20).bool().numpy()), "layer 0 is a ndarray, not a tensor"),
    "mutated": (changed(lambda _, layers: layers["2"].mul_(2)), "changed the weights of layer 2"),
    "mutated to nan": (changed(lambda _, layers: layers["0"].fill_(torch.nan)), "changed the weights of layer 0"),
    "mutated through numpy": (
        changed(lambda _, layers: layers["0"].numpy().__setitem__(0, 0)),
        "changed the weights of layer 0",
    ),
    "mutated through data": (changed(lambda _, layers: layers["0"].data.zero_()), "changed the weights of layer 0"),
}


@pytest.mark.parametrize(("function", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_answer(model, function, reason):
    before = deepcopy(model.state_dict())
    with pytest.raises(PluginError, match=reason):
        decide(model, Answers(function), (), context(model))
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_layers_cannot_be_taken_away(model):
    def take_away(layers):
        del layers["0"]
        return keep_all(layers)

    with pytest.raises(TypeError, match="does not support item deletion"):
        decide(model, Answers(take_away), (), context(model))


@pytest.mark.parametrize("kept", [lambda w: w, lambda w: w.expand(10, 20), lambda w: w.t().contiguous().t()])
def test_a_mask_of_any_layout_is_taken_as_a_copy(model, kept):
    mask = kept(torch.ones(10, 20).bool())
    masks, _ = decide(model, Answers(lambda layers: {**keep_all(layers), "0": mask}), (), context(model))
    mask.fill_(False)
    assert masks["0"].all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_masks_on_another_device_are_moved(model):
    model.cuda()
    answer = Answers(lambda layers: {name: torch.ones(w.shape, dtype=torch.bool) for name, w in layers.items()})
    masks, _ = decide(model, answer, (), context(model))
    assert {mask.device.type for mask in masks.values()} == {"cuda"}


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_weights_that_are_not_finite_are_not_ranked(model, value):
    with torch.no_grad():
        model[2].weight[0, 0] = value
    with pytest.raises(PluginError, match="layer 2 has NaN or infinite weights: there is nothing to rank"):
        decide(model, Answers(keep_all), (), context(model))
    masks, _ = decide(model, Answers(keep_all), ("last",), context(model))
    assert set(masks) == {"0"}


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"0": 174, "2": 45}, r"0: asked for 0.900, delivered 0.870 \(174 of 200\)"),
        ({"0": 180, "2": 43}, r"2: asked for 0.900, delivered 0.860 \(43 of 50\)"),
        ({"0": 182, "2": 45}, r"0: asked for 0.900, delivered 0.910 \(182 of 200\)"),
        ({"0": 0, "2": 0}, r"0: asked for 0.900, delivered 0.000 \(0 of 200\)"),
        ({"0": 179, "2": 46}, None),
        ({"0": 181, "2": 44}, None),
    ],
)
def test_the_promise_of_each_layer(model, counts, reason):
    pruner = Promises(prune_first(counts))
    if reason is None:
        masks, _ = decide(model, pruner, (), context(model))
        assert {name: int((~mask).count_nonzero()) for name, mask in masks.items()} == counts
    else:
        with pytest.raises(PluginError, match=reason):
            decide(model, pruner, (), context(model))


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({"0": 200, "2": 25}, None),
        ({"0": 200, "2": 26}, None),
        ({"0": 200, "2": 27}, r"the network: asked for 0.900, delivered 0.908 \(227 of 250\)"),
        ({"0": 180, "2": 43}, r"the network: asked for 0.900, delivered 0.892 \(223 of 250\)"),
    ],
)
def test_the_promise_of_the_network(model, counts, reason):
    pruner = PromisesInTotal(prune_first(counts))
    if reason is None:
        decide(model, pruner, (), context(model))
    else:
        with pytest.raises(PluginError, match=reason):
            decide(model, pruner, (), context(model))


def units(pruned: dict[str, int]) -> Callable:
    return lambda layers: {
        name: (torch.arange(len(w)) >= pruned[name])[:, None].expand(w.shape).clone() for name, w in layers.items()
    }


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (units({"0": 5, "2": 2}), None),
        (units({"0": 6, "2": 3}), None),
        (units({"0": 7, "2": 3}), r"0: asked for 0.500, delivered 0.700 \(7 of 10\)"),
        (
            prune_first({"0": 101, "2": 20}),
            "layer 0: a unit is kept or pruned as a whole, and some are kept in part",
        ),
    ],
)
def test_the_promise_in_units(model, function, reason):
    pruner = PromisesUnits(function, sparsity=0.5)
    if reason is None:
        decide(model, pruner, (), context(model))
    else:
        with pytest.raises(PluginError, match=reason):
            decide(model, pruner, (), context(model))


def test_a_promise_holds_over_what_is_not_skipped(model):
    masks, _ = decide(model, PromisesInTotal(prune_first({"0": 180})), ("2",), context(model))
    assert set(masks) == {"0"}
    with pytest.raises(ConfigError, match='skip: no layer matches "3"'):
        decide(model, Answers(keep_all), ("3",), context(model))


def zeros(masks: dict[str, Tensor]) -> dict[str, int]:
    return {name: int((~mask).count_nonzero()) for name, mask in masks.items()}


@pytest.mark.parametrize("counts", [{"0": 123, "2": 7}, {"0": 0, "2": 50}, {"0": 1, "2": 49}, {"0": 200, "2": 50}])
def test_matched_levels_layer_by_layer(model, counts):
    levels = {"0": counts["0"] / 200, "2": counts["2"] / 50}
    masks, _ = decide(model, get("pruner", "random"), (), context(model), levels)
    assert zeros(masks) == counts


def test_matched_levels_in_total(model):
    levels = {"0": 123 / 200, "2": 7 / 50}
    masks, _ = decide(model, get("pruner", "global-percentile"), (), context(model), levels)
    assert sum(zeros(masks).values()) == pytest.approx(130, abs=1)


def test_a_record_to_match_without_one_of_the_layers(model):
    with pytest.raises(PluginError, match=r"has no layer 2, which older versions left alone: .* --rerun all"):
        _levels([layer("0", zeros=1, weights=200)], select(model, ()))


def test_a_matched_pruner_is_held_to_its_level(model):
    with pytest.raises(PluginError, match=r"0: asked for 0.250, delivered 0.500"):
        decide(model, Promises(prune_first({"0": 100})), ("2",), context(model), {"0": 0.25})


@dataclass(frozen=True)
class Audited(LayerPruner):
    facts: object

    def mask(self, weight, context):
        return weight.abs() > 0.1

    def audit(self, layers, masks):
        for mask in masks.values():
            mask.fill_(True)
        return self.facts


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ([1], "audit: a mapping of names to numbers expected, got list"),
        ({"x": torch.ones(2)}, "audit: 'x' is tensor"),
        ({"x": "much"}, "audit: 'x' is 'much', not a finite number"),
        ({"x": float("nan")}, "audit: 'x' is nan"),
        ({1: 1}, "audit: 1 is 1"),
    ],
)
def test_facts_that_no_record_can_hold(model, facts, reason):
    with pytest.raises(PluginError, match=reason):
        decide(model, Audited(facts), (), context(model))


def test_an_audit_gives_facts_and_cannot_change_masks(model):
    masks, facts = decide(model, Audited({"groups": 3, "margin": torch.tensor(0.5).item()}), (), context(model))
    assert facts == {"groups": 3, "margin": 0.5}
    assert all(torch.equal(masks[name], model.get_submodule(name).weight.abs() > 0.1) for name in LAYERS)


def halves(model: nn.Module, dtype: torch.dtype) -> nn.Module:
    """The network with two weights of each layer at the magnitude of its median."""
    with torch.no_grad():
        for name in LAYERS:
            weight = model.get_submodule(name).weight.view(-1)
            order = weight.abs().argsort()
            weight[order[len(order) // 2 - 2 : len(order) // 2 + 3]] = weight[order[len(order) // 2]].abs()
    return model.to(dtype)


def below(thresholds: Callable[[Tensor], Tensor], strict: bool = False) -> Callable:
    def answer(layers):
        cuts = {name: thresholds(weight.abs().float()) for name, weight in layers.items()}
        return {
            name: weight.abs().float() >= cuts[name] if strict else weight.abs().float() > cuts[name]
            for name, weight in layers.items()
        }

    return answer


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("kept_together", [False, True], ids=["pruned", "kept"])
def test_weights_that_tie_at_the_threshold_may_go_or_stay_together(model, dtype, kept_together):
    pruner = Promises(below(lambda magnitudes: magnitudes.median(), kept_together), sparsity=0.5)
    _, facts = decide(halves(model, dtype), pruner, ("2",), context(model))
    assert facts["threshold_ties"] >= 3


def test_a_threshold_over_all_layers_has_its_ties_in_all_of_them(model):
    with torch.no_grad():
        for name in LAYERS:
            model.get_submodule(name).weight.view(-1)[:3] = 0.1
    total = torch.cat([model.get_submodule(name).weight.abs().view(-1) for name in LAYERS])
    asked = int((total < 0.1).count_nonzero()) / len(total)
    pruner = PromisesInTotal(below(lambda _: torch.tensor(0.1)), sparsity=asked)
    assert decide(model, pruner, (), context(model))[1] == {"threshold_ties": 6}


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (prune_first({"0": 103, "2": 25}), r"0: asked for 0.500, delivered 0.515 \(103 of 200\)"),
        (below(lambda magnitudes: magnitudes.max()), r"0: asked for 0.500, delivered 1.000"),
        (below(lambda magnitudes: magnitudes.quantile(0.55)), r"0: asked for 0.500, delivered 0.550"),
    ],
    ids=["no threshold", "everything", "another level"],
)
def test_ties_excuse_nothing_but_the_elements_at_the_threshold(model, function, reason):
    with pytest.raises(PluginError, match=reason):
        decide(model, Promises(function, sparsity=0.5), (), context(model))


def test_equal_weights_are_no_threshold_at_any_level(model):
    with torch.no_grad():
        model[0].weight.fill_(0.5)
    with pytest.raises(PluginError, match=r"delivered 0.000 \(0 of 200, 200 tied at the threshold\)"):
        decide(model, Promises(keep_all, sparsity=0.5), ("2",), context(model))


def test_a_pruner_that_ranks_all_layers_together_is_told_the_field_to_set(model):
    with pytest.raises(PluginError, match=r"over all layers it is right: .* scope = \"network\""):
        decide(model, Promises(prune_first({"0": 120, "2": 5}), sparsity=0.5), (), context(model))


@pytest.mark.parametrize("score", ["gradient", "taylor", "wanda"])
def test_ties_of_a_composition_are_those_of_its_score(model, score):
    inputs = torch.randn(16, 20)
    inputs[:, 3] = 0  # so that the scores of a column are 0
    inputs[:, 7] = inputs[:, 5]  # and those of two columns are equal
    batches = [(inputs, torch.arange(16) % 5)]
    shown = replace(context(model), batches=lambda: iter(batches))
    _, facts = decide(model, get("pruner", "percentile", sparsity=0.02, score=score), ("2",), shown)
    assert facts == {"threshold_ties": 10}
