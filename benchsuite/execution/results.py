"""The results file of a board: records that a run adds to it, that stay in it, and that are kept aside."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import cast

from benchsuite.errors import ConfigError
from benchsuite.execution.scheduler import on_board
from benchsuite.metrics.covered import too_little
from benchsuite.plan import Board, Cell, Plan
from benchsuite.store import Record, read_lines, write_lines
from benchsuite.store.whole import write_whole

_ASIDE = "replaced"
"""The folder beside the results file for what a run would have lost."""
_DIGITS = 12


@dataclass(frozen=True)
class Merged:
    """The content of a results file after a run."""

    records: Mapping[str, Record]
    """By key."""
    lost: int = 0
    """Results that it held before and that nothing replaced."""
    aside: Path | None = None
    """Where the file is kept as it was; None where nothing was lost."""

    def message(self) -> str | None:
        """Return the message on results that were kept aside, if any were."""
        if self.aside is None:
            return None
        return f"{self.lost} earlier results in the file are of no row of this board now: as it was, it is {self.aside}"


def require_one_file_each(boards: Sequence[Board], names: Sequence[str]) -> None:
    """Check that no two boards write one file. Errors: ConfigError naming two, as the user named them, that would."""
    known: dict[str, str] = {}
    for board, name in zip(boards, names, strict=True):
        if other := known.get(board.board.name):
            raise ConfigError(
                f'{other} and {name}: boards of one name, "{board.board.name}", whose results would go into one file;'
                " name one of them otherwise, or run them one after the other, each with an --output of its own"
            )
        known[board.board.name] = name


def uncovered(records: Iterable[Record]) -> list[str]:
    """What to say of the models of which compression reaches too few weights, each once."""
    problems: dict[str, str] = {}
    for record in records:
        share = record.metrics.get("covered")
        problem = too_little(share) if isinstance(share, float) else None
        if problem:
            train = cast(Sequence[Mapping[str, Mapping[str, str]]], record.cell["steps"])[0]
            model = train["model"]["name"]
            problems.setdefault(model, f"model {model}: {problem}: sparsity and bits are over these alone")
    return list(problems.values())


def check_results(path: Path) -> None:
    """Check that the file can be read and written, without a change to it. Errors: ConfigError, StoreError."""
    write_lines(path, read_lines(path) if path.exists() else [])


def merge_results(
    path: Path, planned: Plan, fresh: Iterable[Record], copied: Iterable[Record] = (), own: Plan | None = None
) -> Merged:
    """Write the results of a run over those of the file that are still planned.

    What is kept gets its place on the board as it is now: lines may have moved. A result is replaced by a newer one of
    its key, if that is no failure, or of its place; a file with results that nothing replaces is kept aside.
    copied: committed results, for where the file has none. own: the plan with the board's own seeds, if the run has
    others. Errors: ConfigError, StoreError.
    """
    cells = _cells(planned, own)
    earlier = read_lines(path) if path.exists() else []
    kept = {record.key: record for record in copied}
    kept |= {
        record.key: record
        for record in earlier
        if record.key in cells and (record.status == "ok" or record.key not in kept)
    }
    kept |= {
        record.key: record for record in fresh if record.status == "ok" or kept.get(record.key, record).status != "ok"
    }
    placed = _placed(planned.board, cells, kept.values())
    identities = {_identity(record) for record in placed.values()}
    lost = [
        record
        for record in earlier
        if record.status == "ok" and record.key not in placed and _identity(record) not in identities
    ]
    aside = _keep_aside(path) if lost else None
    write_lines(path, placed.values())
    return Merged(placed, len(lost), aside)


def _cells(planned: Plan, own: Plan | None) -> dict[str, Cell]:
    return {cell.key: cell for plan in (own, planned) if plan for cell in plan.cells}


def _placed(board: Board, cells: Mapping[str, Cell], records: Collection[Record]) -> dict[str, Record]:
    """Return the records on the board: those of one line, whatever run they are of, name the seeds of all."""
    seeds: dict[int, set[int]] = defaultdict(set)
    for record in records:
        seeds[cells[record.key].line].update(cells[record.key].seeds)
    placed = {}
    for record in records:
        cell = cells[record.key]
        own = cell.seeds if set(cell.seeds) == seeds[cell.line] else tuple(sorted(seeds[cell.line]))
        placed[record.key] = on_board(board, replace(cell, seeds=own), record)
    return dict(sorted(placed.items()))


def _identity(record: Record) -> tuple[str | int, ...]:
    """Return the facts that tell a cell from the others of its board, whatever its plugins and recipes are."""
    place = record.place
    return (place.title, place.role, place.group, place.method, place.setting, record.seed) if place else ()


def _keep_aside(path: Path) -> Path:
    content = path.read_bytes()
    aside = path.parent / _ASIDE / f"{path.stem}-{sha256(content).hexdigest()[:_DIGITS]}{path.suffix}"
    aside.parent.mkdir(exist_ok=True)
    write_whole(aside, [content])
    return aside
