"""The lines of a board that its page shows: those the board chose, and no more than people read."""

from collections import defaultdict
from collections.abc import Sequence

from benchsuite.results import Line, Ranking
from benchsuite.results.step_queries import variant

MOST = 30


def short(ranking: Ranking) -> list[Line]:
    """Return the lines of the short table, in the order of the table.

    If there are too many, every second, third, … of each method's at each dense network is left out; at last the
    lowest are.
    """
    chosen = [line for line in ranking.primary if line.role == "dense" or line.place.shown]
    for step in range(1, len(chosen) + 1):
        kept = _every(step, chosen)
        if len(kept) <= MOST:
            return kept
    return chosen[:MOST]


def _every(step: int, lines: Sequence[Line]) -> list[Line]:
    """Return each dense network, and of each method's lines the first and every `step`-th after it."""
    curves: dict[tuple[str, str, bool], int] = defaultdict(int)
    kept = []
    for line in lines:
        curve = line.group, variant(line), line.chain.is_tuned
        if line.role == "dense" or curves[curve] % step == 0:
            kept.append(line)
        curves[curve] += 1
    return kept
