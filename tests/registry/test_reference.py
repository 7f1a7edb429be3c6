"""References: `NAME[field=value,…]` as name and fields."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.errors import ConfigError
from benchsuite.registry import default_registry
from benchsuite.registry.reference import configured, find, parse_reference


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


TWINS = """
from dataclasses import dataclass

from benchsuite import Quantizer, Pruner, hookimpl


@dataclass(frozen=True)
class Cut(Pruner):
    sparsity: float = 0.5

    def masks(self, layers, context):
        return {}


@dataclass(frozen=True)
class Round(Quantizer):
    bits: int

    def quantize(self, weight):
        return weight


@hookimpl
def benchsuite_pruners():
    return {"twin": Cut, "cut": Cut}


@hookimpl
def benchsuite_quantizers():
    return {"twin": Round}
"""


def test_a_reference_becomes_a_configured_plugin(install_plugin):
    install_plugin("twins", TWINS)
    assert configured("cut[sparsity=0.25]", default_registry()).sparsity == 0.25
    assert configured("quantizer/twin[bits=3]", default_registry()).bits == 3
    assert find("pruner/twin", default_registry()).kind == "pruner"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("twin", '"twin" is a pruner and a quantizer; ask for pruner/twin or quantizer/twin'),
        ("cat", 'unknown name "cat"; did you mean "cut"?'),
        ("model/cut", 'unknown name "model/cut"'),
        ("cut[sparsty=1.0]", 'pruner "cut": unknown field "sparsty"; did you mean "sparsity"?'),
        ("quantizer/twin", 'quantizer "twin": the field "bits" is missing'),
    ],
)
def test_a_reference_to_what_is_not_there(install_plugin, text, says):
    install_plugin("twins", TWINS)
    with pytest.raises(ConfigError) as caught:
        configured(text, default_registry())
    assert says in str(caught.value)


def test_what_failed_to_load_is_named_with_an_unknown_name(install_plugin):
    install_plugin("broken", "raise RuntimeError('no such device')")
    with pytest.raises(ConfigError, match=r'unknown name "cut" .*no such device'):
        find("cut", default_registry())
