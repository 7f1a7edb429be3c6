"""Whether the lines of a results file are as a run wrote them: whole, of one board and protocol, and not edited.

A record tells some things twice; an edit of one of them shows. None of it is a signature: it guards against slips.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import cast

from benchsuite.errors import ConfigError
from benchsuite.reading import read_text
from benchsuite.store.records import Record, read_lines

_NEEDED = {
    "cell": (
        *("board", "title", "question", "rank_by", "line", "role", "group", "method", "setting"),
        *("seed", "seeds", "steps", "dense", "control", "shown"),
    ),
    "provenance": ("benchsuite", "protocol", "torch", "device", "data"),
    "provenance.data": ("name", "fingerprint"),
}
"""What every record of a run has, and tables are made from."""
_REMEDY = "; a run writes no such line: restore the file, or run the board again"


def read_verified(path: Path, board: str | None = None) -> list[Record]:
    """The records of a file, of one board and protocol, verified; `board` if it is known which.

    Errors: ConfigError naming file and line.
    """
    records = read_lines(path)
    texts = read_text(path).split("\n")
    first: dict[str, object] = {"board": board} if board is not None else {}
    seen: dict[tuple[object, object], int] = {}
    for number, (record, text) in enumerate(zip(records, texts, strict=False), 1):
        place = f"{path}, line {number}"
        own = {"board": record.cell.get("board"), "protocol": record.provenance.get("protocol")}
        for name, value in own.items():
            if first.setdefault(name, value) != value:
                raise ConfigError(f"{place}: a record of {name} {value!r} in a file of {name} {first[name]!r}")
        if record.text != text and (record := Record.as_written(text)).text != text:
            raise ConfigError(f"{place}: not in the form in which records are written{_REMEDY}")
        for fault in faults(record):
            raise ConfigError(f"{place}: {fault}{_REMEDY}")
        cell = record.cell.get("line"), record.cell.get("seed")
        if seen.setdefault(cell, number) != number:
            raise ConfigError(f"{place}: a second record of the cell of line {seen[cell]}{_REMEDY}")
    return records


def faults(record: Record) -> Iterator[str]:
    """What the record lacks, and what in it contradicts something else in it."""
    yield from _lacks(record)
    if record.key != (key := _key(record)):
        yield f"its steps and seed have the key {key}, not {record.key}" if key else "its steps are no list of objects"
    metrics = record.metrics
    correct, examples = metrics.get("correct"), metrics.get("examples")
    if isinstance(correct, int) and isinstance(examples, int) and examples > 0:
        if metrics.get("accuracy") != 100 * correct / examples:
            yield f"the accuracy {metrics.get('accuracy')} is not that of {correct} correct in {examples}"
        if "correct_bits" in metrics and _count_bits(metrics["correct_bits"], examples) != correct:
            yield f"correct_bits do not tell {correct} correct in {examples}"
    yield from _miscounts(metrics, record.layers)


def _lacks(record: Record) -> Iterator[str]:
    """What of `_NEEDED` is not there."""
    data = record.provenance.get("data")
    for part, values in zip(_NEEDED, (record.cell, record.provenance, data), strict=True):
        known = values if isinstance(values, Mapping) else {}
        yield from (f"{part} has no {name}" for name in _NEEDED[part] if name not in known)


def _miscounts(metrics: Mapping[str, object], layers: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Totals that are not those of the layers."""
    try:
        weights = sum(cast(int, layer["weights"]) for layer in layers)
        zeros = sum(cast(int, layer["zeros"]) for layer in layers)
        macs = sum(cast(int, layer["effective_macs"]) for layer in layers)
        bits = sum(cast(float, layer["bits"]) * cast(int, layer["weights"]) for layer in layers)
    except (KeyError, TypeError):
        yield "a layer lacks its counts"
        return
    if not weights:
        return
    totals = {
        "nonzeros": weights - zeros,
        "sparsity": zeros / weights,
        "effective_macs": macs,
        "bits_per_weight": bits / weights,
    }
    for name, total in totals.items():
        if metrics.get(name) != total:
            yield f"{name} {metrics.get(name)} is not that of the layers, {total}"


def _key(record: Record) -> str | None:
    """The key of the chain that the record tells of, as `plan.Chain` makes it under the record's protocol."""
    steps = record.cell.get("steps")
    if not isinstance(steps, list) or not steps or not all(isinstance(step, dict) for step in steps):
        return None
    key = f"protocol {record.provenance.get('protocol')} seed {record.cell.get('seed')}"
    for step in steps:
        text = json.dumps(step, sort_keys=True, separators=(",", ":"))
        key = sha256(f"{key}\n{text}".encode()).hexdigest()[:40]
    return key


def _count_bits(text: object, examples: int) -> int | None:
    """How many are set; None if they are not the bits of so many examples."""
    try:
        packed = base64.b64decode(str(text), validate=True)
    except binascii.Error:
        return None
    padding = 8 * len(packed) - examples
    number = int.from_bytes(packed, "big")
    if not 0 <= padding < 8 or number % (1 << padding):
        return None
    return number.bit_count()
