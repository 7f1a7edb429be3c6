"""Records of the lines of one board, with the results that tables show: `make_record` for many short tests."""

import inspect
from collections.abc import Sequence
from dataclasses import fields

from make_record import answers_of, chain_of, make_record, prune, train

from benchsuite.chain import Step
from benchsuite.store import Metrics, Record

EXAMPLES = 10_000
NUMBERS = {"sparsity": 0.8, "bits_per_weight": 32.0, "compression": 4.0, "effective_macs": 12345, "loss": 0.5}
_NO_NUMBERS = {*inspect.signature(make_record).parameters, *(part.name for part in fields(Metrics))}


def make(
    line: int,
    seed: int,
    accuracy: float = 90.0,
    *,
    role: str = "row",
    steps: Sequence[Step] = (),
    seeds: int = 1,
    with_control: bool = False,
    shift: int | None = None,
    **others: object,
) -> Record:
    """Return the record of a line: with `with_control`, its random control is the line after it.

    steps: the chain, its dense training first; without any, each line has another one. shift: the place of the first
    right answer, as in `answers_of`; None: the accuracy is known, the answers are not.
    others: numbers among the metrics, or what `make_record` takes.
    """
    root, *later = steps or ([train()] if role == "dense" else [train(), _default(line)])
    names = {"method": "dense", "setting": "mlp"} if role == "dense" else {"setting": "sparsity 0.8"}
    numbers = {name: others.pop(name) for name in others.keys() - _NO_NUMBERS}
    control = chain_of(_default(line + 1), seed=seed) if with_control else None
    return make_record(
        *later,
        root=root,
        seed=seed,
        line=line,
        role=role,
        seeds=[0, 1, 2][:seeds],
        control=control,
        right=None if shift is None else answers_of(accuracy, EXAMPLES, shift),
        numbers={"accuracy": accuracy, **NUMBERS, **numbers},
        **(names | others),
    )


def _default(line: int) -> Step:
    return prune(sparsity=0.5, line=line)
