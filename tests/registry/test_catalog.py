"""Entries: fields as users see them, and what becomes of a wrong value."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field as Constraint

from benchsuite.api import Pruner
from benchsuite.errors import ConfigError, PluginError
from benchsuite.registry import Entry, Field, LoadedPlugin

if TYPE_CHECKING:
    from torch import Tensor

PLUGIN = LoadedPlugin("mine", "my-dist", "1.0", "mine")


@dataclass(frozen=True)
class Level(Pruner):
    """Keep the largest.

    The rest goes.
    """

    weights: ClassVar["Tensor | None"] = None

    sparsity: float = 0.5
    """Share of weights
    that go."""

    def masks(self, layers, context):
        return {}

    def __post_init__(self) -> None:
        if not 0 <= self.sparsity < 1:
            raise ValueError(f"sparsity must be in [0, 1), not {self.sparsity}")


@dataclass(frozen=True)
class Rich(Level):
    rounds: "int | None" = None
    mode: Literal["row", "column"] = "row"
    powers: tuple[float, ...] = (1.0, 2.0)
    pairs: tuple[tuple[int, int], ...] = ()
    labels: list[str] = field(default_factory=list, metadata={"help": "Names shown."})
    positive: Annotated[int, Constraint(gt=0)] = 1
    fast: bool = False
    extra: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Needy(Pruner):
    beta: float
    gamma: int = field(kw_only=True)
    shape: int = field(init=False, default=3)

    def masks(self, layers, context):
        return {}


@dataclass(frozen=True)
class Crash(Pruner):
    beta: float = 1.0

    def masks(self, layers, context):
        return {}

    def __post_init__(self) -> None:
        if self.beta == 0:
            raise RuntimeError("no such thing")


level = Entry("pruner", "level", Level, PLUGIN)
rich = Entry("pruner", "rich", Rich, PLUGIN)
needy = Entry("pruner", "needy", Needy, PLUGIN)


def test_summary_is_the_first_line_of_the_docstring():
    assert level.summary == "Keep the largest."
    assert rich.summary == ""


def test_a_board_has_a_title_and_no_fields(tmp_path):
    file = tmp_path / "b.toml"
    file.write_text('[board]\ntitle = "Four ways"\n')
    board = Entry("leaderboard", "b", file, PLUGIN)
    assert (board.summary, board.fields(), board.create({}), len(board.source)) == ("Four ways", (), file, 64)
    with pytest.raises(ConfigError, match='leaderboard "b": unknown field "x"'):
        board.create({"x": 1})
    (tmp_path / "b.toml").write_text("[board")
    assert Entry("leaderboard", "b", file, PLUGIN).summary == ""


def test_fields_are_described():
    assert level.fields() == (Field("sparsity", "float", 0.5, False, "Share of weights that go."),)
    assert [(one.name, one.type, one.default, one.meaning) for one in rich.fields()] == [
        ("sparsity", "float", 0.5, "Share of weights that go."),
        ("rounds", "int | None", None, ""),
        ("mode", '"row" | "column"', "row", ""),
        ("powers", "tuple[float, ...]", [1.0, 2.0], ""),
        ("pairs", "tuple[tuple[int, int], ...]", [], ""),
        ("labels", "list[str]", [], "Names shown."),
        ("positive", "int", 1, ""),
        ("fast", "bool", False, ""),
        ("extra", "Mapping[str, int] | None", None, ""),
    ]
    assert [(one.name, one.required, one.default) for one in needy.fields()] == [
        ("beta", True, None),
        ("gamma", True, None),
    ]


def test_a_partial_changes_defaults():
    half = Entry("pruner", "half", partial(Level, sparsity=0.75), PLUGIN)
    assert half.fields()[0].default == 0.75
    assert half.create({}) == Level(0.75)
    assert half.create({"sparsity": 0.9}) == Level(0.9)
    assert Entry("pruner", "needy-1", partial(Needy, beta=1.0), PLUGIN).create({"gamma": 2}) == Needy(1.0, gamma=2)
    with pytest.raises(ConfigError, match="sparsity: should be a valid number"):
        Entry("pruner", "bad", partial(Level, sparsity="much"), PLUGIN).create({})


def test_valid_fields_make_the_plugin():
    made = rich.create(
        {"sparsity": 0, "powers": [1, 2.5], "pairs": [[1, 2]], "labels": ["a"], "mode": "column", "rounds": 3}
    )
    assert made == Rich(0.0, rounds=3, mode="column", powers=(1.0, 2.5), pairs=((1, 2),), labels=["a"])
    assert isinstance(made.sparsity, float)


@pytest.mark.parametrize(
    ("entry", "fields", "message"),
    [
        (level, {"sparsty": 0.5}, 'pruner "level": unknown field "sparsty"; did you mean "sparsity"?'),
        (level, {"sparsity": "0.5"}, "pruner \"level\": sparsity: should be a valid number (got '0.5')"),
        (level, {"sparsity": True}, 'pruner "level": sparsity: should be a valid number (got True)'),
        (level, {"sparsity": None}, 'pruner "level": sparsity: should be a valid number (got None)'),
        (level, {"sparsity": 1.5}, 'pruner "level": sparsity must be in [0, 1), not 1.5'),
        (level, {"sparsity": float("nan")}, 'pruner "level": sparsity must be in [0, 1), not nan'),
        (rich, {"rounds": 2.0}, 'pruner "rich": rounds: should be a valid integer (got 2.0)'),
        (rich, {"mode": "both"}, "pruner \"rich\": mode: should be 'row' or 'column' (got 'both')"),
        (rich, {"powers": 1.0}, 'pruner "rich": powers: should be a valid tuple (got 1.0)'),
        (rich, {"powers": {1.0}}, 'pruner "rich": powers: should be a valid tuple (got {1.0})'),
        (rich, {"powers": ["a"]}, "pruner \"rich\": powers: should be a valid number (got ['a'])"),
        (rich, {"positive": 0}, 'pruner "rich": positive: should be greater than 0 (got 0)'),
        (rich, {"weights": None}, 'pruner "rich": unknown field "weights"'),
        (needy, {"beta": 1.0}, 'pruner "needy": the field "gamma" is missing'),
        (needy, {}, 'pruner "needy": the field "beta" is missing'),
        (needy, {"beta": 1.0, "gamma": 1, "shape": 2}, 'pruner "needy": unknown field "shape"'),
    ],
)
def test_a_wrong_field_is_named(entry, fields, message):
    with pytest.raises(ConfigError) as caught:
        entry.create(fields)
    assert str(caught.value).startswith(message)


def test_what_else_a_plugin_raises_is_its_own_error():
    with pytest.raises(PluginError, match='pruner "crash": RuntimeError: no such thing'):
        Entry("pruner", "crash", Crash, PLUGIN).create({"beta": 0})


def test_a_type_that_no_board_can_write_is_named():
    @dataclass(frozen=True)
    class Odd(Level):
        odd: LookupError | None = None

    with pytest.raises(PluginError, match='pruner "odd": the field "odd" has a type that no board can write'):
        Entry("pruner", "odd", Odd, PLUGIN).create({"odd": None})


def test_values_are_canonical():
    assert rich.values(Rich(0, powers=(3,), pairs=((1, 2),), extra={"a": 1})) == {
        "sparsity": 0.0,
        "rounds": None,
        "mode": "row",
        "powers": [3.0],
        "pairs": [[1, 2]],
        "labels": [],
        "positive": 1,
        "fast": False,
        "extra": {"a": 1},
    }
    assert json.dumps(level.values(Level(0))) == '{"sparsity": 0.0}'
    assert list(needy.values(Needy(1.0, gamma=1))) == ["beta", "gamma"]


def test_values_that_no_key_can_hash_are_errors():
    entry = Entry("pruner", "crash", Crash, PLUGIN)
    with pytest.raises(PluginError, match='pruner "crash": inf is no plain value'):
        entry.values(Crash(float("inf")))
    with pytest.raises(ConfigError, match='pruner "crash": beta: should be a valid number'):
        entry.values(Crash("x"))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "sparsity": st.floats(0, 1, exclude_max=True),
            "rounds": st.none() | st.integers(),
            "powers": st.lists(st.floats(allow_nan=False, allow_infinity=False)),
            "pairs": st.lists(st.tuples(st.integers(), st.integers()).map(list)),
            "labels": st.lists(st.text()),
        },
    )
)
def test_values_make_the_same_plugin_again(fields):
    made = rich.create(fields)
    values = json.loads(json.dumps(rich.values(made)))
    assert rich.create(values) == made
    assert rich.values(rich.create(values)) == values
    assert all(values[name] == value for name, value in fields.items())


def test_a_schedule_may_replace_the_sparsity():
    assert level.values(replace(level.create({"sparsity": 0.9}), sparsity=0.1)) == {"sparsity": 0.1}


@pytest.mark.parametrize(
    ("name", "expected"),
    [("powers", True), ("pairs", True), ("labels", True), ("sparsity", False), ("extra", False), ("unknown", False)],
)
def test_which_fields_are_sequences(name, expected):
    assert rich.field_is_sequence(name) is expected


def test_a_sequence_may_be_optional():
    @dataclass(frozen=True)
    class Optional(Level):
        layers: tuple[int, ...] | None = None

    entry = Entry("pruner", "optional", Optional, PLUGIN)
    assert entry.field_is_sequence("layers")
    assert entry.create({"layers": [1, 2]}) == Optional(layers=(1, 2))


def test_many_are_made_quickly():
    for number in range(20_000):
        level.create({"sparsity": number / 20_000})
