"""References: `NAME[field=value,…]` as name and fields."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.errors import ConfigError
from benchsuite.registry.reference import parse_reference


@pytest.mark.parametrize(
    ("text", "name", "fields"),
    [
        ("percentile", "percentile", {}),
        ("pruner/random", "pruner/random", {}),
        ("percentile[sparsity=0.8]", "percentile", {"sparsity": 0.8}),
        ("neff-row[beta=1, center=true]", "neff-row", {"beta": 1, "center": True}),
        ('my-pruner[sparsity=0.5,skip=["first"]]', "my-pruner", {"sparsity": 0.5, "skip": ["first"]}),
        ("mine[widths=[[1, 2], [3]]]", "mine", {"widths": [[1, 2], [3]]}),
        ("mine[score=taylor]", "mine", {"score": "taylor"}),
        ("mine[score='tay,lor]']", "mine", {"score": "tay,lor]"}),
        ("mine[rate=1e-3]", "mine", {"rate": 0.001}),
        ("mine[path=data/a-b.npz]", "mine", {"path": "data/a-b.npz"}),
        ("mine[day=2026-01-02]", "mine", {"day": "2026-01-02"}),
        ("  mine[ k = 3 ]  ", "mine", {"k": 3}),
    ],
)
def test_name_and_fields(text, name, fields):
    assert parse_reference(text) == (name, fields)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is no reference to a plugin"),
        ("mine[", "is no reference to a plugin"),
        ("mine]", "is no reference to a plugin"),
        ("sparsity=0.5", "is no reference to a plugin"),
        ("mine[k=1]x", "is no reference to a plugin"),
        ("mine[]", "field=value; write NAME or NAME[field=value,…], such as percentile[sparsity=0.8]"),
        ("mine[0.5]", '"0.5" is no field=value'),
        ("mine[k=]", '"k=" is no field=value'),
        ("mine[k=1,]", '"" is no field=value'),
        ("mine[k=1,k=2]", 'the field "k" is given twice'),
        ("mine[k=[1,2]", "a bracket or a quotation mark has no partner"),
        ("mine[k=1],[l=2]", "a bracket or a quotation mark has no partner"),
        ("mine[k='a]", "a bracket or a quotation mark has no partner"),
        ("mine[k=[a]]", "[a] is neither a TOML value nor a bare word"),
    ],
)
def test_other_forms_are_refused(text, says):
    with pytest.raises(ConfigError) as caught:
        parse_reference(text)
    assert says in str(caught.value)
    assert repr(text) in str(caught.value)


plain = st.one_of(st.booleans(), st.integers(-1000, 1000), st.floats(-1e6, 1e6), st.text("abc ,[]='", max_size=8))


@given(st.dictionaries(st.from_regex("[a-z_][a-z0-9_]*", fullmatch=True), plain | st.lists(plain, max_size=3)))
def test_what_is_written_as_toml_comes_back(fields):
    # of these values JSON and TOML have the same form
    inside = ",".join(f"{name}={json.dumps(value)}" for name, value in fields.items())
    assert parse_reference(f"mine[{inside}]" if fields else "mine") == ("mine", fields)
