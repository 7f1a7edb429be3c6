"""What a command ends in whatever is wrong: one line, a documented code, never 1 and never a traceback."""

import os
from pathlib import Path

import pytest

from benchsuite.errors import EXIT_CODES

DOCUMENT = Path(__file__).parents[2] / "docs" / "ci.md"


def refused(result, part: str, code: int = 2) -> None:
    assert result.code == code, result.err
    assert result.err.splitlines()[-1].startswith("benchsuite: ")
    assert part in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize("code", EXIT_CODES)
def test_every_code_is_documented(benchsuite, code):
    assert f"\n| {code} |" in DOCUMENT.read_text(encoding="utf-8")
    assert f"{code} {EXIT_CODES[code].split()[0]}" in " ".join(benchsuite("--help").out.split())


BOARDS = {
    "deep lists": (b"x = " + b"[" * 5000 + b"]" * 5000, "nested more than 32 deep"),
    "deep tables": (b"a" + b".a" * 3000 + b" = 1", "nested more than 32 deep"),
    "a long number": (b"x = " + b"9" * 5000, "not valid TOML"),
    "UTF-16": ("[board]".encode("utf-16"), "UTF-16"),
    "not UTF-8": (b"x = '\xff'", "is not UTF-8"),
    "NUL": (b"x = '\x00'", "not valid TOML"),
    "too large": (b"#" * (5 << 20), "too large"),
}


@pytest.mark.parametrize(("content", "part"), BOARDS.values(), ids=BOARDS)
def test_boards_that_are_no_boards(benchsuite, content, part):
    (benchsuite.folder / "small.toml").write_bytes(content)
    refused(benchsuite("plan", "small.toml"), part)


def test_boards_that_are_no_files(benchsuite):
    os.mkfifo(benchsuite.folder / "pipe.toml")
    (benchsuite.folder / "folder.toml").mkdir()
    refused(benchsuite("plan", "pipe.toml"), "no regular file")
    refused(benchsuite("plan", "folder.toml"), "a folder")
    refused(benchsuite("plan", "x" * 5000 + ".toml"), "File name too long")
    refused(benchsuite("plan", "a\0b.toml"), "null")


def test_a_board_with_a_byte_order_mark_is_read(benchsuite):
    name = benchsuite.board()
    path = benchsuite.folder / name
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert benchsuite("plan", name).code == 0


def test_a_fault_of_the_suite_is_one_line_and_code_70(benchsuite, monkeypatch):
    def broken(*_: object, **__: object) -> None:
        raise IndexError("list index out of range\nand more")

    monkeypatch.setattr("benchsuite.cli.options.print_json", broken)
    monkeypatch.setattr("benchsuite.cli.list_.print_json", broken)
    result = benchsuite("list", "--json")
    assert result.code == 70
    assert result.err.startswith("benchsuite: internal error, IndexError: list index out of range\nand more; please")
    monkeypatch.setenv("BENCHSUITE_DEBUG", "1")
    assert "Traceback (most recent call last)" in benchsuite("list", "--json").err


RAISING = '''
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchsuite import DataInfo, Dataset, ImageData, hookimpl


@dataclass(frozen=True)
class Raising(Dataset):
    """Raises where it is told to."""

    info: ClassVar[DataInfo] = DataInfo(1, 4, 4, 2)
    where: str = ""
    what: str = "OSError"

    def _may_raise(self, method):
        if self.where == method:
            raise {"OSError": OSError(13, "Permission denied", "/secret"), "exit": SystemExit(1),
                   "base": BaseException("odd"), "deep": RecursionError("too deep")}[self.what]

    def load(self, root, split):
        self._may_raise("load")
        return ImageData(torch.zeros(8, 1, 4, 4, dtype=torch.uint8), torch.arange(8) % 2)

    def describe(self, root):
        self._may_raise("describe")
        return self.info

    def prepare(self, root):
        self._may_raise("prepare")

    def files(self, root):
        self._may_raise("files")
        return []

    def fingerprint(self, root):
        self._may_raise("fingerprint")
        return None if self.where == "none" else super().fingerprint(root)


@hookimpl
def benchsuite_datasets():
    return {"raising": Raising}
'''


@pytest.mark.parametrize(
    ("where", "what", "part"),
    [
        ("prepare", "OSError", "data set Raising: prepare raised PermissionError: [Errno 13] Permission denied"),
        ("files", "exit", "data set Raising: fingerprint raised SystemExit: 1"),
        ("fingerprint", "base", "data set Raising: fingerprint raised BaseException: odd"),
        ("load", "deep", "data set raising: load raised RecursionError: too deep"),
        ("load", "exit", "data set raising: load raised SystemExit: 1"),
        ("describe", "base", "data set raising: describe raised BaseException: odd"),
        ("none", "", "data set Raising: fingerprint gave None, not a text"),
    ],
)
def test_a_data_set_that_raises(benchsuite, install_plugin, where, what, part):
    install_plugin("raising-data", RAISING)
    name = benchsuite.board()
    path = benchsuite.folder / name
    table = f'{{name = "raising", where = "{where}", what = "{what}"}}'
    path.write_text(path.read_text(encoding="utf-8").replace('"digits"', table), encoding="utf-8")
    refused(benchsuite("run", name, "--in-process"), part)


MARKUP = """
[[rows]]
control = false
label = "L \\u001b[2J | pipe \\n| injected |"
steps = [{prune = "percentile", sparsity = 0.5}]

[[rows]]
control = false
label = "::error::owned"
steps = [{prune = "percentile", sparsity = 0.6}]
"""


def test_names_reach_no_terminal_raw(benchsuite):
    result = benchsuite("run", benchsuite.board(MARKUP), "--in-process")
    assert result.code == 0, result.err
    for text in (result.out, result.err, benchsuite("plan", "small.toml").out):
        assert "\x1b" not in text
        assert "::error::" not in text
    assert r"\x1b[2J" in result.out


@pytest.mark.parametrize(
    ("redirection", "environment", "code"),
    [
        (">/dev/full", {}, 2),
        (">&-", {}, 0),
        ("2>/dev/full", {}, 0),
        ("", {"PYTHONIOENCODING": "ascii"}, 0),
    ],
)
def test_standard_streams_as_the_shell_gives_them(benchsuite, redirection, environment, code):
    prelude = "import os, subprocess, sys\n"
    inner = "from benchsuite.cli.main import main; sys.argv = ['benchsuite', 'list', 'dataset']; main()"
    command = f'{{sys.executable}} -c "import sys; {inner}" {redirection}'
    done = benchsuite.shell(prelude=f'{prelude}sys.exit(subprocess.call(f"""{command}""", shell=True))', **environment)
    assert done.code == code, done.err
    assert "Traceback" not in done.err
    assert "Exception ignored" not in done.err
