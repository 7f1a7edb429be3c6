"""Files of records: sorted by key, whole at every instant, each malformed line named."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from make_record import dense_record, make_record

from benchsuite.errors import ConfigError, StoreError
from benchsuite.store import Record, read_lines, write_lines

RECORD = dense_record()
LINE = RECORD.text
FINITE = st.floats(allow_nan=False, allow_infinity=False)
STATUSES = st.sampled_from(["ok", "failed", "timeout", "skipped"])
RECORDS = st.builds(
    make_record,
    seed=st.integers(0, 2**32),
    line=st.integers(1, 9),
    method=st.text(max_size=8),
    setting=st.text(max_size=8),
    status=STATUSES,
    reason=st.text(max_size=8),
    numbers=st.dictionaries(st.sampled_from(["accuracy", "loss", "macs"]), FINITE | st.integers(-9, 9), max_size=3),
)


def read(tmp_path: Path, text: str) -> list[Record]:
    path = tmp_path / "results.jsonl"
    path.write_bytes(text.encode())
    return read_lines(path)


@settings(max_examples=25)
@given(records=st.lists(RECORDS, max_size=5, unique_by=lambda record: record.key))
def test_a_file_gives_its_records_back_sorted_by_key(tmp_path_factory, records):
    path = tmp_path_factory.mktemp("results") / "results.jsonl"
    write_lines(path, records)
    ordered = sorted(records, key=lambda record: record.key)
    assert [record.text for record in read_lines(path)] == [record.text for record in ordered]
    content = path.read_bytes()
    write_lines(path, reversed(records))
    assert path.read_bytes() == content


def test_no_record_no_line(tmp_path: Path):
    write_lines(tmp_path / "new" / "folder" / "b.jsonl", [])
    assert (tmp_path / "new" / "folder" / "b.jsonl").read_bytes() == b""
    assert read_lines(tmp_path / "new" / "folder" / "b.jsonl") == []


def test_only_a_newline_ends_a_line(tmp_path: Path):
    """Python's own splitlines would end one at these, too, and JSON leaves them as they are."""
    record = make_record(status="failed", reason="a\u2028b\u2029c\x85d\x0be")
    write_lines(tmp_path / "b.jsonl", [record])
    assert read_lines(tmp_path / "b.jsonl") == [record]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "not JSON: EOF while parsing a value"),
        ("{", "not JSON: EOF while parsing an object"),
        ("[]", "not a JSON object"),
        ("{}", "schema None, this version reads 1"),
        (LINE.replace('"schema":1', '"schema":2'), "schema 2, this version reads 1; update benchsuite"),
        (LINE.replace('"schema":1', '"schema":0'), "schema 0, this version reads 1"),
        (LINE.replace('"status":"ok"', '"status":"okay"'), "status: should be 'ok', 'failed', 'timeout' or 'skipped'"),
        (LINE.replace('"metrics"', '"metric"'), 'unknown key "metric"; did you mean "metrics"?'),
        (LINE.replace('"seed":0', '"seed":5'), "its steps and seed have the key"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, line, message):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{make_record().text}\n{line}\n")
    assert str(caught.value).startswith(f"{tmp_path / 'results.jsonl'}, line 2: {message}")


def test_a_key_twice(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, f"{LINE}\n{LINE}\n")
    assert str(caught.value) == f"{tmp_path / 'results.jsonl'}, line 2: a second record of key {RECORD.key}"


def test_a_last_line_may_lack_its_end(tmp_path: Path):
    assert read(tmp_path, LINE) == read(tmp_path, f"{LINE}\n") == [RECORD]


def test_a_result_without_a_finite_loss_is_read_as_a_failure(tmp_path: Path):
    """Older versions called it ok, and its accuracy was the share of the first class."""
    (record,) = read(tmp_path, dense_record(numbers={"loss": None, "accuracy": 93.75}).text)
    assert (record.status, dict(record.metrics), record.layers) == ("failed", {}, ())
    assert record.error.reason.startswith("diverged: the loss is NaN or infinite")


def test_a_file_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"absent\.jsonl: cannot be read: No such file or directory"):
        read_lines(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(b"\xff")
    with pytest.raises(ConfigError, match=r"binary\.jsonl: is not UTF-8: invalid start byte at byte 0"):
        read_lines(tmp_path / "binary.jsonl")


def test_a_file_that_cannot_be_written(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"b.jsonl cannot be written \(.*\): make room, or give another folder$"):
        write_lines(tmp_path / "file" / "b.jsonl", [])


def test_a_failure_half_way_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "b.jsonl"
    write_lines(path, [RECORD])
    broken = make_record(seed=2, audit={"fact": object()})
    with pytest.raises(TypeError):
        write_lines(path, [make_record(seed=1), broken])
    assert read_lines(path) == [RECORD]
    assert list(tmp_path.iterdir()) == [path]
