"""A result is a chain: its steps in order, one seed, and the key that names it before it runs."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from benchsuite.api import Recipe
from benchsuite.chain.reader import read_step
from benchsuite.chain.steps import JSON, REPEATED_MASKING, Prune, Step, Train, Use

PROTOCOL = 1
"""Raised by hand whenever the harness would give other numbers for the same chain."""


@dataclass(frozen=True, eq=False)
class Chain:
    """Steps from a dense training to an outcome, with one seed; equal if the keys are."""

    step: Step
    seed: int
    parent: "Chain | None" = None
    protocol: int = PROTOCOL
    """The protocol of the harness; a record may be of an earlier one."""
    key: str = field(init=False)
    """SHA-256 over protocol, seed and all steps: 40 hex digits."""

    def __post_init__(self) -> None:
        before = self.parent.key if self.parent else f"protocol {self.protocol} seed {self.seed}"
        object.__setattr__(self, "key", sha256(f"{before}\n{self.step.text}".encode()).hexdigest()[:40])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and other.key == self.key

    def __hash__(self) -> int:
        return hash(self.key)

    @classmethod
    def from_json(cls, steps: JSON, seed: int, protocol: int = PROTOCOL) -> "Chain":
        """Return the chain of steps in their JSON form, as records hold them.

        Chains that others take a level from are known by their keys. Errors: ValueError naming step and field.
        """
        if not isinstance(steps, list | tuple) or not steps:
            raise ValueError("steps: should be a list of at least one step")
        chain: Chain | None = None
        for number, table in enumerate(steps):
            step = read_step(table, f"steps[{number}]")
            if isinstance(step, Train) != (number == 0):
                raise ValueError(f"steps[{number}]: a chain starts with its one dense training")
            chain = cls(step, seed, chain, protocol)
        assert chain is not None, "there is at least one step"
        return chain

    def to_json(self) -> list[JSON]:
        """Return the steps in their JSON form."""
        return [step.to_json() for step in self.steps]

    def then(self, step: Step) -> "Chain":
        """Return the chain with one more step."""
        if isinstance(step, Prune):
            is_repeated = not step.physical and self.first_masking is not None
            step = replace(step, protocol=REPEATED_MASKING if is_repeated else None)
        return Chain(step, self.seed, self, self.protocol)

    def links(self) -> "Iterator[Chain]":
        """Yield the prefixes, from the root to the chain itself."""
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
        """The recipes of its trainings that have epochs, in order."""
        return tuple(recipe for step in self.steps if (recipe := step.trained_by) and recipe.epochs)

    @property
    def first_masking(self) -> "Chain | None":
        """The prefix that ends in the first pruning by masks; None without one."""
        prunings = (link for link in self.links() if isinstance(link.step, Prune) and not link.step.physical)
        return next(prunings, None)

    @property
    def depth(self) -> int:
        """Number of steps before the last."""
        return self.parent.depth + 1 if self.parent else 0

    @property
    def is_tuned(self) -> bool:
        """Whether anything is trained after the dense training."""
        return any(step.epochs_trained for step in self.steps[1:])

    def plugins(self) -> Iterator[Use]:
        """Yield the plugins that the steps use, in order."""
        for step in self.steps:
            yield from step.plugins

    def references(self) -> "Iterator[Chain]":
        """Yield the planned chains whose outcome this one takes a level from."""
        for step in self.steps:
            if isinstance(step, Prune) and isinstance(step.matched_to, Chain):
                yield step.matched_to

    def random_stream(self) -> int:
        """Return the seed of the last step's randomness: of seed and position alone, so that rows share their noise."""
        return int.from_bytes(sha256(f"{self.seed}/{self.depth}".encode()).digest()[:7], "big")
