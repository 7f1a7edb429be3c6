"""Cells without a result in the terminal: a line each with the reason, and at the end the tracebacks."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from benchsuite.cli.options import say

if TYPE_CHECKING:
    from benchsuite.execution.scheduler import Outcome
    from benchsuite.plan import Cell, Chain
    from benchsuite.store import Record


class Failures:
    """The failures of a run, each with the cells that it costs."""

    def __init__(self, cells: "Iterable[Cell]", stored: "Callable[[Chain], Record | None]") -> None:
        self._names = {cell.key: cell.name for cell in cells}
        self._stored = stored
        self._failed: dict[str, tuple[str, Record]] = {}
        """By key, the name and the record of what failed itself."""

    def describe(self, outcome: "Outcome") -> str:
        """Name the cell and why it has no result; of a skipped one, the cell whose failure is the cause."""
        name, record = outcome.cell.name, outcome.record
        if record.status != "skipped":
            self._failed[record.key] = name, record
            return f"{name}: {_reason(record)}"
        origin = self._cause(outcome.cell.chain)
        if origin is None:
            return f"{name}: {_reason(record)}"
        chain, cause = origin
        became = "took too long" if cause.status == "timeout" else "failed"
        if chain.key in self._names:
            return f'{name}: builds on "{self._names[chain.key]}", which {became}'
        step = f"step {chain.depth}, {chain.step.verb}"
        self._failed.setdefault(chain.key, (f"{name}, {step}", cause))
        return f"{name}: its {step}, {became}: {_reason(cause)}"

    def show(self, results: Path, verbose: bool) -> None:
        """Name the file that has the tracebacks, or print each once with all cells that failed by it."""
        details: dict[str, list[str]] = {}
        for name, record in self._failed.values():
            parts = (record.error.traceback, record.error.output) if record.error else ()
            if text := "\n".join(part.rstrip() for part in parts if part):
                details.setdefault(text, []).append(name)
        if details and not verbose:
            say(f'{results} has the tracebacks of failed cells, under "error"; --verbose prints them', err=True)
        for text, names in details.items() if verbose else ():
            say(f"\n{'; '.join(names)}:\n\n{text}\n", err=True)

    def _cause(self, chain: "Chain") -> "tuple[Chain, Record] | None":
        """Return the first failure among what the chain builds on."""
        from benchsuite.execution.turns import needed

        records = ((link, self._stored(link)) for link in needed(chain))
        return next(
            ((link, record) for link, record in records if record and record.status in ("failed", "timeout")), None
        )


def _reason(record: "Record") -> str:
    return record.error.reason if record.error else "no reason is known"
