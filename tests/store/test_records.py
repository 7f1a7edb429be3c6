"""Records: one canonical line each, and files that are whole at every instant."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchsuite.errors import ConfigError, StoreError
from benchsuite.store import SCHEMA, Record, read_lines, write_lines

TEXTS = st.text(max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(TEXTS, VALUES, max_size=4)
RECORDS = st.builds(
    Record,
    key=st.text("0123456789abcdef", min_size=40, max_size=40),
    status=st.sampled_from(["ok", "failed", "timeout", "skipped"]),
    cell=OBJECTS,
    metrics=OBJECTS,
    layers=st.lists(OBJECTS, max_size=2).map(tuple),
    cost=OBJECTS,
    provenance=OBJECTS,
    error=st.none() | OBJECTS,
)

EMPTY = Record("k", "ok").text
BEFORE = EMPTY.replace('"k"', '"before"')


def read(tmp_path: Path, text: str) -> list[Record]:
    path = tmp_path / "results.jsonl"
    path.write_bytes(text.encode())
    return read_lines(path)


# One record, one line


def test_a_record_of_nothing():
    assert EMPTY == (
        '{"cell":{},"cost":{},"error":null,"history":{},"key":"k","layers":[],"metrics":{},"provenance":{},'
        '"schema":1,"status":"ok"}'
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.1, "0.1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1.0, "1.0"),
        (1, "1"),
        (-0.0, "-0.0"),
        (1e22, "1e+22"),
        (5e-324, "5e-324"),
        (math.nan, "null"),
        (math.inf, "null"),
        ([-math.inf, {"a": math.nan}], '[null,{"a":null}]'),
        ({"b": 1, "a": {"d": 1, "c": 2}}, '{"a":{"c":2,"d":1},"b":1}'),
        ((1, 2), "[1,2]"),
        ("σ ± 8×8", '"σ ± 8×8"'),
        ("two\nlines", r'"two\nlines"'),
        ("\udc80", r'"\udc80"'),
        (True, "true"),
        (None, "null"),
    ],
)
def test_canonical_values(value, text):
    assert Record("k", "ok", metrics={"x": value}).text == EMPTY.replace('"metrics":{}', f'"metrics":{{"x":{text}}}')


@given(RECORDS)
def test_a_line_gives_its_record_back(record):
    assert Record.parse(record.text) == record


@given(RECORDS)
def test_a_line_is_canonical(record):
    assert "\n" not in record.text
    assert Record.parse(record.text).text == record.text
    shuffled = json.dumps(dict(reversed(json.loads(record.text).items())), indent=1)
    assert Record.parse(shuffled).text == record.text


@pytest.mark.parametrize(
    ("status", "error", "final"),
    [
        ("ok", None, True),
        ("failed", {"reason": "ValueError: no"}, True),
        ("failed", {"reason": "its process was killed by SIGSEGV"}, True),
        ("failed", {"reason": "ended its process with exit code 3"}, True),
        ("failed", {"reason": "MemoryError: ", "cause": "machine"}, False),
        ("failed", {"reason": "its process was killed by SIGKILL"}, False),
        ("failed", {"reason": "took more than the 2 GiB of memory that it may"}, False),
        ("timeout", {"reason": "took longer than the 4 seconds that it may"}, False),
        ("timeout", None, False),
        ("skipped", {"reason": "builds on 12ab, which failed: ValueError: no"}, True),
        ("skipped", {"reason": "builds on 12ab, which was timeout: …", "cause": "machine"}, False),
        ("skipped", {"reason": "builds on 12ab, which was timeout: took longer than the 9 seconds that it may"}, False),
        ("skipped", {"reason": "builds on 12ab, which failed: its process was killed by SIGKILL"}, False),
    ],
)
def test_what_the_machine_ended_is_not_final(status, error, final):
    """Records without a cause are of versions that did not write one."""
    assert Record("12ab", status, error=error).is_final is final


@pytest.mark.parametrize("loss", [math.nan, math.inf, None])
def test_a_result_without_a_finite_loss_is_read_as_a_failure(tmp_path: Path, loss):
    """Older versions called it ok, and its accuracy was the share of the first class."""
    text = Record("k", "ok", metrics={"loss": loss, "accuracy": 93.75}, layers=({"name": "fc"},)).text
    (found,) = read(tmp_path, f"{text}\n")
    assert found == Record.parse(text)
    assert (found.status, found.metrics, found.layers) == ("failed", {}, ())
    assert str((found.error or {})["reason"]).startswith("diverged: the loss is NaN or infinite")
    assert Record.as_written(text).text == text


@pytest.mark.parametrize("metrics", [{"loss": 0.0}, {"loss": 1e300}, {"accuracy": 3.0}, {}])
def test_other_results_are_read_as_they_are(metrics):
    assert Record.parse(Record("k", "ok", metrics=metrics).text) == Record("k", "ok", metrics=metrics)


def test_a_place_on_a_board_is_added_to_what_was_asked():
    record = Record("k", "ok", cell={"seed": 0, "line": 1}).at({"line": 2, "board": "b"})
    assert record.cell == {"seed": 0, "line": 2, "board": "b"}


# Files of records


@settings(max_examples=25)
@given(records=st.lists(RECORDS, max_size=5, unique_by=lambda one: one.key))
def test_a_file_gives_its_records_back_sorted_by_key(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    write_lines(path, records)
    assert read_lines(path) == sorted(records, key=lambda one: one.key)
    content = path.read_bytes()
    write_lines(path, reversed(records))
    assert path.read_bytes() == content


def test_no_record_no_line(tmp_path: Path):
    write_lines(tmp_path / "new" / "folder" / "b.jsonl", [])
    assert (tmp_path / "new" / "folder" / "b.jsonl").read_bytes() == b""
    assert read_lines(tmp_path / "new" / "folder" / "b.jsonl") == []


def test_only_a_newline_ends_a_line(tmp_path: Path):
    """Python's own splitlines would end one at these, too, and JSON leaves them as they are."""
    record = Record("k", "failed", error={"reason": "a\u2028b\u2029c\x85d\x0be"})
    write_lines(tmp_path / "b.jsonl", [record])
    assert read_lines(tmp_path / "b.jsonl") == [record]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "Expecting value: line 1 column 1 (char 0)"),
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "not a JSON object"),
        ("{}", f"schema None, this version reads {SCHEMA}"),
        (EMPTY.replace('"schema":1', '"schema":2'), "schema 2, this version reads 1; update benchsuite"),
        (EMPTY.replace('"schema":1', '"schema":0'), "schema 0, this version reads 1"),
        (EMPTY.replace('"schema":1', '"schema":"1"'), "schema '1', this version reads 1"),
        (EMPTY.replace('"key":"k",', ""), 'the key "key" is missing'),
        (EMPTY.replace('"metrics"', '"metric"'), 'unknown key "metric"; did you mean "metrics"?'),
        (EMPTY.replace('"key":"k"', '"key":5'), '"key" should be a text'),
        (EMPTY.replace('"ok"', '"okay"'), '"status" should be one of ok, failed, timeout, skipped'),
        (EMPTY.replace('"ok"', "[]"), '"status" should be one of ok, failed, timeout, skipped'),
        (EMPTY.replace('"cost":{}', '"cost":[]'), '"cost" should be an object'),
        (EMPTY.replace('"layers":[]', '"layers":[1]'), '"layers" should be a list of objects'),
        (EMPTY.replace('"error":null', '"error":"no"'), '"error" should be an object or null'),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line, message):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{BEFORE}\n{line}\n")
    assert str(caught.value) == f"{tmp_path / 'results.jsonl'}, line 2: {message}"


def test_a_key_twice(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{EMPTY}\n{EMPTY}\n")
    assert str(caught.value) == f"{tmp_path / 'results.jsonl'}, line 2: a second record of key k"


def test_a_last_line_may_lack_its_end(tmp_path: Path):
    assert read(tmp_path, EMPTY) == read(tmp_path, f"{EMPTY}\n") == [Record("k", "ok")]


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.jsonl: cannot be read: No such file or directory"):
        read_lines(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"binary\.jsonl: is not UTF-8"):
        read_lines(tmp_path / "binary.jsonl")


def test_a_file_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"b.jsonl cannot be written \(.*\): make room, or give another folder$"):
        write_lines(tmp_path / "file" / "b.jsonl", [])


def test_what_fails_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "b.jsonl"
    write_lines(path, [Record("k", "ok")])
    with pytest.raises(TypeError):
        write_lines(path, [Record("a", "ok"), Record("b", "ok", metrics={"x": object()})])
    assert read_lines(path) == [Record("k", "ok")]
    assert list(tmp_path.iterdir()) == [path]
