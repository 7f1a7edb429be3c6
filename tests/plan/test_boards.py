"""The project's own boards: each is valid, and has the protocol that is published for it."""

from functools import cache
from math import exp
from pathlib import Path

import pytest

from benchsuite.plan import Chain, Finetune, Plan, Prune, Quantize, Train, plan, read_board
from benchsuite.registry import default_registry

FOLDER = Path(__file__).parents[2] / "benchsuite" / "leaderboards"
BOARDS = sorted(path.stem for path in FOLDER.glob("*.toml"))

BETAS = [exp(-1 + step / 5) for step in range(11)]
NEFFS = ["neff-column", "neff-row", "neff-block"]


@cache
def planned(name: str, *changes: str) -> Plan:
    return plan(read_board(FOLDER / f"{name}.toml", changes), default_registry(), lambda _: "0" * 64)


def told(chain: Chain) -> str:
    """The steps after the dense training in short: "percentile 0.8, tune 20"."""
    return ", ".join(_step(step) for step in chain.steps[1:])


def _step(step: object) -> str:
    match step:
        case Finetune():
            return f"tune {step.recipe.epochs}"
        case Quantize():
            fields = dict(step.quantizer.fields)
            words = [step.quantizer.name, str(fields["bits"])]
            return " ".join([*words, *["per channel"] * bool(fields["per_channel"]), *_skipped(step.skip)])
        case Prune():
            fields = dict(step.pruner.fields)
            level = f"as {told(step.matched_to)}" if step.matched_to else _number(fields)
            words = [step.pruner.name, level, *(flag for flag in ("center", "renormalize") if fields.get(flag))]
            schedule = [f"{step.schedule} {step.recipe.epochs}"] if step.recipe else []
            return " ".join([*words, *schedule, *_skipped(step.skip)])
    raise AssertionError(step)


def _number(fields: dict[str, object]) -> str:
    value = fields["sparsity"] if "sparsity" in fields else fields["beta"]
    assert isinstance(value, float)
    return f"{value:.6g}"


def _skipped(layers: tuple[str, ...]) -> list[str]:
    return [f"but {'+'.join(layers)}"] if layers else []


def dense(name: str) -> list[Train]:
    """The dense trainings, without seeds."""
    return list(dict.fromkeys(cell.chain.training for cell in planned(name).cells))


def rows(name: str) -> list[str]:
    """The rows of the first dense training and the first seed; every other has the same."""
    found: dict[tuple[Train, int], list[str]] = {}
    for cell in planned(name).cells:
        found.setdefault((cell.chain.training, cell.chain.seed), [])
        if cell.role == "row":
            found[cell.chain.training, cell.chain.seed].append(told(cell.chain))
    (same,) = {tuple(one) for one in found.values()}
    return list(same)


def neff(betas: list[float], kinds: list[str] = NEFFS, centers: tuple[str, ...] = ("", " center")) -> list[str]:
    return [f"{kind} {beta:.6g}{center}" for kind in kinds for center in centers for beta in betas]


def matched(references: list[str]) -> list[str]:
    return [f"global-percentile as {reference}" for reference in references]


QAT = [
    f"{grid} {bits}{channel} but first+last"
    for grid in ("ste-asymmetric", "ste-symmetric")
    for bits in (8, 6, 5, 4, 3, 2)
    for channel in ("", " per channel")
]
SPARSE = "global-percentile 0.8 linear {0}, tune {0}"

