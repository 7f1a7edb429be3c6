"""The verdict on a method as a whole: the evidence of its rows together, where each of them alone says too little."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import false_discovery_control

from benchsuite.compare.lines import RowId
from benchsuite.metrics.paired import Estimate
from benchsuite.metrics.pooled import Pooled, pooled


class Method(NamedTuple):
    """The rows of a board that differ in their setting alone."""

    board: str
    role: str
    group: str
    method: str

    @property
    def label(self) -> str:
        """The method's name in a sentence."""
        return " ".join(filter(None, [self.group, self.method]))


@dataclass(frozen=True)
class MethodFinding:
    """The verdict on a method, from its changed rows together."""

    method: Method
    rows: int
    pooled: Pooled
    q_worse: float
    """The p-value of a loss, adjusted for the number of methods."""
    regressed: bool


def judge_methods(
    estimates: Iterable[tuple[RowId, Estimate]], smallest_effect: float, alpha: float
) -> tuple[MethodFinding, ...]:
    """Judge each method of several changed rows that can be tested; controls, which nobody chose, are left out."""
    by_method = _by_method(estimates)
    means = [pooled(members) for members in by_method.values()]
    chances = [mean.p_worse for mean in means]
    adjusted: Sequence[float] = false_discovery_control(np.array(chances)).tolist() if chances else []
    return tuple(
        MethodFinding(method, len(members), mean, q, q <= alpha and mean.change <= -smallest_effect)
        for (method, members), mean, q in zip(by_method.items(), means, adjusted, strict=True)
    )


def _by_method(estimates: Iterable[tuple[RowId, Estimate]]) -> Mapping[Method, list[Estimate]]:
    by_method: dict[Method, list[Estimate]] = {}
    for row, estimate in estimates:
        if row.role == "row" and estimate.testable:
            by_method.setdefault(Method(row.board, row.role, row.group, row.method), []).append(estimate)
    return {method: members for method, members in sorted(by_method.items()) if len(members) > 1}
