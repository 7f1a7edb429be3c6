"""The command, called as the shell calls it but in this process, and small boards for it to run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchsuite.registry import default_registry
from benchsuite.store import Record, read_lines

BOARD = """
[board]
name = "small"
title = "A small board"
seeds = [0]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [8]}
recipe = {epochs = 1, lr = 1e-3}
"""


@dataclass(frozen=True)
class Result:
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str

    @property
    def facts(self):
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """`benchsuite` with a home of its own, in a working directory of its own."""

    folder: Path
    in_process: Callable[..., Result]

    def __call__(self, *arguments: str) -> Result:
        return self.in_process(*arguments)

    def board(self, rows: str = "", *, text: str = BOARD, name: str = "small.toml") -> str:
        """Write a board file into the working directory; returns what to call it on the command line."""
        (self.folder / name).write_text(text + rows, encoding="utf-8")
        return name

    def shell(self, *arguments: str, site: Path | None = None, prelude: str = "", **environment: str) -> Result:
        """The same in a process of its own."""
        path = os.pathsep.join(map(str, filter(None, [site, os.environ.get("PYTHONPATH")])))
        code = f"{prelude}\nimport sys; from benchsuite.cli.main import main; sys.argv[0] = 'benchsuite'; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env={**os.environ, "BENCHSUITE_HOME": str(self.home), "PYTHONPATH": path, **environment},
        )
        return Result(done.returncode, done.stdout, done.stderr)

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def results(self, name: str = "small") -> dict[str, Record]:
        """The records of a board's results by method and setting, or role."""
        records = read_lines(self.folder / "results" / f"{name}.jsonl")
        return {f"{record.place.method} {record.place.setting}".strip(): record for record in records}


@pytest.fixture
def benchsuite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("BENCHSUITE_HOME", str(folder / "home"))
    monkeypatch.delenv("BENCHSUITE_DATA", raising=False)

    def in_process(*arguments: str) -> Result:
        from benchsuite.cli.main import main

        monkeypatch.setattr("sys.argv", ["benchsuite", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code
        return Result(0 if code is None else code, *capsys.readouterr())

    yield Command(folder, in_process)
    default_registry.cache_clear()