ROWS = {
    "lenet5-connectivity": [],
    "logreg-loss": [],
    "sparse-linear": [],
    "mlp-weight-vs-unit": [
        f"{kind} {s} but last" for kind in ("weight", "unit") for s in (0.25, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99)
    ],
    **{f"neff-{data}": [*neff([1.0]), *matched(neff([1.0]))] for data in ("mnist", "fashion-mnist")},
    **{f"neff-beta-{data}": [*neff(BETAS), *matched(neff(BETAS))] for data in ("mnist", "fashion-mnist")},
    "neff-seeds-mnist": neff(BETAS[:1], centers=("",)),
    "neff-seeds-fashion-mnist": neff([1.0]),
    "quick": [
        *neff([0.5, 1.0]),
        *matched(neff([0.5, 1.0])),
        *(f"{kind} {s}" for kind in ("percentile", "global-percentile") for s in (0.5, 0.8, 0.9)),
        *(f"{kind} {s} but last" for kind in ("weight", "unit") for s in (0.5, 0.8, 0.9)),
        *(f"random {s}" for s in (0.5, 0.8, 0.9)),
        *(f"neff-block {beta} renormalize, tune 10" for beta in ("0.5", "1")),
        *(f"percentile {s}, tune 10" for s in (0.8, 0.9, 0.95)),
        *(f"global-percentile {s} {by} 5, tune 5" for s in (0.9, 0.95) for by in ("linear", "cubic")),
        *(
            f"{grid} {bits}{tuned}"
            for grid in ("ste-symmetric", "ste-asymmetric")
            for bits in (8, 4, 3, 2)
            for tuned in ("", ", tune 5")
        ),
        *(
            f"global-percentile 0.8, tune 10, ste-asymmetric {bits}{tuned}"
            for bits in (4, 3, 2)
            for tuned in ("", ", tune 5")
        ),
    ],
    **{
        f"resnet20-oneshot{edition}": [
            *(f"{kind} {s}" for kind in ("percentile", "global-percentile") for s in (0.2, 0.4, 0.6, 0.7, 0.8)),
            *neff([1.0], NEFFS[1:], ("",)),
            *matched(neff([1.0], NEFFS[1:], ("",))),
        ]
        for edition in ("", "-jpeg")
    },
    "resnet20-schedules": [
        *("percentile 0.8", "percentile 0.8, tune 1", "percentile 0.8, tune 1, tune 19"),
        *("global-percentile 0.8", "global-percentile 0.8, tune 20"),
        *(f"{kind} 0.8 {by} 10, tune 10" for kind in ("percentile", "global-percentile") for by in ("linear", "cubic")),
    ],
    "resnet20-schedules-jpeg": [
        *("percentile 0.8", "percentile 0.8, tune 1", "percentile 0.8, tune 1, tune 3"),
        *("global-percentile 0.8", "global-percentile 0.8, tune 4"),
        *(f"{kind} 0.8 {by} 2, tune 2" for kind in ("percentile", "global-percentile") for by in ("linear", "cubic")),
    ],
    **{
        f"resnet20-quantize{edition}": [one + tuned for one in QAT for tuned in ("", f", tune {epochs}")]
        for edition, epochs in (("", 20), ("-jpeg", 1))
    },
    **{
        f"resnet20-prune-quantize{edition}": [
            SPARSE.format(pruning),
            *(
                f"{SPARSE.format(pruning)}, {one}{tuned}"
                for one in QAT
                if edition or "channel" not in one
                for tuned in ("", f", tune {epochs}")
            ),
        ]
        for edition, pruning, epochs in (("", 10, 20), ("-jpeg", 2, 1))
    },
    **{
        name: [f"slimming {s}{tuned}" for s in (0.5, 0.9) for tuned in ("", f", tune {epochs}")]
        for name, epochs in (("vgg11-slimming", 2), ("vgg11-slimming-jpeg", 1), ("vgg19-slimming", 20))
    },
}


UNCONTROLLED = {
    "neff-seeds-mnist",
    "neff-seeds-fashion-mnist",
    "resnet20-prune-quantize-jpeg",
    "resnet20-schedules-jpeg",
}
"""Boards, some of whose rows have no random control: another board has it, or two cores cannot train it."""

SEEDS = {"sparse-linear": 1, "neff-seeds-mnist": 10, "neff-seeds-fashion-mnist": 10, "logreg-loss": 30}
"""Other numbers of seeds than three: nothing is random, or accuracy is left to chance."""


def test_every_board_has_its_facts_here():
    assert set(ROWS) == set(BOARDS)


@pytest.mark.parametrize("name", BOARDS)
def test_the_rows_are_those_of_the_protocol(name):
    assert sorted(rows(name)) == sorted(ROWS[name])


@pytest.mark.parametrize("name", BOARDS)
def test_a_board_says_what_it_is_and_runs_over_three_seeds_but_for_what_is_too_costly(name):
    board = planned(name).board.board
    assert board.name == name
    assert board.title
    assert board.question.endswith("?")
    assert len(planned(name).seeds) == SEEDS.get(name, 1 if name.endswith("-jpeg") else 3)
    alone = {cell.chain.training.model.name for cell in planned(name).cells if cell.seeds == (0,)}
    assert len(planned(name).seeds) == 1 or all(model.endswith("very-wide") for model in alone)


