"""The steps of a chain: frozen values, each with the one JSON form that keys hash and records hold."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from benchsuite.api import Recipe
from benchsuite.registry import Kind

if TYPE_CHECKING:
    from benchsuite.chain.chain import Chain

Frozen: TypeAlias = "bool | int | float | str | tuple[Frozen, ...] | None"
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
Schedule = Literal["one-shot", "linear", "cubic"]

REPEATED_MASKING = 2
"""Raised by hand like PROTOCOL, where other numbers come of chains that mask weights more than once."""


@dataclass(frozen=True)
class Use:
    """A configured plugin: its name, all its fields in order, and the digest of its source."""

    kind: Kind
    name: str
    fields: tuple[tuple[str, Frozen], ...]
    source: str

    def settings(self) -> dict[str, JSON]:
        """Return the fields in JSON values, as the plugin's entry takes them: a field may want a list, not a tuple."""
        return {name: _to_lists(value) for name, value in self.fields}

    def get(self, field: str) -> Frozen:
        """Return the value of a field; None if there is no such field."""
        return dict(self.fields).get(field)

    def to_json(self) -> dict[str, JSON]:
        """Return the part that enters keys and records."""
        return {"name": self.name, "fields": dict(self.fields), "source": self.source}


def _to_lists(value: Frozen) -> JSON:
    return [_to_lists(item) for item in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class ChainKey:
    """A chain of which only the key is known, such as a reference in a record."""

    key: str


@dataclass(frozen=True)
class Step:
    """One link of a chain."""

    verb: ClassVar[str]

    def to_json(self) -> dict[str, JSON]:
        """Return the step in JSON values: everything that its outcome depends on, besides the steps before."""
        raise TypeError(f"{type(self).__name__} is not a step of its own")

    @cached_property
    def text(self) -> str:
        """The JSON form as the bytes that are hashed."""
        return json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))

    @property
    def plugins(self) -> tuple[Use, ...]:
        """The plugins that the step uses."""
        return ()

    @property
    def trained_by(self) -> Recipe | None:
        """The recipe of the step's training; None of a step that trains nothing."""
        return None

    @property
    def epochs_trained(self) -> int:
        """Epochs of training in this step; a step that trains leaves a model in the store."""
        return self.trained_by.epochs if self.trained_by else 0


@dataclass(frozen=True)
class Train(Step):
    """Dense training: the root of every chain."""

    verb: ClassVar[str] = "train"
    dataset: Use
    data: str
    """Fingerprint of the data's bytes."""
    model: Use
    recipe: Recipe
    regularizer: Use | None = None
    weights: str | None = None
    """Digest of a checkpoint that training starts from; None: from a fresh initialisation."""
    weights_file: Path | None = field(default=None, compare=False)
    """Where the checkpoint was when the board was planned; no part of the key."""

    def to_json(self) -> dict[str, JSON]:
        return {
            "step": self.verb,
            "dataset": self.dataset.to_json(),
            "data": self.data,
            "model": self.model.to_json(),
            "recipe": dict(vars(self.recipe)),
            "regularizer": self.regularizer.to_json() if self.regularizer else None,
            "weights": self.weights,
        }

    @property
    def plugins(self) -> tuple[Use, ...]:
        return (self.dataset, self.model, *([self.regularizer] if self.regularizer else []))

    @property
    def trained_by(self) -> Recipe | None:
        return self.recipe


@dataclass(frozen=True)
class Prune(Step):
    """Prune once, or by a schedule over the epochs of `recipe` that raises `sparsity` to its value."""

    verb: ClassVar[str] = "prune"
    pruner: Use
    skip: tuple[str, ...] = ()
    schedule: Schedule = "one-shot"
    recipe: Recipe | None = None
    """Of the epochs of a schedule; None where it is one-shot."""
    physical: bool = False
    """Whether channels are removed rather than weights masked."""
    matched_to: "Chain | ChainKey | None" = None
    """Take the sparsity from the outcome of that chain: layer by layer, or in total at scope network."""
    protocol: int | None = None
    """REPEATED_MASKING where the chain masked weights before, which `Chain.then` sees to."""

    def to_json(self) -> dict[str, JSON]:
        step: dict[str, JSON] = {
            "step": self.verb,
            "pruner": self.pruner.to_json(),
            "skip": self.skip,
            "schedule": self.schedule,
            "recipe": dict(vars(self.recipe)) if self.recipe else None,
            "physical": self.physical,
            "matched_to": self.matched_to.key if self.matched_to else None,
        }
        return step if self.protocol is None else {**step, "protocol": self.protocol}

    @property
    def plugins(self) -> tuple[Use, ...]:
        return (self.pruner,)

    @property
    def trained_by(self) -> Recipe | None:
        return self.recipe


@dataclass(frozen=True)
class Finetune(Step):
    """Train on, with masks frozen and quantizers active."""

    verb: ClassVar[str] = "finetune"
    recipe: Recipe

    def to_json(self) -> dict[str, JSON]:
        return {"step": self.verb, "recipe": dict(vars(self.recipe))}

    @property
    def trained_by(self) -> Recipe | None:
        return self.recipe


@dataclass(frozen=True)
class Quantize(Step):
    """Put the weights on a grid; a later fine-tuning is then quantization-aware."""

    verb: ClassVar[str] = "quantize"
    quantizer: Use
    skip: tuple[str, ...] = ()
    protocol: int = 2
    """Raised by hand like PROTOCOL, where other numbers come of chains with this step alone."""

    def to_json(self) -> dict[str, JSON]:
        return {
            "step": self.verb,
            "quantizer": self.quantizer.to_json(),
            "skip": self.skip,
            "protocol": self.protocol,
        }

    @property
    def plugins(self) -> tuple[Use, ...]:
        return (self.quantizer,)
