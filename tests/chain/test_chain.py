"""Keys: pure functions of what an outcome depends on, and of nothing else."""

import dataclasses
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.api import Recipe
from benchsuite.chain import PROTOCOL, REPEATED_MASKING, Chain, Finetune, Prune, Quantize, Step, Train, Use

DIGITS = Use("dataset", "digits", (), "1" * 64)
MLP = Use("model", "mlp", (("hidden", (64, 32)), ("dropout", 0.0)), "2" * 64)
PERCENTILE = Use("pruner", "percentile", (("sparsity", 0.8),), "3" * 64)
STE = Use("quantizer", "ste-symmetric", (("bits", 4),), "4" * 64)

TRAIN = Train(DIGITS, "d" * 64, MLP, Recipe(epochs=3))
PRUNE = Prune(PERCENTILE, skip=("first",))
ITERATIVE = Prune(PERCENTILE, schedule="cubic", recipe=Recipe(epochs=2))
FINETUNE = Finetune(Recipe(epochs=1))
QUANTIZE = Quantize(STE, skip=("last",))

LATER = st.lists(st.sampled_from([PRUNE, ITERATIVE, FINETUNE, QUANTIZE]), max_size=4)


def chain(*later: Step, train: Step = TRAIN, seed: int = 0, protocol: int = PROTOCOL) -> Chain:
    built = Chain(train, seed, protocol=protocol)
    for step in later:
        built = built.then(step)
    return built


def changes_of_use(use: Use) -> list[Use]:
    key, value = use.fields[0] if use.fields else ("sparsity", 0.8)
    return [
        replace(use, name="other"),
        replace(use, source="f" * 64),
        replace(use, fields=((key, 0.25), *use.fields[1:])),
        replace(use, fields=((f"{key}s", value), *use.fields[1:])),
    ]


def changes_of_recipe(recipe: Recipe) -> list[Recipe]:
    others = {
        "optimizer": "adam",
        "lr": 0.25,
        "momentum": 0.5,
        "weight_decay": 0.125,
        "schedule": "cosine",
        "milestones": (1,),
        "epochs": 7,
        "batch_size": 7,
        "augmentation": ("flip",),
        "precision": "bf16",
        "compile": True,
    }
    assert set(others) == {field.name for field in dataclasses.fields(Recipe)}
    return [replace(recipe, **{name: value}) for name, value in others.items()]


CHANGES: dict[Step, list[Step]] = {
    TRAIN: [
        replace(TRAIN, data="e" * 64),
        replace(TRAIN, regularizer=Use("regularizer", "l1", (), "5" * 64)),
        *(replace(TRAIN, dataset=use) for use in changes_of_use(DIGITS)),
        *(replace(TRAIN, model=use) for use in changes_of_use(MLP)),
        *(replace(TRAIN, recipe=recipe) for recipe in changes_of_recipe(TRAIN.recipe)),
    ],
    PRUNE: [
        replace(PRUNE, skip=()),
        replace(PRUNE, skip=("first", "last")),
        replace(PRUNE, matched_to=chain(PRUNE)),
        replace(PRUNE, matched_to=chain(PRUNE, seed=1)),
        *(replace(PRUNE, pruner=use) for use in changes_of_use(PERCENTILE)),
    ],
    ITERATIVE: [
        replace(ITERATIVE, schedule="linear"),
        *(replace(ITERATIVE, recipe=recipe) for recipe in changes_of_recipe(ITERATIVE.recipe)),
    ],
    FINETUNE: [Finetune(recipe) for recipe in changes_of_recipe(FINETUNE.recipe)],
    QUANTIZE: [replace(QUANTIZE, skip=()), *(replace(QUANTIZE, quantizer=use) for use in changes_of_use(STE))],
}


@given(LATER, st.integers(0, 2**63))
def test_equal_chains_have_equal_keys(later, seed):
    assert chain(*later, seed=seed).key == chain(*(replace(step) for step in later), seed=seed).key
    assert chain(*later, seed=seed) == chain(*later, seed=seed)


@given(LATER)
def test_a_key_is_forty_hexadecimal_digits(later):
    key = chain(*later).key
    assert len(key) == 40
    assert set(key) <= set("0123456789abcdef")


@given(LATER, LATER)
def test_different_steps_have_different_keys(one, other):
    assert (chain(*one).key == chain(*other).key) == (one == other)


