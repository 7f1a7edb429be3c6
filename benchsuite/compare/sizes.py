"""The exact tier: comparison of what is counted, not estimated: zeros, masks, bits, multiply-accumulates and bytes.

From the same dense network, a method that has not changed counts the same, to the last weight. After training,
rounding may move a few weights to zero or away. Where the dense networks themselves differ, a method that chooses its
sparsity chooses another one, and only values outside the range of the seeds are evidence of a change.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from benchsuite.results.pairing import PairedLine, RecordPair
from benchsuite.store import Record

COUNTS = {
    "nonzeros": "weights kept",
    "bits_per_weight": "bits",
    "effective_macs": "MACs",
    "size_bytes": "bytes",
}
"""The metrics that are better if they are less, and their names in a table."""
TRAINED = 0.01
"""Tolerated share of a count where something was trained after compression began; of bytes, also where other weights
were kept or another zlib packed them."""
PACKED = 0.005
"""Tolerated share of the bytes in any case: equal counts pack into a little more or less."""
OTHER_PARENT = 0.05
"""Tolerated share of a count where the dense networks differ."""
APART = 2.0
"""Required distance between the runs there, in ranges of the seeds of either run."""
LOSS = 1e-3
"""Tolerated share of the loss, where it is the result."""
ROUNDED = 1e-9
"""Losses no further apart are equal: so little of a loss is rounding, which differs between processors."""


@dataclass(frozen=True)
class Change:
    """A count that is not what it was."""

    metric: str
    relative: float
    """(new − base) / base, over all pairs."""

    @property
    def worse(self) -> bool:
        """True if it takes more than before."""
        return self.relative > 0

    @property
    def text(self) -> str:
        """The change in words, such as "MACs +3.1 %"."""
        if math.isinf(self.relative):
            return f"{self.metric} diverged"
        digits = 1 if abs(self.relative) >= 0.0005 else 3
        return f"{COUNTS.get(self.metric, self.metric)} {100 * self.relative:+.{digits}f} %".replace("-", "−")


def identical(line: PairedLine) -> bool:
    """Return whether every count and the outcome of every test example is equal in both runs."""
    return line.paired and all(_is_equal(pair.base, pair.new) for pair in line.pairs) and not changes(line)


def changes(line: PairedLine) -> list[Change]:
    """Return the counts that changed by more than is tolerated."""
    return [Change(metric, relative) for metric in COUNTS if (relative := _change(line, metric))]


def loses(line: PairedLine) -> bool:
    """Return whether the loss is higher over all pairs, even if by chance."""
    return _loss_change(line.pairs) > LOSS


def loss_changes(line: PairedLine) -> list[Change] | None:
    """Return the change of the loss, of rows whose result it is; None where the seeds disagree."""
    if any(_has(pair.base, "loss") and not _has(pair.new, "loss") for pair in line.pairs):
        return [Change("loss", math.inf)]
    values = [_loss_change([pair]) for pair in line.pairs]
    if all(abs(value) <= LOSS for value in values):
        return []
    if line.paired:
        agree = all(value > LOSS for value in values) or all(value < -LOSS for value in values)
        return [Change("loss", _loss_change(line.pairs))] if agree else None
    relative = _apart(line, "loss", LOSS)
    return [Change("loss", relative)] if relative else None


def notes(line: PairedLine) -> Iterator[str]:
    """Yield the difference of the masks, which is neither better nor worse by itself."""
    if not _from_same_parents(line):
        return
    for pair in line.pairs:
        if _zeros(pair.base) != _zeros(pair.new):
            if not _relative([pair], "nonzeros"):
                yield "zeros moved between layers"
                return
        elif _masks(pair.base) != _masks(pair.new):
            yield "masks differ"
            return


def _change(line: PairedLine, metric: str) -> float:
    """Return the relative change if it is more than is tolerated; else 0."""
    if not _from_same_parents(line):
        return _apart(line, metric, OTHER_PARENT)
    relative = _relative(line.pairs, metric)
    return relative if abs(relative) > max(_tolerance(pair, metric) for pair in line.pairs) else 0.0


def _from_same_parents(line: PairedLine) -> bool:
    return all(pair.same_parent for pair in line.pairs)


def _apart(line: PairedLine, metric: str, tolerance: float) -> float:
    """Return the relative change if the runs lie further apart than the tolerance and APART ranges of seeds; else 0."""
    values = line.values(metric)
    if values is None or min(map(len, values)) < 2:
        return 0.0
    base, new = values
    gap = max(min(new) - max(base), min(base) - max(new))
    within = max(max(run) - min(run) for run in values)
    return _relative(line.pairs, metric) if gap > max(APART * within, tolerance * abs(fmean(base))) else 0.0


def _tolerance(pair: RecordPair, metric: str) -> float:
    """Return the tolerated share of a sum from equal parents."""
    if metric == "size_bytes":
        same_zlib = pair.base.provenance.zlib == pair.new.provenance.zlib
        if _masks(pair.base) != _masks(pair.new) or not same_zlib:
            return TRAINED
    if pair.base.chain.is_tuned or pair.new.chain.is_tuned:
        return TRAINED
    return PACKED if metric == "size_bytes" else 0.0


def _relative(pairs: Sequence[RecordPair], metric: str) -> float:
    """Return (new − base) / base of the sums over the pairs; 0 where a record lacks the metric."""
    values = _both_values(pairs, metric)
    if len(values) < len(pairs):
        return 0.0
    before, after = (sum(run) for run in zip(*values, strict=True))
    if before == after:
        return 0.0
    return (after - before) / abs(before) if before else math.copysign(1.0, after)


def _loss_change(pairs: Sequence[RecordPair]) -> float:
    """Return the relative change of the loss; 0 where no pair is further apart than rounding."""
    losses = _both_values(pairs, "loss")
    if len(losses) == len(pairs) and all(abs(base - new) <= ROUNDED for base, new in losses):
        return 0.0
    return _relative(pairs, "loss")


def _both_values(pairs: Sequence[RecordPair], metric: str) -> list[tuple[float, float]]:
    """Return a metric before and now, of the pairs that have both."""
    values = [(pair.base.metrics.number(metric), pair.new.metrics.number(metric)) for pair in pairs]
    return [(base, new) for base, new in values if base is not None and new is not None]


def _has(record: Record, metric: str) -> bool:
    return record.metrics.number(metric) is not None


def _zeros(record: Record) -> list[int]:
    return [layer.zeros for layer in record.layers]


def _masks(record: Record) -> list[str]:
    return [layer.mask_sha256 for layer in record.layers]


def _is_equal(base: Record, new: Record) -> bool:
    """Return whether the answers, or else the losses, and the counts of all layers are equal."""
    return _answers(base) == _answers(new) and _layer_facts(base) == _layer_facts(new)


def _answers(record: Record) -> tuple[object, ...]:
    numbers = record.metrics.numbers
    if "correct" in numbers:
        return record.metrics.correct_bits, numbers["correct"], numbers.get("examples")
    return (numbers.get("loss"),)


def _layer_facts(record: Record) -> list[tuple[object, ...]]:
    return [
        (layer.name, layer.shape, layer.zeros, layer.mask_sha256, layer.bits, layer.effective_macs)
        for layer in record.layers
    ]
