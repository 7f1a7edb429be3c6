"""Records as a run leaves them, made by hand."""

from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256

import pytest

from benchsuite.store import Record

Make = Callable[..., Record]


@pytest.fixture
def make() -> Make:
    """`make(line, seed, …)`: an ok record of a row whose dense parent is line 0 and whose control is line + 1."""

    def key(line: int, seed: int) -> str:
        return sha256(f"{line} {seed}".encode()).hexdigest()[:40]

    def record(
        line: int,
        seed: int,
        accuracy: float = 90.0,
        *,
        role: str = "row",
        method: str = "percentile",
        setting: str = "sparsity 0.8",
        status: str = "ok",
        reason: str = "",
        with_control: bool = False,
        rank_by: str | None = None,
        group: str = "",
        board: str = "hand-made",
        seeds: int = 1,
        shown: bool = True,
        steps: Sequence[Mapping[str, object]] = (),
        cost: Mapping[str, float] | None = None,
        **metrics: float,
    ) -> Record:
        cell = {
            "board": board,
            "title": f"The board {board}",
            "question": "What is it for?",
            "rank_by": rank_by,
            "line": line,
            "role": role,
            "group": group,
            "method": "dense" if role == "dense" else method,
            "setting": "mlp" if role == "dense" else setting,
            "seed": seed,
            "steps": list(steps),
            "dense": key(0, seed),
            "seeds": [0, 1, 2][:seeds],
            "shown": shown,
            "control": key(line + 1, seed) if with_control else None,
        }
        provenance = {
            "benchsuite": "0.1.0",
            "torch": "2.9",
            "device": "cpu",
            "data": {"name": "digits", "fingerprint": "abcdef0123456789"},
        }
        if status != "ok":
            error = {"reason": reason or "it broke"}
            return Record(key(line, seed), status, cell, provenance=provenance, error=error)
        measured = {
            "accuracy": accuracy,
            "sparsity": 0.8,
            "bits_per_weight": 32.0,
            "compression": 4.0,
            "effective_macs": 12345,
            "loss": 0.5,
            **metrics,
        }
        return Record(key(line, seed), status, cell, metrics=measured, cost=cost or {}, provenance=provenance)

    return record
