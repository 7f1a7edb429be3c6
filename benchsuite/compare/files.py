"""Which records are compared: of two files, or of the boards that two folders have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchsuite.errors import ConfigError
from benchsuite.store import Record
from benchsuite.store.verify import read_verified


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
        both = [_read(known.get(board), path) for board, path in boards.items()]
        not_run = tuple(board for board in known if board not in boards)
        return Runs(tuple(r for one in both for r in one.base), tuple(r for one in both for r in one.new), not_run)
    if base.is_dir():
        return _read(_of_same_board(base, new), new)
    if new.is_dir():
        return _read(base, _of_same_board(new, base))
    return _read(base, new)


def _of_same_board(folder: Path, other: Path) -> Path | None:
    """The folder's file of the board that the other file is of; None where it has none."""
    board = next((str(record.cell.get("board")) for record in read_verified(other)), other.stem)
    path = folder / f"{board}.jsonl"
    return path if path.is_file() else None


def _read(base: Path | None, new: Path | None) -> Runs:
    before = read_verified(base) if base else []
    after = read_verified(new) if new else []
    for name, old, now in (("board", *_both(before, after, "board")), ("protocol", *_both(before, after, "protocol"))):
        if before and after and old != now:
            remedy = "compare files of one board" if name == "board" else "run the board for BASE again"
            raise ConfigError(f"{new}, line 1: a record of {name} {now!r}, and {base} is of {name} {old!r}: {remedy}")
    return Runs(tuple(before), tuple(after))


def _both(base: Sequence[Record], new: Sequence[Record], name: str) -> tuple[object, object]:
    """The board or protocol of each file, None of an empty one."""
    of_base, of_new = (
        next((one.cell.get(name) or one.provenance.get(name) for one in records), None) for records in (base, new)
    )
    return of_base, of_new