@pytest.mark.parametrize("name", [name for name in BOARDS if name not in UNCONTROLLED])
def test_every_pruned_cell_has_its_random_control(name):
    keys = {cell.key for cell in planned(name).cells}
    for cell in planned(name).cells:
        prunes = [step for step in cell.chain.steps if isinstance(step, Prune)]
        if cell.role == "row" and any(step.pruner.name != "random" for step in prunes):
            assert cell.control is not None
            assert cell.control.key in keys
            last = [step for step in cell.control.steps if isinstance(step, Prune)][-1]
            assert last.pruner.name == ("random-channels" if prunes[-1].physical else "random")
            assert last.matched_to in list(cell.chain.links())


CHOOSING = [name for name in BOARDS if ("neff" in name or "oneshot" in name) and name not in UNCONTROLLED]


@pytest.mark.parametrize("name", CHOOSING)
def test_every_neff_row_has_plain_magnitude_at_the_same_realised_sparsity(name):
    cells = [cell for cell in planned(name).cells if cell.role == "row"]
    own = {cell.key for cell in cells if told(cell.chain).startswith("neff")}
    others = [step.matched_to.key for cell in cells for step in cell.chain.steps[1:] if step.matched_to]
    assert own
    assert sorted(others) == sorted(own)


@pytest.mark.parametrize("name", ["neff-beta-mnist", "neff-beta-fashion-mnist"])
def test_the_sweep_is_exp_of_eleven_even_steps(name):
    prunes = [cell.chain.step for cell in planned(name).cells if cell.role == "row" and "neff" in cell.method]
    found = {dict(step.pruner.fields)["beta"] for step in prunes}
    assert sorted(found) == pytest.approx(BETAS, rel=1e-15)


SIZES = ("tiny-underfit", "deep-narrow", "balanced", "balanced-deep", "wide", "very-wide")
ACTIVATIONS = ("relu", "gelu", "sigmoid", "tanh")
STRENGTHS = ((1.0, 2.0, 5.0, 10.0), (0.2, 0.5, 1.0, 2.0), (0.2, 0.5, 1.0, 2.0))
REGULARIZERS = [
    *(("none", None), ("l0-projection", None)),
    *(
        (name, strength)
        for name, choices in zip(("trimmed-l1-prox", "l1-prox", "l1"), STRENGTHS, strict=True)
        for strength in choices
    ),
]

# By board: data set; for each dense training its model, what tells it from the others, and its epochs.
DENSE = {
    "lenet5-connectivity": ("mnist", [("lenet5-full", "full", 10), ("lenet5-subset", "subset", 10)]),
    "logreg-loss": (
        "mnist-4v9",
        [("logreg", ("logistic", False), 20), ("logreg", ("squares", False), 10), ("logreg", ("squares", True), 10)],
    ),
    "mlp-weight-vs-unit": ("mnist-unit", [("mlp-biasfree", None, 5)]),
    **{
        f"neff-{data}": (data, [(f"mlp-{short}-{size}", "relu", epochs) for size, epochs in sizes])
        for data, short in (("mnist", "mnist"), ("fashion-mnist", "fashion"))
        for sizes in [list(zip(SIZES, (10, 15, 15, 20, 30, 50), strict=True))]
    },
    **{
        name: (data, [(f"mlp-{short}-tiny-underfit", one, 10) for one in ACTIVATIONS])
        for name, data, short in (
            ("neff-beta-mnist", "mnist", "mnist"),
            ("neff-beta-fashion-mnist", "fashion-mnist", "fashion"),
            ("neff-seeds-mnist", "mnist", "mnist"),
        )
    },
    "neff-seeds-fashion-mnist": ("fashion-mnist", [("mlp-fashion-deep-narrow", "relu", 15)]),
    "quick": ("digits", [("mlp", None, 30)]),
    **{
        f"resnet20-{what}": ("cifar10", [("resnet20", None, 200)])
        for what in ("oneshot", "schedules", "quantize", "prune-quantize")
    },
    **{
        f"resnet20-{what}-jpeg": ("cifar10-jpeg", [("resnet20", None, 12)])
        for what in ("oneshot", "schedules", "quantize", "prune-quantize")
    },
    "sparse-linear": ("sparse-linear", [("linear-regression", one, 200) for one in REGULARIZERS]),
    **{
        f"vgg{edition}": (
            data,
            [(f"vgg{edition[:2]}-slim", ("bn-l1", strength), epochs) for strength in (0.0, 1e-4, 1e-2)],
        )
        for edition, data, epochs in (
            ("11-slimming", "cifar10", 16),
            ("11-slimming-jpeg", "cifar10-jpeg", 8),
            ("19-slimming", "cifar10", 160),
        )
    },
}


