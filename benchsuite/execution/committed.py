"""The committed results beside which an added method is shown: what they hold already is not run again."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from benchsuite.execution.scheduler import on_board
from benchsuite.plan import Cell, Plan
from benchsuite.store import Record
from benchsuite.store.integrity import read_verified


def default_baselines() -> Path:
    """The committed results that are installed with the suite."""
    return Path(str(files("benchsuite_baselines")))


@dataclass(frozen=True)
class Committed:
    """The committed records of a board that have a result, by key."""

    records: Mapping[str, Record]

    @classmethod
    def of(cls, board: str, baselines: Path) -> "Committed":
        """Those of `baselines/<board>.jsonl`, if there is one.

        Errors: ConfigError for a file that is not as a run wrote it, naming file and line.
        """
        path = baselines / f"{board}.jsonl"
        found = read_verified(path, board) if path.exists() else []
        return cls({record.key: record for record in found if record.status == "ok"})

    def beside(self, planned: Plan, cells: Sequence[Cell]) -> tuple[list[Cell], list[Record]]:
        """The cells that are left to run, and the records of the others, at their places on the board.

        A record is taken over where its key is that of the cell: protocol, data, plugins and every step agree then.
        The dense training of a cell that is left is run with it, since a record has no weights to start from.
        Each record taken over says in its cell that it is `committed`: it is no result of this run.
        """
        roots = {cell.chain.root.key for cell in cells if cell.key not in self.records}
        left = [cell for cell in cells if cell.key in roots or cell.key not in self.records]
        taken = [cell for cell in cells if cell.key in self.records and cell.key not in roots]
        return left, [on_board(planned.board, cell, self.records[cell.key]).at({"committed": True}) for cell in taken]

    def deviation(self, fresh: Iterable[Record]) -> str | None:
        """What to say where a network trained here is not, bit for bit, the one that was committed under its key."""
        pairs = [(record, self.records[record.key]) for record in fresh if record.key in self.records]
        differing = [pair for pair in pairs if _network(pair[0]) != _network(pair[1])]
        if not differing:
            return None
        told = ", ".join(
            f"seed {here.cell['seed']} {_accuracy(here)} here and {_accuracy(there)} there" for here, there in differing
        )
        return (
            f"{len(differing)} of {len(pairs)} dense networks trained here are not those of the committed rows"
            f" ({told}): compare rows with differences of that size in mind"
        )


def _network(record: Record) -> object:
    return record.metrics.get("weights_sha256")


def _accuracy(record: Record) -> str:
    accuracy = record.metrics.get("accuracy")
    return f"{accuracy:.2f} %" if isinstance(accuracy, float) else str(record.metrics.get("loss"))
