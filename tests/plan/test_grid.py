"""A list anywhere is a grid: every combination, each once, in the order written."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.errors import ConfigError
from benchsuite.plan.grid import expand

NAMES = st.text("abcdefgh", min_size=1, max_size=3)
TABLES = st.dictionaries(NAMES, st.lists(st.integers(), min_size=1, max_size=3, unique=True), max_size=4)


def never(key, chosen):
    return False


def expanded(table, *sequences):
    return expand(table, lambda key, chosen: key in sequences)


@pytest.mark.parametrize(
    ("table", "points"),
    [
        ({}, [{}]),
        ({"a": 1}, [{"a": 1}]),
        ({"a": [1, 2]}, [{"a": 1}, {"a": 2}]),
        (
            {"a": [1, 2], "b": "x", "c": [True, False]},
            [
                {"a": 1, "b": "x", "c": True},
                {"a": 1, "b": "x", "c": False},
                {"a": 2, "b": "x", "c": True},
                {"a": 2, "b": "x", "c": False},
            ],
        ),
        ({"recipe": {"lr": [0.1, 0.2]}}, [{"recipe": {"lr": 0.1}}, {"recipe": {"lr": 0.2}}]),
        ({"a": [{"b": [1, 2]}, 3]}, [{"a": {"b": 1}}, {"a": {"b": 2}}, {"a": 3}]),
        ({"hidden": []}, [{"hidden": []}]),
        ({"hidden": [64, 32]}, [{"hidden": [64, 32]}]),
        ({"hidden": [[64], []]}, [{"hidden": [64]}, {"hidden": []}]),
    ],
)
def test_points(table, points):
    assert expanded(table, "hidden") == points


def test_whether_a_list_is_one_value_may_depend_on_what_is_chosen_before():
    points = expand({"name": ["mlp", "other"], "size": [1, 2]}, lambda key, chosen: chosen.get("name") == "mlp")
    assert points == [{"name": "mlp", "size": [1, 2]}, {"name": "other", "size": 1}, {"name": "other", "size": 2}]


@pytest.mark.parametrize("table", [{"a": []}, {"recipe": {"a": []}}, {"b": [{"a": []}]}])
def test_an_empty_list_would_plan_nothing(table):
    with pytest.raises(ConfigError, match=r"^a: an empty list; a list is a grid, with a value at least$"):
        expanded(table)


@given(TABLES)
def test_every_combination_once(table):
    points = expand(table, never)
    assert len(points) == prod(len(values) for values in table.values())
    assert len({tuple(point.items()) for point in points}) == len(points)
    assert all(list(point) == list(table) and all(point[key] in table[key] for key in table) for point in points)


@given(TABLES)
def test_the_first_key_varies_slowest(table):
    ranks = [[table[key].index(point[key]) for key in table] for point in expand(table, never)]
    assert ranks == sorted(ranks)


@given(TABLES)
def test_expanding_changes_nothing_that_is_resolved(table):
    assert all(expand(point, never) == [point] for point in expand(table, never))
