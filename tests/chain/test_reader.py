"""Chains read back from the JSON form that records hold."""

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.api import Recipe
from benchsuite.chain import Chain, ChainKey, Finetune, Prune, Quantize, Train, Use

MLP = Use("model", "mlp", (("hidden", (64, 32)), ("dropout", 0.0)), "2" * 64)
TRAIN = Train(Use("dataset", "digits", (), "1" * 64), "d" * 64, MLP, Recipe(epochs=3, milestones=(1, 2)))
PERCENTILE = Use("pruner", "percentile", (("sparsity", 0.8),), "3" * 64)
STEPS = (
    Prune(PERCENTILE, skip=("first",)),
    Prune(PERCENTILE, schedule="cubic", recipe=Recipe(epochs=2, lr=1e-3)),
    Prune(PERCENTILE, matched_to=ChainKey("4" * 40)),
    Prune(Use("pruner", "slimming", (), "5" * 64), physical=True),
    Finetune(Recipe(epochs=0)),
    Quantize(Use("quantizer", "ste", (("bits", 4), ("per_channel", True)), "6" * 64), skip=("last",)),
    Quantize(Use("quantizer", "ste", (("scales", ((1.0, 2.0), (3.0,))),), "6" * 64), protocol=1),
)


@given(st.lists(st.sampled_from(STEPS), max_size=5), st.integers(0, 2**40), st.integers(1, 9))
def test_a_chain_comes_back_from_json_with_its_key_and_its_steps(steps, seed, protocol):
    chain = Chain(TRAIN, seed, protocol=protocol)
    for step in steps:
        chain = chain.then(step)
    again = Chain.from_json(json.loads(json.dumps(chain.to_json())), seed, protocol)
    assert again.key == chain.key
    assert [step.text for step in again.steps] == [step.text for step in chain.steps]
    assert again.training.model.settings() == MLP.settings()


def test_a_fine_tuning_of_no_epochs_trains_nothing():
    assert not Chain(TRAIN, 0).then(Finetune(Recipe(epochs=0))).is_tuned
    assert Chain(TRAIN, 0).then(Finetune(Recipe(epochs=1))).is_tuned


def tables() -> list[dict]:
    chain = Chain(TRAIN, 0)
    for step in STEPS:
        chain = chain.then(step)
    return json.loads(json.dumps(chain.to_json()))


def changed(place: tuple[str | int, ...], value: object) -> list[dict]:
    steps = copy.deepcopy(tables())
    table = steps
    for part in place[:-1]:
        table = table[part]
    table[place[-1]] = value
    return steps


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((0, "data"), 5, "steps[0].data: should be a text"),
        ((0, "model"), None, "steps[0].model: should be an object"),
        ((0, "model", "source"), 5, "steps[0].model.source: should be a text"),
        ((0, "model", "fields", "hidden"), {"a": 1}, "steps[0].fields: a plugin's field is a number"),
        ((0, "recipe", "lr"), "fast", "steps[0].recipe.lr: Input should be a valid number"),
        ((0, "recipe", "warmup"), 3, "steps[0].recipe.warmup: is unknown"),
        ((0, "extra"), 1, "steps[0].extra: is unknown"),
        ((0, "step"), "prune", "steps[0]."),
        ((1, "step"), "distil", 'steps[1].step: unknown step "distil"'),
        ((1, "skip"), ["first", 2], "steps[1].skip: should be a list of texts"),
        ((1, "schedule"), "one-cycle", 'steps[1].schedule: unknown schedule "one-cycle"'),
        ((1, "physical"), 1, "steps[1].physical: should be true or false"),
        ((6, "protocol"), True, "steps[6].protocol: should be a whole number"),
        ((5,), [], "steps[5]: should be an object"),
        ((1,), tables()[0], "steps[1]: a chain starts with its one dense training"),
    ],
)
def test_a_malformed_step_is_refused_with_its_place(place, value, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Chain.from_json(changed(place, value), 0)


@pytest.mark.parametrize("steps", [None, [], {}, "train"])
def test_a_chain_has_a_step(steps):
    with pytest.raises(ValueError, match="steps: should be a list of at least one step"):
        Chain.from_json(steps, 0)


@pytest.mark.parametrize("name", ["data", "recipe", "weights"])
def test_a_missing_key_is_named(name):
    steps = tables()
    del steps[0][name]
    with pytest.raises(ValueError, match=rf"steps\[0\]\.{name}: is missing"):
        Chain.from_json(steps, 0)
