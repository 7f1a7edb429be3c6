"""Which records are compared: of files and folders, matched by board; what is refused with its file and line."""

import pytest
from make_run import run

from benchsuite.compare.files import read_runs
from benchsuite.errors import ConfigError
from benchsuite.store import write_lines


@pytest.fixture
def write(tmp_path):
    """`write("folder", "board", …)`: a run of each board in the folder; returns it."""

    def written(folder: str, *boards: str, **changes: object):
        (tmp_path / folder).mkdir()
        for board in boards:
            write_lines(tmp_path / folder / f"{board}.jsonl", run(board=board, **changes))
        return tmp_path / folder

    return written


def boards(records) -> set[str]:
    return {record.place.board for record in records}


def test_of_folders_the_boards_that_were_run_are_compared(write):
    found = read_runs(write("base", "one", "two", "three"), write("new", "two", "four"))
    assert (boards(found.base), boards(found.new), found.not_run) == ({"two"}, {"two", "four"}, ("one", "three"))


def test_of_a_file_and_a_folder_the_boards_of_the_file(write):
    base, new = write("base", "one", "two"), write("new", "one", "two")
    for found in (read_runs(base, new / "two.jsonl"), read_runs(base / "two.jsonl", new)):
        assert (boards(found.base), boards(found.new), found.not_run) == ({"two"}, {"two"}, ())
    assert boards(read_runs(base / "two.jsonl", write("other", "one")).new) == set()


def test_a_file_may_have_any_name(write):
    base = write("base", "one")
    (base / "one.jsonl").rename(base / "before.jsonl")
    found = read_runs(base / "before.jsonl", write("new", "one"))
    assert boards(found.base) == boards(found.new) == {"one"}


def test_runs_of_two_protocols_are_refused(write):
    base, new = write("base", "one"), write("new", "one", protocol=2)
    with pytest.raises(ConfigError, match=r"line 1: a record of protocol 2, and .* is of protocol 1"):
        read_runs(base, new)


def test_runs_of_two_boards_are_refused(write):
    base, new = write("base", "one"), write("new", "two")
    with pytest.raises(ConfigError, match=r"two\.jsonl, line 1: a record of board 'two', and .* is of board 'one'"):
        read_runs(base / "one.jsonl", new / "two.jsonl")
