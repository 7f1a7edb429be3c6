"""The committed results beside which an added method is shown: what they hold already is not run again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from benchsuite.execution.scheduler import on_board
from benchsuite.plan import Cell, Plan
from benchsuite.store import Record
from benchsuite.store.integrity import read_verified


def default_baselines() -> Path:
    """Return the folder of the committed results that are installed with the suite."""
    return Path(str(files("benchsuite_baselines")))


@dataclass(frozen=True)
class Committed:
    """The committed records of a board that have a result, by key."""

    records: Mapping[str, Record]

    @classmethod
    def of(cls, board: str, baselines: Path) -> "Committed":
        """Return the records of `baselines/<board>.jsonl`, if there is one.

        Errors: ConfigError for a file that is not as a run wrote it, naming file and line.
        """
        path = baselines / f"{board}.jsonl"
        records = read_verified(path, board) if path.exists() else []
        return cls({record.key: record for record in records if record.status == "ok"})

    def beside(self, planned: Plan, cells: Sequence[Cell]) -> tuple[list[Cell], list[Record]]:
        """Return the cells that are left to run, and the records of the others, at their places on the board.

        A record is taken over where its key is that of the cell: protocol, data, plugins and every step agree then.
        The dense training of a cell that is left is run with it, since a record has no weights to start from.
        Each record taken over has a place that says `committed`: it is no result of this run.
        """
        roots = {cell.chain.root.key for cell in cells if cell.key not in self.records}
        left = [cell for cell in cells if cell.key in roots or cell.key not in self.records]
        taken = [cell for cell in cells if cell.key in self.records and cell.key not in roots]
        return left, [on_board(planned.board, cell, _marked(self.records[cell.key])) for cell in taken]

    def deviation(self, fresh: Iterable[Record]) -> str | None:
        """Return the message on networks trained here that are not, bit for bit, those committed under their keys."""
        pairs = [(record, self.records[record.key]) for record in fresh if record.key in self.records]
        differing = [
            (here, there) for here, there in pairs if here.metrics.weights_sha256 != there.metrics.weights_sha256
        ]
        if not differing:
            return None
        accuracies = ", ".join(
            f"seed {here.seed} {_accuracy(here)} here and {_accuracy(there)} there" for here, there in differing
        )
        return (
            f"{len(differing)} of {len(pairs)} dense networks trained here are not those of the committed rows"
            f" ({accuracies}): compare rows with differences of that size in mind"
        )


def _marked(record: Record) -> Record:
    return replace(record, place=replace(record.place, committed=True)) if record.place else record


def _accuracy(record: Record) -> str:
    accuracy = record.metrics.number("accuracy")
    return f"{accuracy:.2f} %" if accuracy is not None else str(record.metrics.number("loss"))
