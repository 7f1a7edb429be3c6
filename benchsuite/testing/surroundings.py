"""What all code of a process shares, and a plugin leaves alone: global randomness and torch's settings."""

import pickle
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from benchsuite.execution import guard

Access = tuple[Callable[[], object], Callable[..., object]]
"""How to get it and how to set it."""


def _torch_state() -> bytes:
    return torch.get_rng_state().numpy().tobytes()


def _set_torch_state(state: bytes) -> None:
    torch.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


RANDOMNESS: Mapping[str, Access] = {
    "the state of random": (random.getstate, random.setstate),
    "the state of numpy.random": (np.random.get_state, np.random.set_state),
    "the state of torch's generator": (_torch_state, _set_torch_state),
}

SETTINGS: Mapping[str, Access] = {one.name: (one.read, one.write) for one in guard.SETTINGS}


@dataclass(frozen=True)
class Surroundings:
    """Parts of the process's shared state as they were at one moment."""

    parts: Mapping[str, Access]
    values: Mapping[str, object]

    @classmethod
    def now(cls, parts: Mapping[str, Access]) -> "Surroundings":
        """As they are."""
        return cls(parts, {name: get() for name, (get, _) in parts.items()})

    def changed(self) -> list[str]:
        """The names of what is different now."""
        return [name for name, (get, _) in self.parts.items() if _bytes(get()) != _bytes(self.values[name])]

    def restore(self) -> None:
        """Put back what is different; setting what has not changed is not free of effects."""
        for name in self.changed():
            self.parts[name][1](self.values[name])


@contextmanager
def preserved() -> Iterator[None]:
    """Afterwards the process's shared state is what it was, whatever happened."""
    before = Surroundings.now({**RANDOMNESS, **SETTINGS})
    try:
        yield
    finally:
        before.restore()


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """All global generators start from `seed`; afterwards they are where they were."""
    before = Surroundings.now(RANDOMNESS)
    random.seed(seed)
    np.random.seed(seed)  # the very state that others share
    torch.manual_seed(seed)
    try:
        yield
    finally:
        before.restore()


def _bytes(value: object) -> bytes:
    return pickle.dumps(value)
