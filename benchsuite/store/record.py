"""One planned cell, one record: typed parts, and their one canonical line of JSON."""

import base64
import binascii
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import ConfigDict, Field, with_config

from benchsuite.chain import JSON, Chain
from benchsuite.metrics.by_name import ByName
from benchsuite.metrics.layer_counts import LARGEST, Amount, Count, LayerCounts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SCHEMA = 1

Status = Literal["ok", "failed", "timeout", "skipped"]
Role = Literal["dense", "row", "control"]
Number = int | float
Finite: TypeAlias = Annotated[int, Field(ge=-LARGEST, le=LARGEST)] | Annotated[float, Field(allow_inf_nan=False)]

MACHINE = "machine"
_MACHINE_REASONS = re.compile(
    "took longer than the .* seconds that it may|took more than the .* of memory that it may|killed by SIGKILL"
)
"""Found in the reasons of records that were written before errors had a cause."""
_DIVERGED = "diverged: the loss is NaN or infinite (a record of an older version, which called it a result)"

_closed = with_config(ConfigDict(extra="forbid"))
"""A part whose reader refuses keys that it does not know."""


@_closed
@dataclass(frozen=True)
class Place(ByName):
    """The place of a record on a board: what a table is made from."""

    board: str
    title: str
    question: str
    rank_by: str | None
    line: Count
    """Which line of the table; the seeds of a line differ in nothing else."""
    role: Role
    group: str
    """Which dense training the line starts from, where a board has several."""
    method: str
    setting: str
    seeds: Annotated[tuple[Count, ...], Field(min_length=1)]
    """The planned seeds of the line."""
    shown: bool
    """Whether the board's short table has the line."""
    dense: str
    """Key of the dense parent."""
    control: str | None
    """Key of the random control."""
    committed: bool | None = None
    """True for a committed result that a run copied beside its own."""


@_closed
@dataclass(frozen=True)
class Histogram(ByName):
    """Counts of values in bins between neighbouring edges."""

    edges: tuple[Finite, ...]
    counts: tuple[Count, ...]

    def __post_init__(self) -> None:
        if len(self.edges) != len(self.counts) + 1:
            raise ValueError(f"{len(self.edges)} edges do not bound {len(self.counts)} bins")


@dataclass(frozen=True)
class Metrics(Mapping[str, JSON]):
    """The measurements of a network: numbers by name, and other values. For notebooks, a mapping over all of them."""

    numbers: Mapping[str, Number | None] = field(default_factory=dict)
    """Metrics by name; None where a number is not finite."""
    correct_bits: str | None = None
    """The right answers among the test examples, as packed bits in base64."""
    weights_sha256: str | None = None
    """Digest of the effective weights: its first 16 hex digits."""
    audit: Mapping[str, Finite] | None = None
    """Facts from the audits of prunings."""
    bn_scales: Histogram | None = None
    """BatchNorm scales |γ|."""
    solution: tuple[Finite, ...] | None = None
    """All weights of a network so small that they are its result."""
    support: tuple[Count, ...] | None = None
    """Places of those that are not zero."""

    def number(self, name: str) -> Number | None:
        """Return a metric; None if it was not measured or is not finite."""
        value = self.numbers.get(name)
        return value if value is not None and math.isfinite(value) else None

    def answers(self) -> "NDArray[np.bool_] | None":
        """Return which test examples the network answered right, shape (examples,); None if that is not known."""
        examples = self.number("examples")
        if self.correct_bits is None or examples is None:
            return None
        import numpy as np

        packed = np.frombuffer(base64.b64decode(self.correct_bits), np.uint8)
        return np.unpackbits(packed, count=int(examples)).astype(bool)

    def count_correct_bits(self) -> int | None:
        """Return the number of packed bits that are set; None if they are not the bits of that many examples."""
        try:
            packed = base64.b64decode(self.correct_bits or "", validate=True)
        except binascii.Error:
            return None
        padding, number = 8 * len(packed) - int(self.number("examples") or 0), int.from_bytes(packed, "big")
        if not 0 <= padding < 8 or number % (1 << padding):
            return None
        return number.bit_count()

    def to_json(self) -> dict[str, JSON]:
        """Return the numbers beside the other parts that there are."""
        parts = {name: value for name, value in _values(self).items() if name != "numbers"}
        return {**self.numbers, **{name: _listed(value) for name, value in _known(parts).items()}}

    def __getitem__(self, name: str) -> JSON:
        return self.to_json()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.to_json())

    def __len__(self) -> int:
        return len(self.to_json())


@_closed
@dataclass(frozen=True)
class Cost(ByName):
    """The price of a record: besides the epochs, it depends on the machine."""

    epochs: Count | None = None
    seconds: Amount | None = None
    """Wall-clock seconds to compute the record."""
    train_seconds: Amount | None = None
    """Wall-clock seconds of the last step's training."""
    latency_ms: Amount | None = None
    """Median milliseconds of a forward pass."""
    latency_batch: Count | None = None
    """Examples in that pass."""


