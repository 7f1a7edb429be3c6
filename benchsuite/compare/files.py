"""Which records are compared: of two files, or of the boards that two folders have in common."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchsuite.errors import ConfigError
from benchsuite.store import Record
from benchsuite.store.integrity import read_verified


@dataclass(frozen=True)
class Runs:
    """The records of both runs."""

    base: tuple[Record, ...]
    new: tuple[Record, ...]
    not_run: tuple[str, ...] = ()
    """Boards of the base's folder that the new one has no file of."""


def read_runs(base: Path, new: Path) -> Runs:
    """Read BASE and NEW, files or folders of them; boards are matched by name, and those that NEW lacks are left out.

    A board that is asked for by its file is not left out: all its cells are then missing.
    Errors: ConfigError naming file and line, of what no run wrote and of what cannot be compared.
    """
    if new.is_dir() and base.is_dir():
        boards, known = ({path.stem: path for path in sorted(folder.glob("*.jsonl"))} for folder in (new, base))
        both = [_read(known.get(board), path, board) for board, path in boards.items()]
        not_run = tuple(board for board in known if board not in boards)
        return Runs(tuple(r for one in both for r in one.base), tuple(r for one in both for r in one.new), not_run)
    if base.is_dir():
        return _read(*_named(base, new))
    if new.is_dir():
        board_file, file, board = _named(new, base)
        return _read(file, board_file, board)
    return _read(base, new)


def _named(folder: Path, file: Path) -> tuple[Path | None, Path, str]:
    """The folder's file of the board that a file is of, None where it has none; the file; and the board."""
    board = next((str(record.cell.get("board")) for record in read_verified(file)), file.stem)
    path = folder / f"{board}.jsonl"
    return path if path.is_file() else None, file, board


def _read(base: Path | None, new: Path | None, board: str | None = None) -> Runs:
    before, after = (tuple(read_verified(path, board)) if path else () for path in (base, new))
    if before and after:  # each of one board and protocol
        _require_same("board", base, before[0].cell, new, after[0].cell, "compare files of one board")
        _require_same(
            "protocol", base, before[0].provenance, new, after[0].provenance, "run the older one's board again"
        )
    return Runs(before, after)


def _require_same(
    name: str, base: Path | None, old: Mapping[str, object], new: Path | None, now: Mapping[str, object], remedy: str
) -> None:
    if old.get(name) != now.get(name):
        raise ConfigError(
            f"{new}, line 1: a record of {name} {now.get(name)!r}, and {base} is of {name} {old.get(name)!r}: {remedy}"
        )
