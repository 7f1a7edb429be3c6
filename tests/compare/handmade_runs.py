"""Runs as the harness leaves them, made by hand: which examples are wrong, which weights are zero."""

import base64
import json
from collections.abc import Iterable, Sequence
from hashlib import sha256

import numpy as np

from benchsuite.store import Record

EXAMPLES = 400
WEIGHTS = 1000
SEEDS = (0, 1, 2)


def key_of(steps: Sequence[object], seed: int, protocol: int = 1) -> str:
    key = f"protocol {protocol} seed {seed}"
    for step in steps:
        text = json.dumps(step, sort_keys=True, separators=(",", ":"))
        key = sha256(f"{key}\n{text}".encode()).hexdigest()[:40]
    return key


def record(
    seed: int = 0,
    *,
    line: int = 1,
    role: str = "row",
    method: str = "percentile",
    setting: str = "sparsity 0.5",
    wrong: Iterable[int] = (),
    zeros: Sequence[int] = (500, 500),
    masks: str = "mask",
    bits: float = 32.0,
    size: int = 10_000,
    weights: str = "weights",
    trained: bool = False,
    status: str = "ok",
    board: str = "hand-made",
    data: str = "abcdef0123456789",
    examples: int = EXAMPLES,
    protocol: int = 1,
    zlib: str = "1.3",
    with_bits: bool = True,
    loss: float | None = None,
) -> Record:
    """A record of a line, after a dense training of line 0. `loss`: it is the result, and there is no accuracy."""
    train = {"step": "train", "recipe": {"epochs": 1}}
    steps = [train, *([{"step": "prune", "recipe": None, "line": line}] if line else [])]
    steps += [{"step": "finetune", "recipe": {"epochs": 1}}] if trained else []
    cell = {
        "board": board,
        "title": "Made by hand",
        "question": "",
        "rank_by": None,
        "line": line,
        "role": role,
        "group": "",
        "method": method,
        "setting": setting,
        "seed": seed,
        "seeds": [0, 1, 2],
        "shown": True,
        "steps": steps,
        "dense": key_of([train], seed, protocol),
        "control": None,
    }
    provenance = {
        "benchsuite": "0.1.0",
        "protocol": protocol,
        "torch": "2.9",
        "device": "cpu",
        "zlib": zlib,
        "data": {"name": "dots", "fingerprint": data},
    }
    key = key_of(steps, seed, protocol)
    if status != "ok":
        return Record(key, status, cell, provenance=provenance, error={"reason": "it broke"})
    layers = tuple(
        {
            "name": f"fc{number}",
            "shape": [10, WEIGHTS // 10],
            "weights": WEIGHTS,
            "zeros": count,
            "macs": WEIGHTS,
            "effective_macs": WEIGHTS - count,
            "bits": bits,
            "mask_sha256": f"{masks} {count}",
        }
        for number, count in enumerate(zeros)
    )
    kept = len(zeros) * WEIGHTS - sum(zeros)
    metrics = {
        "weights_sha256": weights,
        "nonzeros": kept,
        "sparsity": sum(zeros) / (len(zeros) * WEIGHTS),
        "effective_macs": kept,
        "bits_per_weight": bits,
        "size_bytes": size,
    }
    if loss is not None:
        return Record(key, status, cell, {**metrics, "loss": loss}, layers, provenance=provenance)
    correct = np.ones(examples, bool)
    correct[list(wrong)] = False
    count = int(correct.sum())
    metrics |= {"loss": 0.5, "accuracy": 100 * count / examples, "correct": count, "examples": examples}
    if with_bits:
        metrics["correct_bits"] = base64.b64encode(np.packbits(correct).tobytes()).decode()
    return Record(key, status, cell, metrics, layers, provenance=provenance)


def dense(seed: int = 0, **changes: object) -> Record:
    """The record of the dense training."""
    given = {"wrong": range(20), "zeros": (0, 0), **changes}
    return record(seed, **{"line": 0, "role": "dense", "method": "dense", "setting": "mlp", **given})


def run(seeds: Iterable[int] = SEEDS, parent: str = "weights", **changes: object) -> list[Record]:
    """A dense line and one row, each a little different from seed to seed."""
    found = []
    for seed in seeds:
        own = {"wrong": range(40 + seed), **changes}
        found += [dense(seed, weights=f"{parent} {seed}", **_shared(changes)), record(seed, **own)]
    return found


def _shared(changes: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in changes.items() if key in ("board", "data", "examples", "protocol", "zlib")}
