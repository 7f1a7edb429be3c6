"""Boards to cells: rows, grids, references, marks and seeds; and what a wrong row is answered."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from benchsuite.api import Recipe, Regularizer
from benchsuite.errors import ConfigError
from benchsuite.plan import Cell, Finetune, Plan, Prune, Quantize, is_shown, parse_board, plan, read_board, tunings
from benchsuite.plan.build import derived, frozen, override
from benchsuite.registry import default_registry

PERCENTILE = 'prune = "percentile", sparsity = 0.8'
LINEAR = f'{PERCENTILE}, schedule = "linear"'


def row(*steps: str, more: str = "control = false") -> str:
    return f"[[rows]]\n{more}\nsteps = [{', '.join(f'{{{step}}}' for step in steps)}]\n"


def rows_of(board: Plan) -> list[Cell]:
    return [cell for cell in board.cells if cell.role == "row"]


def keys(board: Plan) -> set[str]:
    return {cell.key for cell in board.cells}


# What a board asks for


def test_a_board_without_rows_is_its_dense_training(planned):
    (cell,) = planned().cells
    assert (cell.board, cell.role, cell.method, cell.setting, cell.line) == ("b", "dense", "dense", "mlp", 0)
    assert cell.chain.training.data == "0" * 64
    assert cell.name == "dense mlp, seed 0"


def test_steps_are_planned_as_written(planned):
    steps = ('prune = "percentile", sparsity = 0.5', "finetune = 2", 'quantize = "ste-symmetric", bits = 4')
    (cell,) = rows_of(planned(row(*steps)))
    _, pruning, tuning, quantization = cell.chain.steps
    assert isinstance(pruning, Prune)
    assert (pruning.pruner.name, dict(pruning.pruner.fields)["sparsity"]) == ("percentile", 0.5)
    assert (pruning.schedule, pruning.recipe, pruning.skip, pruning.matched_to) == ("one-shot", None, (), None)
    assert isinstance(tuning, Finetune)
    assert tuning.recipe.epochs == 2
    assert isinstance(quantization, Quantize)
    assert (quantization.quantizer.name, dict(quantization.quantizer.fields)["bits"]) == ("ste-symmetric", 4)


def test_a_step_may_skip_layers(planned):
    steps = (f'{PERCENTILE}, skip = ["first", "fc2"]', 'quantize = "ste-symmetric", bits = 4, skip = ["last"]')
    (cell,) = rows_of(planned(row(*steps)))
    assert [step.skip for step in cell.chain.steps[1:]] == [("first", "fc2"), ("last",)]


def test_without_a_label_a_row_is_called_by_its_plugins_and_tells_its_fields(planned):
    steps = (PERCENTILE, "finetune = 2", 'quantize = "ste-symmetric", bits = 4')
    (cell,) = rows_of(planned(row(*steps)))
    assert (cell.method, cell.setting) == ("percentile + ste-symmetric", "sparsity 0.8, 2 epochs, bits 4")


def test_with_a_label_a_row_tells_what_its_lines_differ_in(planned):
    more = 'control = false\nlabel = "mine"'
    (cell,) = rows_of(planned(row(PERCENTILE, "finetune = 2", more=more)))
    assert (cell.label, cell.name) == ("mine", "mine, seed 0")
    cells = rows_of(planned(row(PERCENTILE, "finetune = [1, 2]", more=more)))
    assert [cell.setting for cell in cells] == ["1 epochs", "2 epochs"]


@pytest.mark.parametrize(
    ("steps", "settings"),
    [
        ([f"{LINEAR}, epochs = 1, recipe = {{lr = [0.5, 0.25]}}"], ["lr 0.5", "lr 0.25"]),
        ([f"{LINEAR}, epochs = 1, recipe = [{{lr = 0.5}}, {{lr = 0.25}}]"], ["lr 0.5", "lr 0.25"]),
        ([f'{PERCENTILE}, schedule = ["linear", "cubic"], epochs = 1'], ["linear", "cubic"]),
        ([f"{LINEAR}, epochs = [1, 2]"], ["1 epochs", "2 epochs"]),
        ([f'{PERCENTILE}, skip = [["first", "last"], []]'], ["skip first+last", "skip none"]),
        (['prune = ["percentile", "unit"], sparsity = 0.5'], ["percentile", "unit"]),
        (['prune = "neff-row", center = [false, true]'], ["", "center"]),
        ([PERCENTILE, "finetune = 1, lr = [0.5, 0.25]"], ["lr 0.5", "lr 0.25"]),
        ([PERCENTILE, "finetune = 1, milestones = [[1], [1, 2]]"], ["milestones 1", "milestones 1+2"]),
    ],
)
def test_a_list_anywhere_is_a_grid_whose_lines_can_be_told_apart(planned, steps, settings):
    cells = rows_of(planned(row(*steps, more='control = false\nlabel = "mine"')))
    assert [cell.setting for cell in cells] == settings


def test_a_list_in_the_recipe_of_all_fine_tuning_is_a_grid(planned):
    cells = rows_of(planned(row("finetune = 1"), tuning="lr = [0.5, 0.25]"))
    assert [cell.setting for cell in cells] == ["1 epochs lr 0.5", "1 epochs lr 0.25"]
    assert [cell.chain.step.recipe.lr for cell in cells] == [0.5, 0.25]


def test_a_list_is_one_value_for_a_field_that_holds_one(planned):
    (cell,) = planned(dense='dataset = "digits"\nmodel = {name = "mlp", hidden = [64, 32]}').cells
    assert dict(cell.chain.training.model.fields)["hidden"] == (64, 32)
    cells = planned(dense='dataset = "digits"\nmodel = {hidden = [[64, 32], [16]], name = "mlp"}').cells
    assert [dict(cell.chain.training.model.fields)["hidden"] for cell in cells] == [(64, 32), (16,)]


def test_every_dense_network_gets_every_row(planned):
    dense = 'dataset = "digits"\nmodel = ["mlp", {name = "mlp", hidden = [16]}]\nrecipe = {lr = [0.5, 0.25]}'
    board = planned(row(PERCENTILE), dense=dense, seeds=[0, 1])
    assert [(cell.role, cell.line, cell.chain.seed) for cell in board.cells] == [
        (role, line, seed) for line, role in enumerate(["dense", "row"] * 4) for seed in (0, 1)
    ]
    roots = [cell.chain for cell in board.cells if cell.role == "dense"]
    assert [cell.chain.root for cell in rows_of(board)] == roots


def test_a_regularizer_is_a_part_of_the_dense_training(planned):
    @dataclass(frozen=True)
    class Mine(Regularizer):
        """Does nothing."""

        strength: float = 0.5

    registry = default_registry().add("regularizer", "mine", Mine)
    dense = 'dataset = "digits"\nmodel = "mlp"\nregularizer = {name = "mine", strength = [1, 2]}'
    board = planned(dense=dense, registry=registry)
    assert [cell.chain.training.regularizer.fields for cell in board.cells] == [
        (("strength", 1.0),),
        (("strength", 2.0),),
    ]
    assert len(keys(board) | keys(planned())) == 3


# Recipes


def test_recipes_are_the_models_own_with_what_the_board_changes(planned):
    mlp = default_registry().get("model", "mlp").create({})
    dense = 'dataset = "digits"\nmodel = "mlp"\nrecipe = {lr = 0.5, precision = "bf16"}'
    board = planned(row("finetune = 2", f"{LINEAR}, epochs = 3", "finetune = 1, lr = 0.125"), dense=dense)
    train, first, scheduled, second = (step.recipe for step in rows_of(board)[0].chain.steps)
    expected, tuning = mlp.training_recipe(), mlp.finetuning_recipe()
    assert (train.lr, train.epochs, train.batch_size) == (0.5, expected.epochs, expected.batch_size)
    assert tuning.lr == expected.lr / 10
    assert (first.lr, first.epochs) == (0.05, 2)
    assert (scheduled.lr, scheduled.epochs) == (0.05, 3)
    assert (second.lr, second.epochs) == (0.125, 1)
    assert {one.precision for one in (train, first, scheduled, second)} == {"bf16"}


@pytest.mark.parametrize(
    ("model", "changes", "tuned"),
    [
        ("mlp", {}, {"lr": 3e-4 / 10, "batch_size": 128}),
        ("mlp", {"lr": 1e-3}, {"lr": 1e-4, "batch_size": 128}),
        ("mlp", {"lr": 1e-3, "batch_size": 32, "momentum": 0.5}, {"lr": 1e-4, "batch_size": 32, "momentum": 0.5}),
        ("mlp", {"optimizer": "sgd", "lr": 0.5}, {"optimizer": "sgd", "lr": 0.05}),
        ("mlp", {"weight_decay": 1e-3, "augmentation": ["flip"]}, {"weight_decay": 1e-3, "augmentation": ("flip",)}),
        ("mlp", {"schedule": "cosine", "epochs": 3, "compile": True}, {"schedule": "constant", "compile": False}),
        ("vgg11-slim", {"lr": 0.02}, {"lr": 0.002, "milestones": (), "schedule": "constant"}),
        ("resnet20", {}, {"lr": 0.002, "momentum": 0.875, "batch_size": 256}),
        ("resnet20", {"lr": 0.05}, {"lr": 0.001, "momentum": 0.875, "batch_size": 256}),
        ("resnet20", {"momentum": 0.5, "weight_decay": 0.0}, {"lr": 0.002, "momentum": 0.875, "weight_decay": 0.0}),
    ],
)
def test_fine_tuning_is_derived_from_the_recipe_that_trained_the_network(model, changes, tuned):
    usual = default_registry().get("model", model).create({})
    trained = override(usual.training_recipe(), changes)
    found = derived(usual.finetuning_recipe(), usual.training_recipe(), trained)
    assert {name: getattr(found, name) for name in tuned} == tuned
    assert found.epochs == usual.finetuning_recipe().epochs


def test_a_rate_of_another_optimizer_than_that_of_the_training_is_the_models_choice():
    usual, tuning = Recipe(optimizer="adam", lr=1e-3), Recipe(optimizer="sgd", lr=0.5)
    found = derived(tuning, usual, Recipe(optimizer="adam", lr=2e-3, batch_size=7))
    assert (found.optimizer, found.lr, found.batch_size) == ("sgd", 0.5, 7)


def test_the_recipes_of_a_board_before_it_is_planned():
    content = {
        "board": {"name": "b", "title": "B", "seeds": [0]},
        "dense": {"dataset": "digits", "model": "mlp", "recipe": {"lr": [0.5, 0.25]}},
        "finetune": {"momentum": 0.125},
    }
    found = list(tunings(parse_board(content, "b.toml"), default_registry()))
    assert [(label, dense.lr, tuning.lr) for label, dense, tuning in found] == [
        ("lr 0.5", 0.5, 0.05),
        ("lr 0.25", 0.25, 0.025),
    ]
    assert [tuning.momentum for _, _, tuning in found] == [0.125, 0.125]


def test_what_the_board_says_of_all_fine_tuning_a_step_may_change(planned):
    steps = ("finetune = 1", "finetune = 1, lr = 0.25", f"{LINEAR}, epochs = 1, recipe = {{momentum = 0.5}}")
    (cell,) = rows_of(planned(row(*steps), tuning="lr = 0.5"))
    assert [step.recipe.lr for step in cell.chain.steps[1:]] == [0.5, 0.25, 0.5]
    assert cell.chain.step.recipe.momentum == 0.5


def test_a_whole_number_and_the_float_equal_to_it_are_one_value(planned):
    assert keys(planned(row("finetune = 1, lr = 1"))) == keys(planned(row("finetune = 1, lr = 1.0")))
    assert keys(planned(row('prune = "neff-row", beta = 1'))) == keys(planned(row('prune = "neff-row", beta = 1.0')))


def test_a_default_that_is_written_down_changes_no_key(planned):
    assert keys(planned(row('prune = "neff-row"'))) == keys(planned(row('prune = "neff-row", center = false')))


# References, marks, seeds


def test_a_level_may_be_taken_from_the_outcome_of_a_row_above(planned):
    above = row(PERCENTILE, "finetune = 1", more='control = false\nlabel = "above"')
    matched = row('prune = "unit", sparsity = {matched_to = "above"}')
    first, second = rows_of(planned(above + matched))
    assert second.chain.step.matched_to == first.chain
    assert (second.method, second.setting) == ("unit", "as above")


def test_a_reference_expands_over_its_grid_and_keeps_seed_and_dense_network(planned):
    above = row('prune = "percentile", sparsity = [0.5, 0.8]', more='control = false\nlabel = "above"')
    matched = row('prune = "unit", sparsity = {matched_to = "above"}')
    dense = 'dataset = "digits"\nmodel = "mlp"\nrecipe = {lr = [0.5, 0.25]}'
    board = planned(above + matched, dense=dense, seeds=[0, 1])
    references = [cell.chain for cell in rows_of(board) if cell.method == "above"]
    matched_to = [cell.chain.step.matched_to for cell in rows_of(board) if cell.method == "unit"]
    assert matched_to == references
    assert len(set(references)) == 2 * 2 * 2
    for cell in rows_of(board):
        for reference in cell.chain.references():
            assert reference.root == cell.chain.root


def test_masks_and_removed_channels_cannot_be_matched(planned):
    masks = row('prune = "percentile", sparsity = 0.5', more='label = "above"')
    with pytest.raises(ConfigError, match=r'rows\[1\]: it removes channels, and "above", .* does not'):
        planned(masks + row('prune = "random-channels", sparsity = {matched_to = "above"}'))
    channels = row('prune = "slimming", sparsity = 0.5', more='label = "above"')
    with pytest.raises(ConfigError, match=r'rows\[1\]: it masks weights, and "above", .* does not'):
        planned(channels + row('prune = "percentile", sparsity = {matched_to = "above"}'))


def test_a_reference_and_a_number_make_a_grid(planned):
    above = row(PERCENTILE, more='control = false\nlabel = "above"')
    cells = rows_of(planned(above + row('prune = "unit", sparsity = [0.5, {matched_to = "above"}]')))
    assert [cell.setting for cell in cells[1:]] == ["sparsity 0.5", "as above"]


def test_a_mark_measures_in_the_middle_of_a_row(planned):
    steps = ('quantize = "ste-symmetric", bits = [4, 3]', 'evaluate = "before QAT"', "finetune = [1, 2]")
    cells = rows_of(planned(row(*steps)))
    assert [cell.setting for cell in cells] == [
        "bits 4 before QAT",
        "bits 4, 1 epochs",
        "bits 4, 2 epochs",
        "bits 3 before QAT",
        "bits 3, 1 epochs",
        "bits 3, 2 epochs",
    ]
    assert cells[0].chain == cells[1].chain.parent == cells[2].chain.parent
    assert [cell.line for cell in cells] == [1, 2, 3, 4, 5, 6]


def test_a_line_has_every_seed(planned):
    board = planned(row(PERCENTILE), seeds=[3, 1])
    assert board.seeds == (3, 1)
    assert [(cell.line, cell.chain.seed) for cell in board.cells] == [(0, 3), (0, 1), (1, 3), (1, 1)]


def test_a_costly_model_may_have_seeds_of_its_own(planned):
    text = row(PERCENTILE) + "[dense.seeds]\nmlp = [2]\n"
    assert [(cell.line, cell.chain.seed, cell.seeds) for cell in planned(text, seeds=[0, 1]).cells] == [
        (0, 2, (2,)),
        (1, 2, (2,)),
    ]
    assert {cell.chain.seed for cell in planned(text, seeds=[0, 1], option=[0, 1]).cells} == {0, 1}


@pytest.mark.parametrize(
    ("seeds", "told"),
    [
        ("mpl = [0]", 'dense.seeds.mpl: no model of the board; did you mean "mlp"?'),
        ("mlp = [0, 0]", "dense.seeds.mlp: names a seed twice, 0"),
        ("mlp = []", "dense.seeds.mlp: should have a value at least, not []"),
    ],
)
def test_seeds_of_a_model_are_checked(planned, seeds, told):
    with pytest.raises(ConfigError) as refused:
        planned(f"[dense.seeds]\n{seeds}\n")
    assert str(refused.value).endswith(told)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("", [True] * 6),
        ("beta = 1.0", [True, False, True, False, True, True]),
        ("beta = [0.5, 1.0]", [True] * 6),
        ("beta = 0.5\nsparsity = 0.5", [True, True, False, True, False, False]),
    ],
)
def test_a_board_may_choose_what_a_short_table_shows(planned, shown, expected):
    rows = 'steps = [{prune = "neff-row", beta = [0.5, 1.0]}]'
    matched = 'steps = [{prune = "global-percentile", sparsity = {matched_to = "neff-row"}}]'
    text = f"[[rows]]\ncontrol = false\n{rows}\n[[rows]]\ncontrol = false\n{matched}\n{row(PERCENTILE)}"
    board = planned(text + f"[board.shown]\n{shown}\n")
    assert [is_shown(board.board, cell) for cell in board.cells] == expected


def test_other_seeds_may_be_asked_for(planned):
    board = planned(row(PERCENTILE), seeds=[0], option=[4, 5])
    assert board.seeds == (4, 5)
    assert keys(board) == keys(planned(row(PERCENTILE), seeds=[4, 5]))
    with pytest.raises(ConfigError, match=r"^seeds: names a seed twice, 4$"):
        planned(option=[4, 4])


# Keys


def test_planning_is_pure(planned):
    rows = row(PERCENTILE, "finetune = [1, 2]", more="") + row('quantize = "ste-symmetric", bits = [4, 3]')
    assert [cell.key for cell in planned(rows).cells] == [cell.key for cell in planned(rows).cells]


def test_names_and_order_change_no_key(planned):
    one, other = row(PERCENTILE, more='label = "one"'), row('quantize = "ste-symmetric", bits = 4')
    assert keys(planned(one + other)) == keys(planned(other + one, title="Another"))
    assert keys(planned(one)) == keys(planned(row(PERCENTILE, more='label = "renamed"')))


@pytest.mark.parametrize(
    "change",
    [
        {"fingerprint": "1" * 64},
        {"seeds": [1]},
        {"dense": 'dataset = "digits"\nmodel = "mlp"\nrecipe = {lr = 0.123}'},
        {"dense": 'dataset = "digits"\nmodel = {name = "mlp", hidden = [16]}'},
    ],
    ids=["data", "seed", "recipe", "model"],
)
def test_what_the_dense_training_depends_on_changes_every_key(planned, change):
    assert not keys(planned(row(PERCENTILE, "finetune = 1"))) & keys(planned(row(PERCENTILE, "finetune = 1"), **change))


def test_the_source_of_a_plugin_changes_its_own_cells_and_no_others(planned, install_plugin):
    source = """
