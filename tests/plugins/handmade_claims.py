"""Claims as `claims.toml` has them, of a made-up pruner with a level, and the records that they are about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from make_record import dense_record, layer, make_record, prune, train

from benchsuite.chain import Frozen, Step, Train
from benchsuite.store import Record

SEEDS = (0, 1, 2)
EXAMPLES = 10_000

HEAD = 'title = "A title"\nclaim = "A statement."\nsource = "Somebody 2020."\n'
WHERE = 'where = {pruner = "some-pruner"}'
MINIMUM = f"""
[[claims]]
kind = "minimum"
{HEAD}{WHERE}
metric = "audit.margin"
count = "audit.groups"
counted = "groups"
"""
TURNING = f"""
[[claims]]
kind = "turning-point"
{HEAD}{WHERE}
along = "level"
symbol = "λ"
at = 1.0
"""


def dense_networks(network: str = "", line: int = 0) -> list[Record]:
    """Return the dense records of a network, which gets 95 % right with every seed."""
    numbers = {"accuracy": 95.0, "examples": EXAMPLES}
    return [dense_record(seed, line=line, group=network, root=root(network), numbers=numbers) for seed in SEEDS]


def pruned(
    line: int,
    seed: int,
    accuracy: float = 90.0,
    *,
    level: float = 1.0,
    pruner: str = "some-pruner",
    fields: Mapping[str, Frozen] | None = None,
    matched_to: Record | None = None,
    later: Sequence[Step] = (),
    network: str = "",
    **facts: object,
) -> Record:
    """Return the record of a row whose pruner has a level; facts: as of `make_record`."""
    step = prune(pruner, matched_to=matched_to.chain if matched_to else None, **{"level": level, **(fields or {})})
    given = {
        "method": pruner,
        "setting": f"level {level}",
        "layers": [layer("fc1", 800)],
        "numbers": {"accuracy": accuracy, "examples": EXAMPLES},
    }
    return make_record(step, *later, seed=seed, line=line, group=network, root=root(network), **(given | facts))


def root(network: str) -> Train:
    """Return the dense training of a network."""
    return train(network or "mlp")


def controlled(record: Record, control: Record) -> Record:
    """Return the record with its random control."""
    return record.at(replace(record.place, control=control.key))


def on_board(record: Record, board: str) -> Record:
    """Return the record as a cell of another board."""
    return record.at(replace(record.place, board=board))
