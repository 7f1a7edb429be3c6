"""Checks that the lines of a results file are as a run wrote them: complete, of one board and protocol, not edited.

Records contain redundant facts, so hand edits are detected. This guards against mistakes, not against forgery.
"""

from collections.abc import Iterator
from pathlib import Path

from benchsuite.errors import ConfigError
from benchsuite.store.record import Record
from benchsuite.store.results_file import read_numbered

_REMEDY = "; a run writes no such line: restore the file, or run the board again"


def read_verified(path: Path, board: str | None = None) -> list[Record]:
    """Return the records of a file, of one board and protocol, verified; `board` if it is known which.

    Errors: ConfigError naming file and line.
    """
    first: dict[str, str | int] = {"board": board} if board is not None else {}
    cells: dict[tuple[int, int], int] = {}
    records = []
    for number, text, record in read_numbered(path):
        place = f"{path}, line {number}"
        if record.place is None:
            raise ConfigError(f"{place}: it has no place on a board{_REMEDY}")
        premises: dict[str, str | int] = {"board": record.place.board, "protocol": record.provenance.protocol}
        for name, value in premises.items():
            if first.setdefault(name, value) != value:
                raise ConfigError(f"{place}: a record of {name} {value!r} in a file of {name} {first[name]!r}")
        if record.text != text:
            raise ConfigError(f"{place}: not in the form in which records are written{_REMEDY}")
        for fault in faults(record):
            raise ConfigError(f"{place}: {fault}{_REMEDY}")
        cell = record.place.line, record.seed
        if cells.setdefault(cell, number) != number:
            raise ConfigError(f"{place}: a second record of the cell of line {cells[cell]}{_REMEDY}")
        records.append(record.as_result)
    return records


def faults(record: Record) -> Iterator[str]:
    """Yield each fact of the record that contradicts another fact in it."""
    metrics = record.metrics
    correct, examples = metrics.number("correct"), metrics.number("examples")
    if correct is not None and examples:
        if metrics.number("accuracy") != 100 * correct / examples:
            yield f"the accuracy {metrics.number('accuracy')} is not that of {correct} correct in {examples}"
        if metrics.correct_bits is not None and metrics.count_correct_bits() != correct:
            yield f"correct_bits do not hold {correct} correct in {examples}"
    yield from _miscounts(record)


def _miscounts(record: Record) -> Iterator[str]:
    """Yield each total that is not that of the layers."""
    layers = record.layers
    weights = sum(layer.weights for layer in layers)
    if not weights:
        return
    zeros = sum(layer.zeros for layer in layers)
    totals = {
        "nonzeros": weights - zeros,
        "sparsity": zeros / weights,
        "effective_macs": sum(layer.effective_macs for layer in layers),
        "bits_per_weight": sum(layer.bits * layer.weights for layer in layers) / weights,
    }
    for name, total in totals.items():
        if record.metrics.number(name) != total:
            yield f"{name} {record.metrics.number(name)} is not that of the layers, {total}"
