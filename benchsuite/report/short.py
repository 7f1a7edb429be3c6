"""Which lines of a board a page shows: those the board chose, told by themselves, and no more than one reads."""

from collections import defaultdict
from collections.abc import Sequence

from benchsuite.report.chains import is_tuned, variant
from benchsuite.report.lines import Line
from benchsuite.report.standings import Standings

MOST = 30


def short(standings: Standings) -> list[Line]:
    """The lines of the short table, in the order of the table.

    Of too many, every second, third, … of each method's at each dense network is left out; at last the lowest are.
    """
    chosen = [line for line in standings.primary if line.role == "dense" or _is_shown(line)]
    for step in range(1, len(chosen) + 1):
        kept = _every(step, chosen)
        if len(kept) <= MOST:
            return kept
    return chosen[:MOST]


def _is_shown(line: Line) -> bool:
    return bool(line.records[0].cell["shown"])


def _every(step: int, lines: Sequence[Line]) -> list[Line]:
    """The first of each method's lines and every so many after it, and each dense network."""
    curves: dict[tuple[str, str, bool], int] = defaultdict(int)
    kept = []
    for line in lines:
        curve = line.group, variant(line), is_tuned(line)
        if line.role == "dense" or curves[curve] % step == 0:
            kept.append(line)
        curves[curve] += 1
    return kept
