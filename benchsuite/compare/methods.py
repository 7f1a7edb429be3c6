"""The verdict on a method as a whole: what its lines say together where each of them alone says too little."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import false_discovery_control

from benchsuite.compare.lines import Place
from benchsuite.metrics.paired import Estimate
from benchsuite.metrics.pooled import Pooled, pooled


class Method(NamedTuple):
    """The lines of a board that differ in their setting alone."""

    board: str
    role: str
    group: str
    method: str

    @property
    def label(self) -> str:
        """How a sentence names it."""
        return " ".join(filter(None, [self.group, self.method]))


@dataclass(frozen=True)
class Together:
    """What the changed lines of a method say together."""

    method: Method
    lines: int
    pooled: Pooled
    q_worse: float
    """The p-value of a loss, adjusted for the number of methods."""
    regressed: bool


def together(estimates: Iterable[tuple[Place, Estimate]], smallest_effect: float, alpha: float) -> tuple[Together, ...]:
    """Judge each method of several changed lines that can be tested; controls, which nobody chose, are left out."""
    found = _by_method(estimates)
    means = [pooled(own) for own in found.values()]
    chances = [mean.p_worse for mean in means]
    adjusted: Sequence[float] = false_discovery_control(np.array(chances)).tolist() if chances else []
    return tuple(
        Together(method, len(own), mean, q, q <= alpha and mean.change <= -smallest_effect)
        for (method, own), mean, q in zip(found.items(), means, adjusted, strict=True)
    )


def _by_method(estimates: Iterable[tuple[Place, Estimate]]) -> Mapping[Method, list[Estimate]]:
    found: dict[Method, list[Estimate]] = {}
    for place, estimate in estimates:
        if place.role == "row" and estimate.testable:
            found.setdefault(Method(place.board, place.role, place.group, place.method), []).append(estimate)
    return {method: own for method, own in sorted(found.items()) if len(own) > 1}
