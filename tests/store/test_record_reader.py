"""Records: one canonical line each, read back into typed parts, or refused with the field."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_record import answers, finetune, make_record, prune, quantize

from benchsuite.store.record import MACHINE, Cost, Failure, Histogram, Metrics, PluginOrigin
from benchsuite.store.record_reader import read_record

BASELINES = Path(__file__).parents[2] / "baselines"
RECORD = make_record(
    prune(sparsity=0.5, skip=("first",)),
    finetune(2),
    quantize(4),
    right=answers(range(7)),
    audit={"groups": 3, "margin": 0.25},
    bn_scales=Histogram((0.0, 0.5, 1.0), (3, 4)),
    solution=(0.5, 0.0),
    support=(0,),
    cost=Cost(epochs=12, seconds=1.5, train_seconds=1.25, latency_ms=0.1, latency_batch=1),
)


def test_a_line_gives_its_record_back():
    again = read_record(RECORD.text)
    assert again.text == RECORD.text
    assert (again.place, again.layers, again.cost, again.metrics) == (
        RECORD.place,
        RECORD.layers,
        RECORD.cost,
        RECORD.metrics,
    )
    assert again.metrics.answers().tolist() == answers(range(7)).tolist()


@pytest.mark.parametrize("status", ["failed", "timeout", "skipped"])
def test_a_record_without_a_result(status):
    record = make_record(status=status, reason="it broke\nin two lines")
    again = read_record(record.text)
    assert again.error is not None
    assert again.error.reason == "it broke\nin two lines"
    assert not again.metrics


@pytest.mark.parametrize("path", sorted(BASELINES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_committed_lines_come_back_byte_for_byte(path):
    for line in path.read_text(encoding="utf-8").splitlines()[::7]:
        assert read_record(line).text == line


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.1 + 0.2, "0.30000000000000004"), (1.0, "1.0"), (1, "1"), (-0.0, "-0.0"), (1e22, "1e+22"), (5e-324, "5e-324")],
)
def test_numbers_have_the_shortest_digits_that_give_them_back(value, text):
    assert f'"x":{text}' in make_record(numbers={"x": value}).text


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_null(value):
    record = make_record(numbers={"loss": value})
    assert '"loss":null' in record.text
    assert record.metrics.number("loss") is None
    assert read_record(record.text).metrics.number("loss") is None


def test_a_lone_surrogate_in_a_text_is_escaped():
    assert r"na\udc80me" in make_record(method="na\udc80me").text


@pytest.mark.parametrize(
    ("status", "error", "final"),
    [
        ("ok", None, True),
        ("failed", Failure("ValueError: no"), True),
        ("failed", Failure("its process was killed by SIGSEGV"), True),
        ("failed", Failure("ended its process with exit code 3"), True),
        ("failed", Failure("MemoryError: ", cause=MACHINE), False),
        ("failed", Failure("its process was killed by SIGKILL"), False),
        ("failed", Failure("took more than the 2 GiB of memory that it may"), False),
        ("timeout", Failure("took longer than the 4 seconds that it may"), False),
        ("timeout", None, False),
        ("skipped", Failure("builds on 12ab, which failed: ValueError: no"), True),
        ("skipped", Failure("builds on 12ab, which was timeout: …", cause=MACHINE), False),
        ("skipped", Failure("builds on 12ab, which was timeout: took longer than the 9 seconds that it may"), False),
        ("skipped", Failure("builds on 12ab, which failed: its process was killed by SIGKILL"), False),
    ],
)
def test_a_failure_by_the_machine_is_not_final(status, error, final):
    """Records without a cause are of versions that did not write one."""
    assert replace(RECORD, status=status, error=error).is_final is final


@pytest.mark.parametrize("loss", [math.nan, math.inf, None])
def test_a_result_without_a_finite_loss_is_none_as_a_result_and_stays_in_its_line(loss):
    text = make_record(numbers={"loss": loss}).text
    assert read_record(text).as_result.status == "failed"
    assert read_record(text).text == text


@pytest.mark.parametrize("numbers", [{"loss": 0.0}, {"loss": 1e300}, {"accuracy": 3.0}])
def test_other_results_are_as_they_are(numbers):
    record = replace(RECORD, metrics=Metrics(numbers))
    assert record.as_result == record


def test_a_record_is_put_at_a_place_of_a_board():
    assert replace(RECORD, place=None).at(RECORD.place) == RECORD
    assert set(replace(RECORD, place=None).cell) == {"seed", "steps"}


def test_only_copies_of_committed_results_say_that_they_are_committed():
    assert '"committed"' not in RECORD.text
    assert '"committed":true' in RECORD.at(replace(RECORD.place, committed=True)).text


def test_metrics_are_a_mapping_for_notebooks():
    assert RECORD.metrics["accuracy"] == pytest.approx(100 * 393 / 400)
    assert RECORD.metrics.get("no-such") is None
    assert "solution" in RECORD.metrics
    assert dict(Metrics()) == {}
    assert RECORD.metrics["support"] == [0]
    assert RECORD.cell["method"] == "percentile"


def test_other_parts_can_be_read_by_name_too():
    assert RECORD.cost["epochs"] == 12
    assert RECORD.layers[0]["zeros"] == 500
    assert RECORD.provenance["data"]["name"] == "dots"
    assert set(RECORD.cost) == {"epochs", "seconds", "train_seconds", "latency_ms", "latency_batch"}
    with pytest.raises(KeyError):
        RECORD.provenance["threads"]


def changed(*place: str | int, value: object) -> str:
    values = json.loads(RECORD.text)
    part = values
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = value
    return json.dumps(values)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        (("schema",), 2, "schema 2, this version reads 1; update benchsuite"),
        (("schema",), "1", "schema '1', this version reads 1"),
        (("statu",), "ok", 'unknown key "statu"; did you mean "status"'),
        (("status",), "fine", "status: should be 'ok'"),
        (("key",), "0" * 40, "its steps and seed have the key"),
        (("cell", "seed"), "0", "cell.seed: should be a whole number"),
        (("cell", "seed"), True, "cell.seed: should be a whole number"),
        (("cell", "steps"), {}, "cell.steps: should be a list"),
        (("cell", "steps", 1, "skip"), "first", "cell.steps[1].skip: should be a list of texts"),
        (("cell", "line"), 1.5, "cell.line: should be a valid integer"),
        (("cell", "seeds"), [0, "1"], "cell.seeds[1]: should be a valid integer"),
        (("cell", "role"), "hero", "cell.role: should be 'dense'"),
        (("cell", "colour"), "red", "cell.colour: "),
        (("metrics", "accuracy"), "high", "metrics.accuracy: should be a number"),
        (("metrics", "accuracy"), True, "metrics.accuracy: should be a number"),
        (("metrics", "correct_bits"), 5, "metrics.correct_bits: should be a valid string"),
        (("metrics", "audit"), {"margin": "wide"}, "metrics.audit.margin"),
        (("metrics", "solution"), [0.5, None], "metrics.solution[1]"),
        (("layers", 1, "zeros"), None, "layers[1].zeros: should be a valid integer"),
        (("layers", 0, "shape"), [10, "100"], "layers[0].shape[1]: should be a valid integer"),
        (("layers",), {}, "layers: should be"),
        (("history",), {"train_loss": 1.0}, "history.train_loss: should be"),
        (("cost", "seconds"), "long", "cost.seconds"),
        (("provenance", "data"), None, "provenance.data: should be an object"),
        (("provenance", "protocol"), "1", "provenance.protocol: should be a valid integer"),
        (("error",), "broken", "error: should be an object"),
    ],
)
def test_a_malformed_record_is_refused_with_its_field(place, value, message):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        read_record(changed(*place, value=value))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "1", "[" * 100_000, '{"schema":1}', "\x00", '{"schema":1e400}']
)
def test_a_line_that_is_no_record_is_refused(text):
    with pytest.raises(ValueError, match=r"not JSON|not a JSON object|schema|should be|required"):
        read_record(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.data())
def test_any_value_anywhere_is_read_or_refused(data):
    values = json.loads(RECORD.text)
    part, name = values, data.draw(st.sampled_from(sorted(values)))
    while isinstance(part[name], dict | list) and part[name] and data.draw(st.booleans()):
        part = part[name]
        name = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    part[name] = data.draw(JSON_VALUES)
    try:
        record = read_record(json.dumps(values))
    except ValueError:
        return
    assert read_record(record.text).text == record.text


def test_the_origin_of_a_plugin_that_could_not_be_loaded_has_no_version():
    assert PluginOrigin("pruner", "mine", "").version is None
