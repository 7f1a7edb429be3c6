"""The exact tier: what is counted, not estimated. Zeros, masks, bits, multiply-accumulates and bytes.

From the same dense network, a method that has not changed counts the same, to the last weight. Where training came
after, rounding may move a few weights to zero or away; where the dense networks themselves differ, a method that
chooses its own sparsity chooses another, and only what lies outside the range of the seeds says something.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import cast

from benchsuite.compare.lines import Compared, Pair
from benchsuite.store import Record

COUNTS = {
    "nonzeros": "weights kept",
    "bits_per_weight": "bits",
    "effective_macs": "MACs",
    "size_bytes": "bytes",
}
"""What is better if it is less, and how a table calls it."""
TRAINED = 0.01
"""How much of a count may change where something was trained after compression began; of bytes, also where other
weights were kept or another zlib packed them."""
PACKED = 0.005
"""How much of the bytes may change in any case: equal counts pack into a little more or less."""
OTHER_PARENT = 0.05
"""How much of a count has to change where the dense networks differ."""
APART = 2.0
"""And how many times the range of the seeds of either run has to lie between the runs."""
LOSS = 1e-3
"""How much of the loss, where it is the result."""
ROUNDED = 1e-9
"""Losses no further apart are equal: what is left of zero is rounding, and its own on each processor."""


@dataclass(frozen=True)
class Change:
    """A count that is not what it was."""

    metric: str
    relative: float
    """(new − base) / base, over all pairs."""

    @property
    def worse(self) -> bool:
        """Whether it takes more than before."""
        return self.relative > 0

    @property
    def text(self) -> str:
        """In words, such as "MACs +3.1 %"."""
        if math.isinf(self.relative):
            return f"{self.metric} diverged"
        digits = 1 if abs(self.relative) >= 0.0005 else 3
        return f"{COUNTS.get(self.metric, self.metric)} {100 * self.relative:+.{digits}f} %".replace("-", "−")


def identical(line: Compared) -> bool:
    """Whether nothing that is counted, and no test example, tells the runs apart."""
    return line.paired and all(_facts(pair.base) == _facts(pair.new) for pair in line.pairs) and not changes(line)


def changes(line: Compared) -> list[Change]:
    """The counts that changed by more than may happen."""
    return [Change(metric, relative) for metric in COUNTS if (relative := _change(line, metric))]


def loses(line: Compared) -> bool:
    """Whether the loss is higher over all pairs, be it by chance."""
    return _loss_change(line.pairs) > LOSS


def loss_changes(line: Compared) -> list[Change] | None:
    """The change of the loss, of lines whose result it is; None where the seeds do not tell."""
    if any(_is_number(pair.base, "loss") and not _is_number(pair.new, "loss") for pair in line.pairs):
        return [Change("loss", math.inf)]
    values = [_loss_change([pair]) for pair in line.pairs]
    if all(abs(value) <= LOSS for value in values):
        return []
    if line.paired:
        agree = all(value > LOSS for value in values) or all(value < -LOSS for value in values)
        return [Change("loss", _loss_change(line.pairs))] if agree else None
    relative = _apart(line, "loss", LOSS)
    return [Change("loss", relative)] if relative else None


def notes(line: Compared) -> Iterator[str]:
    """What differs and is neither better nor worse by itself."""
    if not all(pair.same_parent for pair in line.pairs):
        return
    for pair in line.pairs:
        if _differ(pair, "zeros"):
            if not _relative([pair], "nonzeros"):
                yield "zeros moved between layers"
                return
        elif _differ(pair, "mask_sha256"):
            yield "masks differ"
            return


def _change(line: Compared, metric: str) -> float:
    """The relative change beyond what may happen; 0 where there is none."""
    if not all(pair.same_parent for pair in line.pairs):
        return _apart(line, metric, OTHER_PARENT)
    relative = _relative(line.pairs, metric)
    return relative if abs(relative) > max(_tolerance(pair, metric) for pair in line.pairs) else 0.0


def _apart(line: Compared, metric: str, tolerance: float) -> float:
    """The relative change, if between the runs lies more than the tolerance and than APART ranges of seeds; else 0."""
    values = line.values(metric)
    if values is None or min(map(len, values)) < 2:
        return 0.0
    base, new = values
    gap = max(min(new) - max(base), min(base) - max(new))
    within = max(max(run) - min(run) for run in values)
    return _relative(line.pairs, metric) if gap > max(APART * within, tolerance * abs(fmean(base))) else 0.0


def _tolerance(pair: Pair, metric: str) -> float:
    """How much of the sum may change from equal parents: of bytes, also if other weights were kept."""
    if metric == "size_bytes" and (_differ(pair, "mask_sha256") or _zlib(pair.base) != _zlib(pair.new)):
        return TRAINED
    if trained(pair.base) or trained(pair.new):
        return TRAINED
    return PACKED if metric == "size_bytes" else 0.0


def _zlib(record: Record) -> object:
    return record.provenance.get("zlib")


def trained(record: Record) -> bool:
    """Whether anything was trained after the dense network."""
    steps = record.cell.get("steps")
    return isinstance(steps, list) and any(step.get("recipe") for step in steps[1:])


def _relative(pairs: Sequence[Pair], metric: str) -> float:
    """(new − base) / base of the sums over the pairs; 0 where a record lacks the metric."""
    if not all(_is_number(record, metric) for pair in pairs for record in (pair.base, pair.new)):
        return 0.0
    before, after = (sum(cast(float, record.metrics[metric]) for record in run) for run in _runs(pairs))
    if before == after:
        return 0.0
    return (after - before) / abs(before) if before else math.copysign(1.0, after)


def _loss_change(pairs: Sequence[Pair]) -> float:
    """The relative change of the loss; 0 where no pair is further apart than rounding."""
    losses = [[record.metrics.get("loss") for record in (pair.base, pair.new)] for pair in pairs]
    known = [cast(list[float], both) for both in losses if all(isinstance(one, int | float) for one in both)]
    if len(known) == len(pairs) and all(abs(base - new) <= ROUNDED for base, new in known):
        return 0.0
    return _relative(pairs, "loss")


def _runs(pairs: Sequence[Pair]) -> tuple[list[Record], list[Record]]:
    return [pair.base for pair in pairs], [pair.new for pair in pairs]


def _is_number(record: Record, metric: str) -> bool:
    return isinstance(record.metrics.get(metric), int | float)


def _differ(pair: Pair, name: str) -> bool:
    return _of_layers(pair.base, name) != _of_layers(pair.new, name)


def _of_layers(record: Record, name: str) -> list[object]:
    return [layer.get(name) for layer in record.layers]


def _facts(record: Record) -> list[object]:
    results = ("correct_bits", "correct", "examples") if "correct" in record.metrics else ("loss",)
    counts = ("name", "shape", "zeros", "mask_sha256", "bits", "effective_macs")
    return [record.metrics.get(name) for name in results] + [_of_layers(record, name) for name in counts]
