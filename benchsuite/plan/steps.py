"""A result is a chain: steps as frozen values, and the key that names a chain before it runs."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import ClassVar, Literal, TypeAlias

from benchsuite.api import Recipe
from benchsuite.registry import Kind

PROTOCOL = 1
"""Raised by hand whenever the harness would give other numbers for the same chain."""

Frozen: TypeAlias = "bool | int | float | str | tuple[Frozen, ...] | None"
Schedule = Literal["one-shot", "linear", "cubic"]


@dataclass(frozen=True)
class Use:
    """A configured plugin: its name, all its fields in order, and the digest of its source."""

    kind: Kind
    name: str
    fields: tuple[tuple[str, Frozen], ...]
    source: str

    def settings(self) -> dict[str, object]:
        """The fields in JSON values, as the plugin's entry takes them: a field may want a list, not a tuple."""
        return {name: _thawed(value) for name, value in self.fields}

    def canonical(self) -> dict[str, object]:
        """What of it enters a key and a record."""
        return {"name": self.name, "fields": dict(self.fields), "source": self.source}


def _thawed(value: Frozen) -> object:
    return [_thawed(one) for one in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Step:
    """One link of a chain."""

    verb: ClassVar[str]

    def canonical(self) -> dict[str, object]:
        """The step in JSON values: everything that its outcome depends on, besides the steps before."""
        raise TypeError(f"{type(self).__name__} is not a step of its own")

    @cached_property
    def text(self) -> str:
        """The canonical form as the bytes that are hashed."""
        return json.dumps(self.canonical(), sort_keys=True, separators=(",", ":"))

    @property
    def epochs_trained(self) -> int:
        """Epochs of training in this step; a step that trains leaves a model in the store."""
        return 0


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

    def canonical(self) -> dict[str, object]:
        return {
            "step": self.verb,
            "dataset": self.dataset.canonical(),
            "data": self.data,
            "model": self.model.canonical(),
            "recipe": asdict(self.recipe),
            "regularizer": self.regularizer and self.regularizer.canonical(),
            "weights": self.weights,
        }

    @property
    def epochs_trained(self) -> int:
        return self.recipe.epochs


@dataclass(frozen=True)
class Prune(Step):
    """Prune once, or by a schedule over the epochs of `recipe` that raises `sparsity` to its value."""

    verb: ClassVar[str] = "prune"
    repeated_protocol: ClassVar[int] = 2
    """Raised by hand like PROTOCOL, where other numbers come of chains with more than one masking alone."""
    pruner: Use
    skip: tuple[str, ...] = ()
    schedule: Schedule = "one-shot"
    recipe: Recipe | None = None
    """Of the epochs of a schedule; None where it is one-shot."""
    physical: bool = False
    """Whether channels are removed rather than weights masked."""
    matched_to: "Chain | None" = None
    """Take the sparsity from the outcome of that chain: layer by layer, or in total at scope network."""
    repeated: bool = False
    """Whether weights were masked before in the chain, which `Chain.then` sees to."""

    def canonical(self) -> dict[str, object]:
        step: dict[str, object] = {
            "step": self.verb,
            "pruner": self.pruner.canonical(),
            "skip": self.skip,
            "schedule": self.schedule,
            "recipe": self.recipe and asdict(self.recipe),
            "physical": self.physical,
            "matched_to": self.matched_to and self.matched_to.key,
        }
        return {**step, "protocol": self.repeated_protocol} if self.repeated else step

    @property
    def epochs_trained(self) -> int:
        return self.recipe.epochs if self.recipe else 0


@dataclass(frozen=True)
class Finetune(Step):
    """Train on, with masks frozen and quantizers active."""

    verb: ClassVar[str] = "finetune"
    recipe: Recipe

    def canonical(self) -> dict[str, object]:
        return {"step": self.verb, "recipe": asdict(self.recipe)}

    @property
    def epochs_trained(self) -> int:
        return self.recipe.epochs


@dataclass(frozen=True)
class Quantize(Step):
    """Put the weights on a grid; a later fine-tuning is then quantization-aware."""

    verb: ClassVar[str] = "quantize"
    protocol: ClassVar[int] = 2
    """Raised by hand like PROTOCOL, where other numbers come of chains with this step alone."""
    quantizer: Use
    skip: tuple[str, ...] = ()

    def canonical(self) -> dict[str, object]:
        return {
            "step": self.verb,
            "quantizer": self.quantizer.canonical(),
            "skip": self.skip,
            "protocol": self.protocol,
        }


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps from a dense training to an outcome, with one seed; equal if the keys are."""

    step: Step
    seed: int
    parent: "Chain | None" = None
    key: str = field(init=False)
    """SHA-256 over protocol, seed and all steps: 40 hex digits."""

    def __post_init__(self) -> None:
        before = self.parent.key if self.parent else f"protocol {PROTOCOL} seed {self.seed}"
        object.__setattr__(self, "key", sha256(f"{before}\n{self.step.text}".encode()).hexdigest()[:40])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    def then(self, step: Step) -> "Chain":
        """The chain with one more step."""
        if isinstance(step, Prune):
            step = replace(step, repeated=not step.physical and self.first_masking is not None)
        return Chain(step, self.seed, self)

    def links(self) -> "Iterator[Chain]":
        """The prefixes, from the root to the chain itself."""
        if self.parent:
            yield from self.parent.links()
        yield self

    @property
    def steps(self) -> tuple[Step, ...]:
        """All steps, the dense training first."""
        return tuple(link.step for link in self.links())

    @property
    def root(self) -> "Chain":
        """The dense training that this chain starts from."""
        return self.parent.root if self.parent else self

    @property
    def training(self) -> Train:
        """The step of the root."""
        step = self.root.step
        if not isinstance(step, Train):
            raise TypeError(f"a chain starts with Train, not {step.verb}")
        return step

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Those of its trainings that have epochs, in order."""
        found = (getattr(step, "recipe", None) for step in self.steps)
        return tuple(recipe for recipe in found if isinstance(recipe, Recipe) and recipe.epochs)

    @property
    def first_masking(self) -> "Chain | None":
        """The prefix that ends in the first pruning by masks; None of a chain without one."""
        prunings = (link for link in self.links() if isinstance(link.step, Prune) and not link.step.physical)
        return next(prunings, None)

    @property
    def depth(self) -> int:
        """Number of steps before the last."""
        return self.parent.depth + 1 if self.parent else 0

    def references(self) -> "Iterator[Chain]":
        """Chains whose outcome this one takes a level from."""
        for step in self.steps:
            if isinstance(step, Prune) and step.matched_to:
                yield step.matched_to

    def random_stream(self) -> int:
        """Seed of the last step's randomness: of seed and position alone, so that rows share their noise."""
        return int.from_bytes(sha256(f"{self.seed}/{self.depth}".encode()).digest()[:7], "big")