@pytest.mark.parametrize("step", CHANGES, ids=lambda step: step.verb)
def test_everything_in_a_step_changes_its_key_and_that_of_every_chain_over_it(step):
    before, later = ((), (FINETUNE, QUANTIZE))
    if step is not TRAIN:
        before = (QUANTIZE,)

    def keys(one: Step) -> tuple[str, str]:
        if one.verb == "train":
            return chain(train=one).key, chain(*later, train=one).key
        return chain(*before, one).key, chain(*before, one, *later).key

    variants = [step, *CHANGES[step]]
    assert len({keys(one)[0] for one in variants}) == len(variants)
    assert len({keys(one)[1] for one in variants}) == len(variants)


@given(st.integers(0, 2**63), st.integers(0, 2**63), LATER)
def test_the_seed_changes_every_key(one, other, later):
    assert (chain(*later, seed=one).key == chain(*later, seed=other).key) == (one == other)


def test_the_protocol_changes_every_key():
    before = [link.key for link in chain(PRUNE, FINETUNE).links()]
    after = [link.key for link in chain(PRUNE, FINETUNE, protocol=PROTOCOL + 1).links()]
    assert not set(before) & set(after)


@given(LATER, LATER, LATER)
def test_chains_that_begin_alike_share_the_keys_of_the_beginning(beginning, one, other):
    shared = 1 + len(beginning)
    first, second = chain(*beginning, *one), chain(*beginning, *other)
    keys = [[link.key for link in whole.links()] for whole in (first, second)]
    assert keys[0][:shared] == keys[1][:shared]


@given(LATER)
def test_a_chain_knows_its_links(later):
    whole = chain(*later, seed=5)
    assert tuple(replace(step, protocol=None) if isinstance(step, Prune) else step for step in whole.steps) == (
        TRAIN,
        *later,
    )
    assert [link.steps for link in whole.links()] == [whole.steps[: n + 1] for n in range(len(whole.steps))]
    assert whole.depth == len(later)
    assert whole.root == chain(seed=5)
    assert whole.training is TRAIN
    assert all(link.seed == 5 for link in whole.links())


def test_a_chain_knows_the_outcomes_it_takes_levels_from():
    reference = chain(PRUNE)
    assert list(chain(replace(PRUNE, matched_to=reference), FINETUNE).references()) == [reference]
    assert list(reference.references()) == []


@pytest.mark.parametrize(
    ("step", "epochs"), [(TRAIN, 3), (PRUNE, 0), (ITERATIVE, 2), (FINETUNE, 1), (QUANTIZE, 0)], ids=str
)
def test_epochs_trained(step, epochs):
    assert step.epochs_trained == epochs


def test_the_noise_of_a_step_is_of_seed_and_position_alone():
    assert chain(PRUNE).random_stream() == chain(QUANTIZE).random_stream()
    streams = {chain(*[PRUNE] * depth, seed=seed).random_stream() for depth in range(4) for seed in range(4)}
    assert len(streams) == 16


KEYS = """
import json
from pathlib import Path
from benchsuite.plan import plan, read_board
from benchsuite.registry import default_registry
registry = default_registry()
board = read_board(registry.get("leaderboard", "quick").factory)
print(json.dumps([cell.key for cell in plan(board, registry, lambda data: data.fingerprint(Path())).cells]))
"""


def test_keys_are_the_same_in_every_process():
    runs = [
        subprocess.run(
            [sys.executable, "-c", KEYS],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(json.loads(runs[0])) > 200


def test_planning_imports_no_torch():
    code = f"import io, contextlib, sys\nwith contextlib.redirect_stdout(io.StringIO()):\n    exec({KEYS!r})\n"
    code += "assert not [name for name in sys.modules if name.split('.')[0] in ('torch', 'numpy')]"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_a_masking_after_another_has_another_key_than_the_first_of_a_chain():
    masking, removal = replace(PRUNE, physical=False), replace(PRUNE, physical=True)
    again = chain(masking, FINETUNE, masking)
    assert [step.protocol for step in again.steps if isinstance(step, Prune)] == [None, 2]
    assert again.step.to_json() == {**masking.to_json(), "protocol": REPEATED_MASKING}
    assert again.first_masking == chain(masking)
    assert not any(getattr(step, "repeated", False) for step in chain(removal, masking).steps)
    assert chain(removal).first_masking is None
