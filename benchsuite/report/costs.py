"""What a board's committed records cost: seconds of training and of the rest, shared beginnings once."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple, cast

from benchsuite.report.lines import Table
from benchsuite.store import Record
from benchsuite.wording import counted

_MINUTE, _HOUR = 60, 3600


class Cost(NamedTuple):
    """Seconds."""

    training: float
    rest: float
    """Pruning, quantizing, measuring and loading."""


def cost(table: Table) -> Cost:
    """Of all records of a board, controls included.

    A record's `train_seconds` are those of its whole chain, its `seconds` those of its own computation with what that
    trained before. Where a training that several chains share has no record, its part is told by its epochs.
    """
    records = [record for line in table.lines for record in line.records if record.cost]
    trainings: dict[str, float] = {}
    for record in sorted(records, key=lambda one: (len(cast("Sequence[object]", one.cell["steps"])), one.key)):
        links = dict(_links(record))
        new = {link: epochs for link, epochs in links.items() if link not in trainings}
        own = _seconds(record, "train_seconds") - math.fsum(trainings[link] for link in links if link not in new)
        trainings |= {link: max(0.0, own) * epochs / sum(new.values()) for link, epochs in new.items()}
    training = math.fsum(trainings.values())
    return Cost(training, max(0.0, math.fsum(_seconds(record, "seconds") for record in records) - training))


def cost_told(table: Table) -> str:
    """The cost in a sentence, with device and seeds."""
    found = cost(table)
    records = [record for line in table.lines for record in line.records]
    devices = sorted({str(record.provenance["device"]) for record in records})
    return counted(
        f"Measured: {duration(found.training + found.rest)} on {', '.join(devices)}, of it"
        f" {duration(found.training)} of training; {_seeds_done(table)} seeds, {len(records):,} records."
    )


def duration(seconds: float) -> str:
    """In the unit that one would say it in."""
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def _seeds_done(table: Table) -> str:
    """Of the seeds that any line was planned for, those that all these lines have a result of."""
    planned = {seed for line in table.lines for seed in cast("list[int]", line.records[0].cell["seeds"])}
    holes: set[object] = set()
    for line in table.lines:
        wanted = set(cast("list[int]", line.records[0].cell["seeds"]))
        holes |= wanted - {record.cell["seed"] for record in line.records if record.status == "ok"}
    return f"{len(planned - holes)} of {len(planned)}"


def _links(record: Record) -> Iterator[tuple[str, float]]:
    """The trainings of its chain: what tells each from all others, and its epochs."""
    prefix = str(record.cell["seed"])
    for step in cast("Sequence[dict[str, object]]", record.cell["steps"]):
        prefix += json.dumps(step, sort_keys=True)
        if recipe := step.get("recipe"):
            epochs = float(cast("dict[str, float]", recipe)["epochs"])
            if epochs:
                yield prefix, epochs


def _seconds(record: Record, name: str) -> float:
    return float(cast(float, record.cost.get(name, 0.0)))
