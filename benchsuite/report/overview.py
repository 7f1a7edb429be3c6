"""An overview of all boards: the best at a sparsity, the choice where nothing is asked, and the cost of bits."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from benchsuite.report.columns import accuracy, change, random_control, sparsity
from benchsuite.report.formats import NOTHING, brief, signed
from benchsuite.report.markdown import LEVEL, grid, marked
from benchsuite.results import Line, Ranking, Verdict, distinguishable
from benchsuite.results.step_queries import (
    BitWidths,
    asked_sparsity,
    bit_widths,
    chooses_sparsity,
    is_quantized,
    is_tuned_on_grid,
    variant,
)

LEVELS = (0.5, 0.8, 0.9)
_NEAR = 0.01
_MOST_TIES = 3
_FLOAT = (32,)


def overview(boards: Sequence[Ranking]) -> str:
    """Return the three tables, each with its question; without those that no board has a line for."""
    parts = [part for part in (_kept(boards), _chosen(boards), _bits(boards)) if part]
    return "\n\n".join(["## Overview", *parts]) if parts else ""


def _kept(boards: Sequence[Ranking]) -> str:
    rows = [row for ranking in boards for row in _best(ranking)]
    if not rows:
        return ""
    headings = ("board", "asked", "trained after", "best", "accuracy %", "Δ dense", "random", "sparse", "ties")
    return f"""### Which method keeps the most accuracy?

Of the rows that ask for 50, 80 or 90 % sparsity and come to it, the most accurate; *ties*: methods not distinguishable
from it, and of how many rows in all. Rows that skip layers and so keep more weights are left out.

{grid(headings, rows, 4)}"""


def _best(ranking: Ranking) -> Iterator[list[str]]:
    kinds: dict[tuple[float, bool, bool, str], list[Line]] = defaultdict(list)
    groups = list(ranking.results.groups)
    for line in ranking.unmatched:
        asked = asked_sparsity(line)
        if asked and asked[0] in LEVELS and not is_quantized(line) and _is_reached(line, *asked):
            kinds[asked[0], asked[1], line.chain.is_tuned, line.group].append(line)
    for kind in sorted(kinds, key=lambda kind: (groups.index(kind[3]), kind)):
        level, channels, tuned, group = kind
        if ranked := ranking.best(kinds[kind]):
            best, ties = ranked
            measured = accuracy(best), change(ranking, best), random_control(ranking, best), sparsity(best)
            yield [
                _place(ranking, group),
                f"{level:.0%}".replace("%", " %") + " of channels" * channels,
                "yes" if tuned else "no",
                f"{best.method} {_extra(best, level)}".strip(),
                *map(marked, measured),
                _ties(ties, len(kinds[kind])),
            ]


def _is_reached(line: Line, level: float, channels: bool) -> bool:
    """Return whether the line has the sparsity that it asked for; that of channels cannot be told from weights."""
    summary = line.metric("sparsity")
    return channels or summary is None or summary.mean > level - _NEAR


def _ties(ties: Sequence[Line], rows: int) -> str:
    if rows == 1:
        return NOTHING
    names = list(dict.fromkeys(line.method for line in ties))
    text = "; ".join(names[:_MOST_TIES]) + (f" and {more} more" if (more := len(names) - _MOST_TIES) > 0 else "")
    return f"{text or 'none'} (of {rows})"


def _extra(line: Line, level: float) -> str:
    """Return its setting without the level, which has a column."""
    return brief(line.setting).replace(f"sparsity {level}", "").strip(" ,")


def _chosen(boards: Sequence[Ranking]) -> str:
    rows = [row for ranking in boards for row in _choices(ranking)]
    if not rows:
        return ""
    others = list(dict.fromkeys(heading for _, scores in rows for heading in scores))
    headings = ("board", "method", "settings", "rows", "sparse", "Δ dense", *(f"against {name}" for name in others))
    table = grid(headings, [[*cells, *(scores.get(name, NOTHING) for name in others)] for cells, scores in rows], 3)
    return f"""### What is chosen where nothing is asked?

Methods that find the sparsity by themselves, one-shot, over all networks and settings of a board's table, smallest to
largest; *against*: how often the paired test finds the row better · not distinguishable · worse at the same sparsity,
each at 5 %.

