"""Selection of the records to compare: those of two files, or of the boards that two folders have in common."""

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
    Errors: ConfigError naming file and line, if no run wrote them or they cannot be compared.
    """
    if new.is_dir() and base.is_dir():
        boards, known = ({path.stem: path for path in sorted(folder.glob("*.jsonl"))} for folder in (new, base))
        runs = [_read(known.get(board), path, board) for board, path in boards.items()]
        not_run = tuple(board for board in known if board not in boards)
        return Runs(tuple(r for run in runs for r in run.base), tuple(r for run in runs for r in run.new), not_run)
    if base.is_dir():
        board = _board_of(new)
        return _read(_file_of(board, base), new, board)
    if new.is_dir():
        board = _board_of(base)
        return _read(base, _file_of(board, new), board)
    return _read(base, new)


def _board_of(file: Path) -> str:
    """Return the board of the file's records; the name of a file without any."""
    return next((record.place.board for record in read_verified(file) if record.place), file.stem)


def _file_of(board: str, folder: Path) -> Path | None:
    """Return the folder's file of the board; None where it has none."""
    path = folder / f"{board}.jsonl"
    return path if path.is_file() else None


def _read(base: Path | None, new: Path | None, board: str | None = None) -> Runs:
    before, after = (tuple(read_verified(path, board)) if path else () for path in (base, new))
    if before and after:
        _require_comparable(str(base), before[0], str(new), after[0])
    return Runs(before, after)


def _require_comparable(base_file: str, base: Record, new_file: str, new: Record) -> None:
    """Errors: ConfigError unless both files, of which each is of one board and protocol, are of the same ones."""
    boards = [record.place and record.place.board for record in (base, new)]
    protocols = [record.provenance.protocol for record in (base, new)]
    for name, (before, now), remedy in (
        ("board", boards, "compare files of one board"),
        ("protocol", protocols, "run the older one's board again"),
    ):
        if before != now:
            raise ConfigError(
                f"{new_file}, line 1: a record of {name} {now!r}, and {base_file} is of {name} {before!r}: {remedy}"
            )
