"""The `[dense]` table: what a board of several dense trainings calls them, and checkpoints to start from."""

import tomllib
from hashlib import sha256
from pathlib import Path

import pytest

from benchsuite.errors import ConfigError
from benchsuite.plan import Plan, parse_board, plan, read_board
from benchsuite.registry import default_registry

ROW = '[[rows]]\ncontrol = false\nsteps = [{prune = "percentile", sparsity = 0.8}]\n'


def groups(board: Plan) -> list[str]:
    return [cell.group for cell in board.cells if cell.role == "dense"]


@pytest.mark.parametrize(
    ("dense", "expected"),
    [
        ('dataset = "digits"\nmodel = "mlp"', [""]),
        ('dataset = ["digits", "mnist"]\nmodel = "mlp"', ["digits", "mnist"]),
        ('dataset = "digits"\nmodel = ["mlp", "convnet"]', ["mlp", "convnet"]),
        ('dataset = "digits"\nmodel = {name = "mlp", activation = ["relu", "tanh"]}', ["relu", "tanh"]),
        ('dataset = "digits"\nmodel = {name = "mlp", dropout = [0.0, 0.5]}', ["dropout 0.0", "dropout 0.5"]),
        (
            'dataset = "digits"\nmodel = ["convnet", {name = "mlp", activation = ["relu", "tanh"]}]',
            ["convnet", "mlp relu", "mlp tanh"],
        ),
        (
            'dataset = "digits"\nmodel = "mlp"\nregularizer = ["none", {name = "l1", strength = [0.5, 1]}]',
            ["none", "l1 strength 0.5", "l1 strength 1.0"],
        ),
        ('dataset = "digits"\nmodel = "mlp"\nregularizer = "none"', [""]),
        ('dataset = "digits"\nmodel = "mlp"\nrecipe = {lr = [0.5, 0.25]}', ["lr 0.5", "lr 0.25"]),
        ('dataset = "digits"\nmodel = ["mlp", "convnet"]\nrecipe = {lr = 0.5}', ["mlp", "convnet"]),
        (
            'dataset = ["digits", "mnist"]\nmodel = ["mlp", "convnet"]\nrecipe = {epochs = [1, 2]}',
            [
                f"{dataset} {model} epochs {epochs}"
                for dataset in ("digits", "mnist")
                for model in ("mlp", "convnet")
                for epochs in (1, 2)
            ],
        ),
    ],
)
def test_dense_trainings_are_told_by_what_they_differ_in(planned, dense, expected):
    board = planned(ROW, dense=dense, seeds=[0, 1])
    assert groups(board) == [group for group in expected for _ in (0, 1)]
    dense_cells = [cell for cell in board.cells if cell.role == "dense"]
    assert [cell.setting for cell in dense_cells] == [group or "mlp" for group in groups(board)]


def test_rows_and_controls_belong_to_the_group_they_start_from(planned):
    row = '[[rows]]\nsteps = [{prune = "percentile", sparsity = 0.8}]\n'
    board = planned(row, dense='dataset = "digits"\nmodel = ["mlp", "convnet"]')
    assert [(cell.group, cell.role) for cell in board.cells] == [
        (group, role) for group in ("mlp", "convnet") for role in ("dense", "row", "control")
    ]
    assert {(cell.group, cell.chain.training.model.name) for cell in board.cells} == {
        ("mlp", "mlp"),
        ("convnet", "convnet"),
    }
    assert board.cells[1].name == "mlp percentile sparsity 0.8, seed 0"


# Checkpoints


def from_checkpoint(folder: Path, file: str = "weights.pt", recipe: str = "") -> Plan:
    (folder / "b.toml").write_text(
        f'[board]\nname = "b"\ntitle = "B"\nseeds = [0]\n[dense]\ndataset = "digits"\nmodel = "mlp"\n'
        f'weights = "{file}"\n{recipe}\n{ROW}'
    )
    return plan(read_board(folder / "b.toml"), default_registry(), lambda _: "0" * 64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "weights.pt").write_bytes(b"some weights")
    return tmp_path / "one"


def test_a_checkpoint_is_taken_as_it_is_unless_the_recipe_says_otherwise(folder):
    board = from_checkpoint(folder)
    training = board.cells[0].chain.training
    assert training.weights == sha256(b"some weights").hexdigest()
    assert training.weights_file == folder / "weights.pt"
    assert training.recipe.epochs == 0
    assert training.epochs_trained == 0
    own = plan(parse_board(_without(folder), "b.toml"), default_registry(), lambda _: "0" * 64).cells[0].chain.training
    assert own.weights is None
    assert own.recipe.epochs > 0
    assert from_checkpoint(folder, recipe="recipe = {epochs = 3}").cells[0].chain.training.recipe.epochs == 3


def _without(folder: Path) -> dict[str, object]:
    content = tomllib.loads((folder / "b.toml").read_text())
    del content["dense"]["weights"]
    return content


def test_the_bytes_of_a_checkpoint_are_in_the_key_and_its_path_is_not(folder):
    keys = [cell.key for cell in from_checkpoint(folder).cells]
    other = folder.parent / "two"
    other.mkdir()
    (other / "elsewhere.bin").write_bytes(b"some weights")
    assert [cell.key for cell in from_checkpoint(other, "elsewhere.bin").cells] == keys
    assert [cell.key for cell in from_checkpoint(other, str(folder / "weights.pt")).cells] == keys
    (other / "elsewhere.bin").write_bytes(b"some weightz")
    assert not set(keys) & {cell.key for cell in from_checkpoint(other, "elsewhere.bin").cells}
    assert "elsewhere" not in from_checkpoint(other, "elsewhere.bin").cells[0].chain.step.text


def test_a_checkpoint_that_is_not_there_is_named(folder):
    with pytest.raises(
        ConfigError, match=r"leaderboard b\.toml, dense\.weights: .*nowhere\.pt cannot be read: No such"
    ):
        from_checkpoint(folder, "nowhere.pt")