from dataclasses import dataclass
from benchsuite import Pruner, hookimpl

@dataclass(frozen=True)
class Mine(Pruner):
    sparsity: float = 0.5

    def masks(self, layers, context):
        return {}

@hookimpl
def benchsuite_pruners():
    return {"mine": Mine}
"""
    rows = row('prune = "mine", sparsity = 0.5') + row(PERCENTILE)

    def of_each() -> list[str]:
        default_registry.cache_clear()
        return [cell.key for cell in planned(rows).cells]

    folder = install_plugin("mine", source)
    dense, mine, percentile = of_each()
    (folder / "mine.py").write_text(source + "changed = True\n", encoding="utf-8")
    assert of_each()[0] == dense
    assert of_each()[1] != mine
    assert of_each()[2] == percentile


# Wrong boards


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (['prune = "percentil"'], 'unknown pruner "percentil"; did you mean "percentile"?'),
        (['quantize = "ste-symetric"'], 'unknown quantizer "ste-symetric"; did you mean "ste-symmetric"?'),
        (['prune = ["percentile", "percentil"]'], 'unknown pruner "percentil"; did you mean "percentile"?'),
        (['prune = "percentile", sparsty = 0.5'], 'unknown key "sparsty"; did you mean "sparsity"?'),
        ([f'{PERCENTILE}, shedule = "linear"'], 'unknown key "shedule"; did you mean "schedule"?'),
        (['quantize = "ste-symmetric", bit = 4'], 'unknown key "bit"; did you mean "bits"?'),
        (["finetune = 1, lrr = 0.1"], 'unknown key "lrr"; did you mean "lr"?'),
        (['evaluate = "x", lr = 0.1', "finetune = 1"], 'unknown key "lr"; known: evaluate'),
        (
            ['prun = "percentile"'],
            'a step has one of the keys prune, quantize, finetune, evaluate; this one has none; did you mean "prune"?',
        ),
        (["xyz = 1"], "a step has one of the keys prune, quantize, finetune, evaluate; this one has none"),
        ([""], "a step has one of the keys prune, quantize, finetune, evaluate; this one has none"),
        (
            [f"{PERCENTILE}, finetune = 1"],
            "a step has one of the keys prune, quantize, finetune, evaluate; this one has prune and finetune",
        ),
        (["prune = 5"], "prune: a name, not 5"),
        (['evaluate = ""', "finetune = 1"], "evaluate: a name, not ''"),
        (['finetune = "x"'], "finetune: a number of epochs, not 'x'"),
        (["finetune = true"], "finetune: a number of epochs, not True"),
        (["finetune = -1"], "finetune: a number of epochs, not -1"),
        (["finetune = 1.5"], "finetune: a number of epochs, not 1.5"),
        (['finetune = 1, lr = "x"'], "lr: should be a valid number, not 'x'"),
        (["finetune = 1, lr = 2020-01-01"], "lr: should be a valid number, not '2020-01-01'"),
        (["finetune = 1, lr = -1"], "lr must be > 0, momentum and weight_decay >= 0"),
        (["finetune = 1, epochs = 2"], 'unknown key "epochs"; known: '),
        (['finetune = 1, optimizer = "sdg"'], "optimizer: should be 'sgd' or 'adam', not 'sdg'"),
        (['prune = "percentile", sparsity = "x"'], 'pruner "percentile": sparsity: should be a valid number'),
        (['prune = "percentile", sparsity = 2020-01-01'], 'pruner "percentile": sparsity: should be a valid number'),
        (['prune = "percentile", sparsity = []'], "sparsity: an empty list; a list is a grid, with a value at least"),
        ([f'{PERCENTILE}, skip = "first"'], 'skip: a list of layers, such as ["first", "last"], not \'first\''),
        ([f"{PERCENTILE}, skip = [1]"], 'skip: a list of layers, such as ["first", "last"], not [1]'),
    ],
)
def test_a_wrong_step(refusal, steps, message):
    assert refusal(row(*steps)).startswith(f"rows[0].steps[0]: {message}")


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (f'{PERCENTILE}, schedule = "liner", epochs = 1', 'unknown schedule "liner"; did you mean "linear"?'),
        (LINEAR, 'schedule = "linear" needs epochs'),
        (f"{LINEAR}, epochs = 0", 'schedule = "linear" needs at least one epoch'),
        (f'{LINEAR}, epochs = "x"', "epochs: a number of epochs, not 'x'"),
        (f"{PERCENTILE}, epochs = 1", 'epochs and recipe belong to a schedule; give schedule = "linear" or "cubic"'),
        (
            f"{PERCENTILE}, recipe = {{lr = 0.1}}",
            'epochs and recipe belong to a schedule; give schedule = "linear" or "cubic"',
        ),
        (f"{LINEAR}, epochs = 1, recipe = {{lrr = 1}}", 'recipe: unknown key "lrr"; did you mean "lr"?'),
        (f"{LINEAR}, epochs = 1, recipe = {{epochs = 2}}", 'recipe: unknown key "epochs"; known: augmentation'),
        (f'{LINEAR}, epochs = 1, recipe = {{lr = "x"}}', "recipe: lr: should be a valid number, not 'x'"),
        (f"{LINEAR}, epochs = 1, recipe = 5", "recipe: a table such as {lr = 0.01}, not 5"),
        (
            'prune = "neff-row", schedule = "linear", epochs = 1',
            'schedule = "linear" needs a pruner with a field sparsity, and "neff-row" has none',
        ),
        (
            'prune = "unit", sparsity = {matched_to = "a"}, schedule = "linear", epochs = 1',
            "a schedule needs a sparsity of its own, not a matched one",
        ),
    ],
)
def test_a_wrong_schedule(refusal, step, message):
    assert refusal(row(step)).startswith(f"rows[0].steps[0]: {message}")


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ('{matched_to = "abov"}', 'rows[1]: matched_to = "abov" names no row above; did you mean "above"?'),
        ('{matched_to = "mine"}', 'rows[1]: matched_to = "mine" names no row above; known: above'),
        ("{matched_to = 5}", 'rows[1].steps[0]: sparsity: a number, or {matched_to = "the label of a row above"}'),
        ('{match = "above"}', 'rows[1].steps[0]: sparsity: a number, or {matched_to = "the label of a row above"}'),
    ],
)
def test_a_wrong_reference(refusal, reference, message):
    above = row(PERCENTILE, more='label = "above"')
    assert refusal(above + row(f'prune = "unit", sparsity = {reference}', more='label = "mine"')) == message


def test_a_row_is_not_above_itself(planned):
    above = row(PERCENTILE, more='label = "same"')
    matched = row('prune = "unit", sparsity = [0.5, {matched_to = "same"}]', more='label = "same"\ncontrol = false')
    cells = [cell for cell in rows_of(planned(above + matched)) if cell.chain.step.pruner.name == "unit"]
    assert len(cells) == 2


def test_a_level_is_matched_only_by_a_pruner_with_a_sparsity(refusal):
    message = refusal(row(PERCENTILE, more='label = "a"') + row('prune = "neff-row", sparsity = {matched_to = "a"}'))
    assert message.startswith('rows[1].steps[0]: unknown key "sparsity"')


@pytest.mark.parametrize(
    ("dense", "message"),
    [
        ('dataset = "digts"\nmodel = "mlp"', 'dense.dataset: unknown dataset "digts"; did you mean "digits"?'),
        ('dataset = "digits"\nmodel = "mpl"', 'dense.model: unknown model "mpl"; did you mean "mlp"?'),
        ('dataset = 5\nmodel = "mlp"', "dense.dataset: a name, or a table with a name such as"),
        ('dataset = "digits"\nmodel = []', "dense.model: an empty list; a list is a grid, with a value at least"),
        ('dataset = "digits"\nmodel = {hidden = [16]}', "dense.model: a name, or a table with a name such as"),
        (
            'dataset = "digits"\nmodel = {name = "mlp", hiden = [16]}',
            'dense.model: model "mlp": unknown field "hiden"; did you mean "hidden"?',
        ),
        ('dataset = "digits"\nmodel = "mlp"\nregularizer = "l3"', 'dense.regularizer: unknown regularizer "l3"'),
        (
            'dataset = "digits"\nmodel = "mlp"\nrecipe = {lrr = 1}',
            'dense.recipe: unknown key "lrr"; did you mean "lr"?',
        ),
        (
            'dataset = "digits"\nmodel = "mlp"\nrecipe = {epochs = "x"}',
            "dense.recipe: epochs: should be a valid integer, not 'x'",
        ),
        (
            'dataset = "digits"\nmodel = "mlp"\nrecipe = {lr = []}',
            "dense.recipe: lr: an empty list; a list is a grid, with a value at least",
        ),
    ],
)
def test_a_wrong_dense_section(refusal, dense, message):
    assert refusal(dense=dense).startswith(message)


@pytest.mark.parametrize(
    ("tuning", "message"),
    [
        ("lrr = 0.1", 'finetune: unknown key "lrr"; did you mean "lr"?'),
        ("epochs = 1", 'finetune: unknown key "epochs"; known: augmentation'),
        ('lr = "x"', "finetune: lr: should be a valid number, not 'x'"),
    ],
)
def test_a_wrong_finetune_section_shows_even_where_no_row_uses_it(refusal, tuning, message):
    assert refusal(tuning=tuning).startswith(message)


def test_the_place_of_a_step_is_counted_from_zero(refusal):
    rows = row(PERCENTILE) + row("finetune = 1", 'prune = "percentil"')
    assert refusal(rows).startswith("rows[1].steps[1]: unknown pruner")


def test_a_seed_twice(refusal):
    assert refusal(seeds=[0, 1, 0]) == "board.seeds: names a seed twice, 0"


def test_a_mark_twice(refusal):
    steps = ("finetune = 1", 'evaluate = "x"', "finetune = 1", 'evaluate = "x"', "finetune = 1")
    assert refusal(row(*steps)) == 'rows[0].steps[3]: evaluate: a second mark "x" in the row'


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            row(PERCENTILE) + row(PERCENTILE, more='label = "again"'),
            '"again" plans the same chain as "percentile sparsity 0.8"',
        ),
        (
            row('prune = "percentile", sparsity = [0.8, 0.8]'),
            '"percentile sparsity 0.8" plans the same chain as "percentile sparsity 0.8"',
        ),
        (row('evaluate = "x"', "finetune = 1"), '"trained on x" plans the same chain as "dense mlp"'),
        (
            row(PERCENTILE, 'evaluate = "end"'),
            '"percentile sparsity 0.8" plans the same chain as "percentile sparsity 0.8 end"',
        ),
    ],
)
def test_the_same_chain_twice(refusal, rows, message):
    assert refusal(rows) == message


@pytest.mark.parametrize(
    ("rows", "name"),
    [
        (row(PERCENTILE) + row('prune = "percentile", sparsity = 0.8, skip = ["last"]'), "percentile sparsity 0.8"),
        (row("finetune = 1", more='label = "a"') + row("finetune = 2", more='label = "a"'), "a"),
    ],
)
def test_a_name_twice(refusal, rows, name):
    assert refusal(rows) == f'two rows would be called "{name}": give one of them a label'


def test_an_error_names_file_place_and_remedy(tmp_path: Path):
    path = tmp_path / "resnet20.toml"
    head = '[board]\nname = "b"\ntitle = "B"\nseeds = [0]\n[dense]\ndataset = "digits"\nmodel = "mlp"\n'
    path.write_text(head + row(PERCENTILE) + row("finetune = 1") + row('prune = "percentil"'), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        plan(read_board(path), default_registry(), lambda dataset: "0" * 64)
    expected = 'leaderboard resnet20.toml, rows[2].steps[0]: unknown pruner "percentil"; did you mean "percentile"?'
    assert str(caught.value) == expected


def test_fields_that_no_key_can_hold_are_refused():
    assert frozen([1, [2.5, "x", None, True]]) == (1, (2.5, "x", None, True))
    with pytest.raises(ConfigError, match="a plugin's field holds"):
        frozen({"a": 1})


def test_ten_thousand_cells(planned):
    levels = [number / 2001 for number in range(1, 1001)]
    board = planned(row(f'prune = "percentile", sparsity = {levels}', "finetune = 1", more=""), seeds=range(5))
    assert len(board.cells) == len(keys(board)) == 5 + 2 * 5 * 1000