@_closed
@dataclass(frozen=True)
class PluginOrigin(ByName):
    """Where a plugin came from; distribution and version are unknown for one that could not be loaded."""

    kind: str
    name: str
    source: str
    distribution: str | None = None
    version: str | None = None


@_closed
@dataclass(frozen=True)
class DataOrigin(ByName):
    """A data set by name, and the fingerprint of its bytes."""

    name: str
    fingerprint: str


@_closed
@dataclass(frozen=True)
class Provenance(ByName):
    """Versions, plugins, data and machine behind a record; nothing of it enters a key but through the steps."""

    benchsuite: str
    protocol: Count
    python: str
    torch: str
    numpy: str
    zlib: str
    device: str
    plugins: tuple[PluginOrigin, ...]
    data: DataOrigin
    instructions: str | None = None
    """Vector instructions that torch's kernels use."""
    threads: Count | None = None
    processor: str | None = None
    """Model of the processor: sums are split otherwise on another one, and trainings end in other networks."""
    blas: str | None = None
    """Libraries that torch multiplies matrices and convolves with."""


@_closed
@dataclass(frozen=True)
class Failure(ByName):
    """The reason why a cell has no result."""

    reason: str
    traceback: str | None = None
    output: str | None = None
    """Printed output of the plugins."""
    cause: str | None = None
    """MACHINE where the machine ended the computation, and not the plugin."""


@dataclass(frozen=True)
class Record:
    """The outcome of one chain; with `place`, of one cell of a board."""

    chain: Chain
    status: Status
    provenance: Provenance
    place: Place | None = None
    metrics: Metrics = field(default_factory=Metrics)
    layers: tuple[LayerCounts, ...] = ()
    history: Mapping[str, tuple[JSON, ...]] = field(default_factory=dict)
    """Of the chain's last step, if it trained: by name, one value for each epoch."""
    cost: Cost = field(default_factory=Cost)
    error: Failure | None = None

    @property
    def key(self) -> str:
        """The key of the chain."""
        return self.chain.key

    @property
    def seed(self) -> int:
        """The seed of the chain."""
        return self.chain.seed

    @property
    def cell(self) -> Mapping[str, JSON]:
        """The question in JSON values, for notebooks: seed, steps, and the place on the board."""
        return self.to_json()["cell"]  # type: ignore[return-value]  # an object, as built below

    @property
    def is_final(self) -> bool:
        """Whether another computation would end alike: not where the machine ended this one, or one it builds on."""
        if self.status == "ok" or self.error is None:
            return self.status != "timeout"
        by_machine = self.error.cause == MACHINE or _MACHINE_REASONS.search(self.error.reason)
        return not (self.status == "timeout" or by_machine)

    @property
    def as_result(self) -> "Record":
        """The record as results are read: without a finite loss it is none, whatever an older version called it."""
        if self.status != "ok" or self.metrics.numbers.get("loss", 0.0) is not None:
            return self
        return replace(self, status="failed", metrics=Metrics(), layers=(), error=Failure(_DIVERGED))

    def at(self, place: Place) -> "Record":
        """Return the record as a cell of a board."""
        return replace(self, place=place)

    def to_json(self) -> dict[str, JSON]:
        """Return the record in JSON values."""
        place = _values(self.place) if self.place else {}
        if place.get("committed") is None:
            place.pop("committed", None)
        return {
            "schema": SCHEMA,
            "key": self.key,
            "status": self.status,
            "cell": {"seed": self.seed, "steps": self.chain.to_json(), **place},
            "metrics": self.metrics.to_json(),
            "layers": [dict(vars(layer)) for layer in self.layers],
            "history": self.history,
            "cost": _known(_values(self.cost)),
            "provenance": {
                **_known(_values(self.provenance)),
                "plugins": [_known(_values(plugin)) for plugin in self.provenance.plugins],
            },
            "error": _known(_values(self.error)) if self.error else None,
        }

    @cached_property
    def text(self) -> str:
        """One line of JSON in canonical form: sorted keys, shortest digits that give the number back."""
        values = _finite(self.to_json())
        text = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        return text.encode("utf-8", "backslashreplace").decode("utf-8")  # a lone surrogate becomes its JSON escape


_NESTED = Histogram | DataOrigin


def _values(part: object) -> dict[str, JSON]:
    return {name: dict(vars(value)) if isinstance(value, _NESTED) else value for name, value in vars(part).items()}


def _listed(value: JSON) -> JSON:
    """Give a tuple as the list that JSON knows."""
    return list(value) if isinstance(value, tuple) else value


def _known(values: Mapping[str, JSON]) -> dict[str, JSON]:
    """Leave out what is not known: it has no key in a line."""
    return {name: value for name, value in values.items() if value is not None}


def _finite(value: JSON) -> JSON:
    """JSON has no NaN and no infinity: a loss that diverged is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
