"""How a network is trained: one frozen value, part of every key."""

from dataclasses import dataclass
from math import inf
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Optimizer, learning-rate schedule, length and precision of one training.

    Errors: ValueError for a value out of range.
    """

    optimizer: Literal["sgd", "adam"] = "sgd"
    lr: float = 0.1
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine", "step"] = "constant"
    """`cosine` falls to 0 over the epochs; `step` divides the rate by 10 at each milestone."""
    milestones: tuple[int, ...] = ()
    epochs: int = 10
    batch_size: int = 128
    augmentation: tuple[Literal["crop", "flip"], ...] = ()
    """`crop`: pad 4 and crop at random; `flip`: mirror half of the images."""
    precision: Literal["float32", "bf16"] = "float32"
    """`bf16`: autocast, convolutions channels-last; weights, their gradients and the loss stay float32."""
    compile: bool = False
    """Compile the network first (torch.compile; needs a C++ compiler): for trainings of many minutes."""

    def __post_init__(self) -> None:
        if self.epochs < 0 or self.batch_size < 1:
            raise ValueError(f"epochs must be >= 0 and batch_size >= 1, not {self.epochs} and {self.batch_size}")
        if not (0 < self.lr < inf and 0 <= self.momentum < inf and 0 <= self.weight_decay < inf):
            raise ValueError("lr must be > 0, momentum and weight_decay >= 0, and all finite")
