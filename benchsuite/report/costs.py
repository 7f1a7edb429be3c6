"""The price of a board's committed records: seconds of training and of the rest, shared beginnings once."""

import math
from typing import NamedTuple

from benchsuite.results import BoardResults
from benchsuite.store import Cost
from benchsuite.wording import counted

_MINUTE, _HOUR = 60, 3600


class BoardCost(NamedTuple):
    """Seconds that a board took."""

    training: float
    rest: float
    """Pruning, quantizing, measuring and loading."""


def cost(results: BoardResults) -> BoardCost:
    """Return the cost of all records of a board, controls included.

    A record's `train_seconds` are those of its whole chain, its `seconds` those of its own computation and of the
    trainings that it needed. Where several chains share a training without a record, its part follows from its epochs.
    """
    records = [record for record in results.records if record.cost != Cost()]
    trainings: dict[str, float] = {}
    for record in sorted(records, key=lambda record: (record.chain.depth, record.key)):
        epochs = {link.key: link.step.epochs_trained for link in record.chain.links() if link.step.epochs_trained}
        new = {key: count for key, count in epochs.items() if key not in trainings}
        known = math.fsum(trainings[key] for key in epochs if key not in new)
        seconds = max(0.0, (record.cost.train_seconds or 0.0) - known)
        trainings |= {key: seconds * count / sum(new.values()) for key, count in new.items()}
    training = math.fsum(trainings.values())
    return BoardCost(training, max(0.0, math.fsum(record.cost.seconds or 0.0 for record in records) - training))


def cost_sentence(results: BoardResults) -> str:
    """Return the cost in a sentence, with device and seeds."""
    total = cost(results)
    devices = sorted({record.provenance.device for record in results.records})
    return counted(
        f"Measured: {duration(total.training + total.rest)} on {', '.join(devices)}, of it"
        f" {duration(total.training)} of training; {_finished_seeds(results)} seeds, {len(results.records):,} records."
    )


def duration(seconds: float) -> str:
    """Return seconds, minutes or hours, in the unit that people would use."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def _finished_seeds(results: BoardResults) -> str:
    """Return the number of planned seeds, and of those that have a result in every line that plans them."""
    planned = {seed for line in results.lines for seed in line.place.seeds}
    holes: set[int] = set()
    for line in results.lines:
        holes |= set(line.place.seeds) - {record.seed for record in line.records if record.status == "ok"}
    return f"{len(planned - holes)} of {len(planned)}"
