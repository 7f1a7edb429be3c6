"""Board files: every mistake gets the file, the key and the nearest valid name."""

import copy
from pathlib import Path

import pytest

from benchsuite.errors import ConfigError
from benchsuite.plan import parse_board, read_board

BOARD = {
    "board": {"name": "b", "title": "B", "seeds": [0, 1], "question": "Why?", "rank_by": "accuracy"},
    "dense": {"dataset": "digits", "model": "mlp", "recipe": {"epochs": 3}},
    "finetune": {"lr": 0.001},
    "rows": [{"label": "a", "steps": [{"prune": "percentile", "sparsity": 0.5}], "control": False}],
}
REMOVED = object()


def changed(path: tuple[str | int, ...], value: object) -> dict[str, object]:
    content = copy.deepcopy(BOARD)
    at = content
    for part in path[:-1]:
        at = at[part]
    if value is REMOVED:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return content


def refusal(content: dict[str, object]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_board(content, "b.toml")
    return str(caught.value)


def test_a_board_is_read_as_written():
    board = parse_board(BOARD, "b.toml")
    assert (board.board.name, board.board.title, board.board.seeds) == ("b", "B", [0, 1])
    assert (board.board.question, board.board.rank_by) == ("Why?", "accuracy")
    assert (board.dense.dataset, board.dense.model, board.dense.recipe) == ("digits", "mlp", {"epochs": 3})
    assert board.finetune == {"lr": 0.001}
    assert (board.rows[0].label, board.rows[0].control) == ("a", False)


def test_what_may_be_left_out():
    board = parse_board(
        {"board": {"name": "b", "title": "B", "seeds": [0]}, "dense": {"dataset": "digits", "model": "mlp"}}, "b.toml"
    )
    assert (board.board.question, board.board.rank_by, board.dense.regularizer) == ("", None, None)
    assert (board.dense.recipe, board.finetune, board.rows) == ({}, {}, [])
    assert parse_board(changed(("rows", 0), {"steps": [{"finetune": 1}]}), "b.toml").rows[0].control


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (("bord",), 'bord: unknown key; did you mean "board"?'),
        (("row",), 'row: unknown key; did you mean "rows"?'),
        (("board", "sedes"), 'board.sedes: unknown key; did you mean "seeds"?'),
        (("dense", "datset"), 'dense.datset: unknown key; did you mean "dataset"?'),
        (("rows", 0, "contol"), 'rows[0].contol: unknown key; did you mean "control"?'),
        (("rows", 0, "xyz"), "rows[0].xyz: unknown key; known: control, label, steps"),
    ],
)
def test_an_unknown_key(path, message):
    assert refusal(changed(path, 1)) == f"leaderboard b.toml, {message}"


def test_a_misspelt_key_is_reported_rather_than_that_the_right_one_is_missing():
    content = changed(("dense",), REMOVED) | {"denes": BOARD["dense"]}
    assert refusal(content) == 'leaderboard b.toml, denes: unknown key; did you mean "dense"?'


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("board",), "board"),
        (("dense",), "dense"),
        (("board", "name"), "board.name"),
        (("board", "title"), "board.title"),
        (("board", "seeds"), "board.seeds"),
        (("dense", "dataset"), "dense.dataset"),
        (("dense", "model"), "dense.model"),
        (("rows", 0, "steps"), "rows[0].steps"),
    ],
)
def test_a_missing_key(path, key):
    assert refusal(changed(path, REMOVED)) == f"leaderboard b.toml, {key}: is missing"


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("board",), 5, "board: should be a table, not 5"),
        (("board", "title"), 5, "board.title: should be a text, not 5"),
        (
            ("board", "name"),
            "Bad Name",
            "board.name: should be lower-case letters and digits, with dashes between, not 'Bad Name'",
        ),
        (("board", "seeds"), 0, "board.seeds: should be a list, not 0"),
        (("board", "seeds"), [], "board.seeds: should have a value at least, not []"),
        (("board", "seeds"), [0, 1.0], "board.seeds[1]: should be a whole number, not 1.0"),
        (("board", "seeds"), [True], "board.seeds[0]: should be a whole number, not True"),
        (("board", "seeds"), [-1], "board.seeds[0]: should be greater than or equal to 0, not -1"),
        (("board", "rank_by"), "acuracy", 'board.rank_by: unknown metric "acuracy"; did you mean "accuracy"?'),
        (("dense", "recipe"), 5, "dense.recipe: should be a table, not 5"),
        (("finetune",), [5], "finetune: should be a table, not [5]"),
        (("rows",), {}, "rows: should be a list, not {}"),
        (("rows", 0, "label"), 5, "rows[0].label: should be a text, not 5"),
        (("rows", 0, "control"), "yes", "rows[0].control: should be true or false, not 'yes'"),
        (("rows", 0, "control"), 1, "rows[0].control: should be true or false, not 1"),
        (("rows", 0, "steps"), [], "rows[0].steps: should have a value at least, not []"),
        (("rows", 0, "steps"), ["prune"], "rows[0].steps[0]: should be a table, not 'prune'"),
    ],
)
def test_a_wrong_value(path, value, message):
    assert refusal(changed(path, value)) == f"leaderboard b.toml, {message}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"[board\n", "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 7)"),
        (b"[board]\nname = 'b'\nname = 'c'\n", "not valid TOML: Cannot overwrite a value (at line 3, column 11)"),
        (b"[board]\nname = '\xff'\n", "is not UTF-8: invalid start byte at byte 16"),
    ],
)
def test_a_file_that_is_not_toml(tmp_path: Path, content, message):
    path = tmp_path / "b.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_board(path)
    assert str(caught.value).startswith("leaderboard ")
    assert f"b.toml: {message}" in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path):
    path = tmp_path / "absent.toml"
    with pytest.raises(ConfigError) as caught:
        read_board(path)
    assert str(caught.value) == f"leaderboard {path}: cannot be read: No such file or directory"