{table}"""


def _choices(ranking: Ranking) -> Iterator[tuple[list[str], dict[str, str]]]:
    """Yield for each method its cells, and its score against each of the methods that it is compared with."""
    kinds: dict[str, list[Line]] = defaultdict(list)
    for line in ranking.unmatched:
        if line.role == "row" and line.place.shown and chooses_sparsity(line) and not line.chain.is_tuned:
            kinds[line.method].append(line)
    for method, lines in kinds.items():
        scores: dict[str, Counter[Verdict | None]] = defaultdict(Counter)
        for line in lines:
            scores["random"][ranking.against(line, line.controls)] += 1
            for heading, other in ranking.relations.matched.get(line.number, {}).items():
                scores[heading][ranking.against(line, other.records)] += 1
        changes = [estimate.change for line in lines if (estimate := ranking.change(line))]
        sparsities = [summary.mean for line in lines if (summary := line.metric("sparsity"))]
        count = f"{len(lines)}" + (f", {holes} incomplete" if (holes := len(lines) - len(changes)) else "")
        settings = "; ".join(dict.fromkeys(brief(line.setting) for line in lines))
        cells = [_place(ranking, ""), method, settings, count, _range(sparsities, ".3f"), _range(changes, "+.1f")]
        yield cells, {name: _score(verdicts) for name, verdicts in scores.items()}


def _score(verdicts: Counter[Verdict | None]) -> str:
    counts = verdicts["better"], verdicts["level"], verdicts["worse"]
    return " · ".join(map(str, counts)) if any(counts) else NOTHING


def _range(values: Sequence[float], form: str) -> str:
    ends = dict.fromkeys(signed(value, form) for value in (min(values), max(values))) if values else [NOTHING]
    return " … ".join(ends)


def _bits(boards: Sequence[Ranking]) -> str:
    methods = [row for ranking in boards for row in _quantized(ranking)]
    if not methods:
        return ""
    widths = {bits for _, changes in methods for bits in changes}
    ordered = sorted(widths, key=lambda bits: (bits[-1], bits[0]), reverse=True)
    rows = [[*cells, *(changes.get(bits, NOTHING) for bits in ordered)] for cells, changes in methods]
    return f"""### What do bits cost?

Change of accuracy against the dense network, in points, when weights are put on the grid → after training on it;
{LEVEL}: not distinguishable from the dense network after it. *32 bits*: of the pruned network that is quantized.

{grid(("board", "method", *(_width(bits) for bits in ordered)), rows)}"""


def _width(bits: BitWidths) -> str:
    """Return the heading of a column, such as "3 bits", or "3–8 bits" for layers that differ."""
    return "–".join(map(str, dict.fromkeys((bits[0], bits[-1])))) + " bits"


def _quantized(ranking: Ranking) -> Iterator[tuple[list[str], dict[BitWidths, str]]]:
    kinds: dict[tuple[str, str], dict[BitWidths, str]] = defaultdict(dict)
    for line in ranking.primary:
        bits = bit_widths(line)
        if bits:
            changes = kinds[line.group, variant(line)]
            changes[bits] = "; ".join(filter(None, [changes.get(bits), _before_after(ranking, line)]))
            if start := ranking.relations.start.get(line.number):
                changes[_FLOAT] = signed(estimate.change) if (estimate := ranking.change(start)) else start.state
    for (group, method), changes in kinds.items():
        yield [_place(ranking, group), method], changes


def _before_after(ranking: Ranking, line: Line) -> str:
    before, after = ranking.relations.before.get(line.number), ranking.change(line)
    if after is None:
        return line.state or NOTHING
    if not is_tuned_on_grid(line):
        return f"{signed(after.change)} → {NOTHING}"
    mark = "" if distinguishable(after) else f" {LEVEL}"
    untuned = [signed(first.change)] if before and (first := ranking.change(before)) else []
    return " → ".join([*untuned, signed(after.change)]) + mark


def _place(ranking: Ranking, group: str) -> str:
    name = ranking.results.board
    remark = " (one seed)" * (ranking.seeds == 1)
    return f"[{name}](#{name})" + (f" {group}" if group else "") + remark
