"""Records as a run leaves them, made by hand from typed parts: one builder for all tests."""

import base64
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchsuite.api import Recipe
from benchsuite.chain import Chain, ChainKey, Finetune, Frozen, Prune, Quantize, Schedule, Step, Train, Use
from benchsuite.metrics.layer_counts import LayerCounts
from benchsuite.registry import Kind
from benchsuite.store.record import (
    Cost,
    DataOrigin,
    Failure,
    Metrics,
    Number,
    Place,
    Provenance,
    Record,
    Role,
    Status,
)

EXAMPLES = 400
WEIGHTS = 1000
RECIPE = Recipe(optimizer="adam", lr=1e-3, epochs=10, batch_size=64)


def use(kind: Kind, name: str, **fields: Frozen) -> Use:
    """Return a plugin with these fields."""
    return Use(kind, name, tuple(fields.items()), source="")


def recipe(**changes: object) -> Recipe:
    """Return the usual recipe with some values replaced."""
    return Recipe(**(vars(RECIPE) | changes))  # type: ignore[arg-type]  # by name


def train(
    model: str = "mlp", dataset: str = "digits", *, fields: Mapping[str, Frozen] | None = None, **changes: object
) -> Train:
    """Return a dense training; changes: of its recipe."""
    return Train(use("dataset", dataset), "d" * 64, use("model", model, **(fields or {})), recipe(**changes))


def prune(
    name: str = "percentile",
    *,
    matched_to: Chain | ChainKey | None = None,
    physical: bool = False,
    skip: Sequence[str] = (),
    schedule: Schedule = "one-shot",
    recipe: Recipe | None = None,
    **fields: Frozen,
) -> Prune:
    """Return a pruning; fields: of the pruner."""
    return Prune(use("pruner", name, **fields), tuple(skip), schedule, recipe, physical, matched_to)


def quantize(bits: int, name: str = "grid", skip: Sequence[str] = (), **fields: Frozen) -> Quantize:
    """Return a quantization; fields: of the quantizer."""
    return Quantize(use("quantizer", name, bits=bits, **fields), tuple(skip))


def finetune(epochs: int = 1, **changes: object) -> Finetune:
    """Return a fine-tuning; changes: of its recipe."""
    return Finetune(recipe(epochs=epochs, **changes))


def chain_of(*later: Step, seed: int = 0, root: Train | None = None, protocol: int = 1) -> Chain:
    """Return the chain of a dense training and the later steps."""
    chain = Chain(root or train(), seed, protocol=protocol)
    for step in later:
        chain = chain.then(step)
    return chain


def layer(name: str = "fc1", zeros: int = 500, *, weights: int = WEIGHTS, bits: float = 32.0, mask: str = "mask"):
    """Return the counts of a layer with one multiply-accumulate for each weight."""
    kept = weights - zeros
    return LayerCounts(name, (10, weights // 10), weights, zeros, weights, kept, float(kept), bits, f"{mask} {zeros}")


def answers(wrong: Iterable[int] = (), examples: int = EXAMPLES) -> NDArray[np.bool_]:
    """Return which test examples are right: all but the places given."""
    right = np.ones(examples, bool)
    right[list(wrong)] = False
    return right


def answers_of(accuracy: float, examples: int = EXAMPLES, shift: int = 0) -> NDArray[np.bool_]:
    """Return answers of this accuracy, right from place `shift` on; two of one shift differ as little as they can."""
    return np.roll(np.arange(examples), shift) < round(accuracy / 100 * examples)


def scored(right: NDArray[np.bool_], *, with_bits: bool = True) -> Metrics:
    """Return the metrics of a network that gave these answers."""
    count, examples = int(right.sum()), len(right)
    numbers = {"accuracy": 100 * count / examples, "correct": count, "examples": examples}
    bits = base64.b64encode(np.packbits(right).tobytes()).decode() if with_bits else None
    return Metrics(numbers, correct_bits=bits)


def make_record(
    *later: Step,
    seed: int = 0,
    line: int = 1,
    role: Role = "row",
    method: str = "percentile",
    setting: str = "sparsity 0.5",
    group: str = "",
    board: str = "hand-made",
    seeds: Sequence[int] = (0, 1, 2),
    rank_by: str | None = None,
    shown: bool = True,
    control: Chain | None = None,
    root: Train | None = None,
    status: Status = "ok",
    reason: str = "it broke",
    right: NDArray[np.bool_] | None = None,
    with_bits: bool = True,
    layers: Sequence[LayerCounts] = (layer("fc1"), layer("fc2")),
    weights: str = "weights",
    data: str = "abcdef0123456789",
    protocol: int = 1,
    zlib: str = "1.3",
    cost: Cost | None = None,
    numbers: Mapping[str, Number | None] | None = None,
    **others: object,
) -> Record:
    """Return the record of a cell; without later steps that of a dense training, or of one pruning for a row.

    right: its answers; without any, its loss is the result. numbers: metrics besides those that follow from the layers
    and the answers. others: the remaining parts of `Metrics`.
    """
    steps = later or (() if line == 0 or role == "dense" else (prune(sparsity=0.5, line=line),))
    chain = chain_of(*steps, seed=seed, root=root, protocol=protocol)
    place = Place(
        board=board,
        title=f"The board {board}",
        question="What is it for?",
        rank_by=rank_by,
        line=line,
        role=role,
        group=group,
        method=method,
        setting=setting,
        seeds=tuple(seeds),
        shown=shown,
        dense=chain.root.key,
        control=control.key if control else None,
    )
    provenance = Provenance(
        benchsuite="0.1.0",
        protocol=protocol,
        python="3.11",
        torch="2.9",
        numpy="2.0",
        zlib=zlib,
        device="cpu",
        plugins=(),
        data=DataOrigin("dots", data),
    )
    if status != "ok":
        return Record(chain, status, provenance, place, error=Failure(reason))
    answered = scored(right, with_bits=with_bits) if right is not None else Metrics()
    measured = {**_totals(layers), "loss": 0.5, **answered.numbers, **(numbers or {})}
    metrics = Metrics(measured, answered.correct_bits, weights, **others)  # type: ignore[arg-type]  # by name
    return Record(chain, status, provenance, place, metrics, tuple(layers), cost=cost or Cost())


def dense_record(seed: int = 0, **changes: object) -> Record:
    """Return the record of the dense training."""
    given = {
        "line": 0,
        "role": "dense",
        "method": "dense",
        "setting": "mlp",
        "layers": (layer("fc1", 0), layer("fc2", 0)),
    }
    return make_record(seed=seed, **(given | changes))  # type: ignore[arg-type]  # by name


def _totals(layers: Sequence[LayerCounts]) -> dict[str, Number]:
    weights, zeros = sum(one.weights for one in layers), sum(one.zeros for one in layers)
    return {
        "nonzeros": weights - zeros,
        "sparsity": zeros / weights,
        "effective_macs": sum(one.effective_macs for one in layers),
        "bits_per_weight": sum(one.bits * one.weights for one in layers) / weights,
        "size_bytes": 10_000,
        "compression": 4.0,
    }