def _difference(training: Train) -> object:
    fields = dict(training.model.fields)
    if training.regularizer:
        return training.regularizer.name, dict(training.regularizer.fields).get("strength")
    if "objective" in fields:
        return fields["objective"], fields["broadcast_labels"]
    name = training.model.name
    return fields["connections"] if "lenet" in name else fields["activation"] if name.startswith("mlp-") else None


@pytest.mark.parametrize("name", BOARDS)
def test_the_dense_trainings_are_those_of_the_protocol(name):
    dataset, trainings = DENSE[name]
    found = [(one.model.name, None if name == "mlp-weight-vs-unit" else _difference(one)) for one in dense(name)]
    assert {one.dataset.name for one in dense(name)} == {dataset}
    assert [(*one, training.recipe.epochs) for one, training in zip(found, dense(name), strict=True)] == trainings


def test_the_regularizers_that_keep_some_weights_keep_two():
    kept = {one.regularizer.name: dict(one.regularizer.fields).get("k") for one in dense("sparse-linear")}
    assert kept == {"none": None, "l0-projection": 2, "trimmed-l1-prox": 2, "l1-prox": None, "l1": None}


def recipe(name: str) -> tuple[object, ...]:
    """Of the first dense training: optimizer, rate, momentum, decay, schedule, batch."""
    one = dense(name)[0].recipe
    return one.optimizer, one.lr, one.momentum, one.weight_decay, (one.schedule, *one.milestones), one.batch_size


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("lenet5-connectivity", ("sgd", 0.1, 0, 0, ("constant",), 100)),
        ("logreg-loss", ("sgd", 0.01, 0, 0, ("constant",), 64)),
        ("mlp-weight-vs-unit", ("adam", 1e-3, 0, 0, ("constant",), 32)),
        ("neff-mnist neff-fashion-mnist neff-beta-mnist", ("adam", 3e-4, 0, 0, ("constant",), 128)),
        ("resnet20-oneshot resnet20-quantize", ("sgd", 0.1, 0.9, 1e-4, ("step", 100, 150), 128)),
        ("resnet20-oneshot-jpeg resnet20-quantize-jpeg", ("sgd", 0.1, 0.9, 1e-4, ("cosine",), 128)),
        ("vgg19-slimming", ("sgd", 0.1, 0.9, 1e-4, ("step", 80, 120), 64)),
        ("vgg11-slimming", ("sgd", 0.1, 0.9, 1e-4, ("step", 8, 12), 128)),
        ("vgg11-slimming-jpeg", ("sgd", 0.1, 0.9, 1e-4, ("step", 4, 6), 64)),
        ("sparse-linear", ("sgd", 0.02, 0, 0, ("constant",), 3)),
    ],
)
def test_recipes_of_dense_trainings(names, expected):
    assert {recipe(name) for name in names.split()} == {expected}


@pytest.mark.parametrize("name", [name for name in BOARDS if name.startswith("resnet20")])
def test_the_published_recipe_of_all_training_after_resnet20s_own(name):
    recipes = [step.recipe for cell in planned(name).cells for step in cell.chain.steps[1:] if step.epochs_trained]
    assert {
        (one.lr, one.momentum, one.weight_decay, one.batch_size, one.augmentation, one.schedule) for one in recipes
    } <= {(0.002, 0.875, 1e-4, 256, ("crop", "flip"), "constant")}


def test_the_penalty_of_slimming_stays_on_in_fine_tuning():
    strengths = {dict(cell.chain.training.regularizer.fields)["strength"] for cell in planned("vgg19-slimming").cells}
    assert strengths == {0.0, 1e-4, 1e-2}
    assert {cell.group for cell in planned("vgg19-slimming").cells} == {
        f"strength {strength}" for strength in strengths
    }


@pytest.mark.parametrize("name", [name for name in BOARDS if dense(name)[0].dataset.name == "cifar10"])
def test_another_data_set_shows_in_the_keys_and_in_the_title(name):
    own, other = planned(name), planned(name, "dense.dataset=cifar10-jpeg")
    assert {cell.chain.training.dataset.name for cell in other.cells} == {"cifar10-jpeg"}
    assert len(other.cells) == len(own.cells)
    assert not {cell.key for cell in own.cells} & {cell.key for cell in other.cells}
    assert other.board.title == f"{own.board.title} · dense.dataset=cifar10-jpeg"
    assert [cell.label for cell in other.cells] == [cell.label for cell in own.cells]
