"""Runs of a small board, made by hand: a dense network and rows that start from it."""

from collections.abc import Iterable, Sequence

from make_record import EXAMPLES, answers, finetune, layer, make_record, prune

from benchsuite.store import Record

SEEDS = (0, 1, 2)
DENSE = {"line": 0, "role": "dense", "method": "dense", "setting": "mlp", "wrong": range(20), "zeros": (0, 0)}


def record(
    seed: int = 0,
    *,
    line: int = 1,
    wrong: Iterable[int] = (),
    zeros: Sequence[int] = (500, 500),
    masks: str = "mask",
    bits: float = 32.0,
    size: int = 10_000,
    epochs: int | None = None,
    examples: int = EXAMPLES,
    loss: float | None = None,
    **others: object,
) -> Record:
    """Return the record of a line; of a row, unless it is line 0.

    epochs: of a fine-tuning. loss: the result, if there are no answers. others: arguments of `make_record`.
    """
    steps = [prune(sparsity=0.5, line=line)] if line else []
    steps += [finetune(epochs)] if epochs is not None else []
    return make_record(
        *steps,
        seed=seed,
        line=line,
        right=answers(wrong, examples) if loss is None else None,
        layers=[layer(f"fc{number}", count, bits=bits, mask=masks) for number, count in enumerate(zeros)],
        numbers={"size_bytes": size, **({} if loss is None else {"loss": loss})},
        **others,  # type: ignore[arg-type]  # by name
    )


def dense(seed: int = 0, **changes: object) -> Record:
    """Return the record of the dense training."""
    return record(seed, **(DENSE | changes))  # type: ignore[arg-type]  # by name


def run(seeds: Iterable[int] = SEEDS, parent: str = "weights", **changes: object) -> list[Record]:
    """Return a dense line and one row, each a little different from seed to seed."""
    shared = {name: changes[name] for name in ("board", "data", "examples", "protocol", "zlib") if name in changes}
    return [
        made
        for seed in seeds
        for made in (
            dense(seed, weights=f"{parent} {seed}", **shared),
            record(seed, **({"wrong": range(40 + seed)} | changes)),
        )
    ]
