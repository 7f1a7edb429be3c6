"""A comparison at the same realised sparsity: how often rows are better than those matched to them, by how much."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from benchsuite.report.formats import NOTHING, signed
from benchsuite.report.markdown import grid

from .comparisons import RANDOM, Against, Comparison, Key, comparisons
from .rows import Board, Row, absent
from .schema import Matched, Part
from .wording import POINTS, counted, number, span

_METHOD = """\
A difference is one of mean accuracy, in points, over the same seeds and test examples; of a \
board of one seed, over these examples alone, as if another training would give the same, and of one seed on a board \
of several, with the dispersion that the others tell. *Better* and *worse* are \
told by the paired test at a false discovery rate of 5 % over all {comparisons} of this claim (Benjamini and Hochberg \
1995); the others are *even*. What is matched to a row has its sparsity over the whole network; its `{random}` control \
has it layer by layer, and so does the control of what is matched. The two controls together show what the division \
among the layers does, whichever weights are kept."""

_SHARED = """\
What boards share is tested once, with the dispersions of the first of them, and has the same verdict on each."""

_TALLY = "better / even / worse"

Group = tuple[tuple[object, ...], list[Comparison]]


def tested(claim: Matched, boards: Sequence[Board]) -> list[str]:
    """Return the blocks of the document that say what the records show."""
    compared, holes = comparisons(boards, claim.where)
    if not compared:
        return ["Not tested: no committed board has such rows and rows that are matched to them."]
    left_out = f" {counted(holes, 'comparison')} had to be left out: a seed has no result." if holes else ""
    unique = _once(compared)
    shared = f" {_SHARED}" if len(unique) < len(compared) else ""
    missing = absent(boards, claim.where)
    parts = [(part, [comparison for comparison in compared if comparison.row.has(part.where)]) for part in claim.parts]
    return [
        *(_summary(part, chosen) for part, chosen in parts),
        *([f"Not run: {', '.join(missing)}."] if missing else []),
        _METHOD.format(comparisons=counted(len(unique), "comparison"), random=RANDOM.heading) + shared + left_out,
        *(block for part, of in parts if of for block in _tables(claim, part, of)),
    ]


def _summary(part: Part, compared: Sequence[Comparison]) -> str:
    """Return a summary of a part: a line for each kind of its comparisons."""
    if not compared:
        return f"{part.name}: no rows to compare."
    compared, every = _once(compared), compared
    lines = [f"{part.name} ({counted(len(_rows(compared)), 'row')}{_repeated(every)}):\n"]
    for against in _kinds(compared):
        of = [comparison for comparison in compared if comparison.against == against]
        better, even, worse = _tally(of)
        lines.append(
            f"- {against.sentence}: **{_frequency(better, worse)}** (better in {better}, even in {even}, worse in"
            f" {worse}); on average {signed(_mean(of), POINTS)} points, {_range(of)}."
        )
    return "\n".join(lines)


def _repeated(compared: Sequence[Comparison]) -> str:
    """Return the reason why tables by board have more rows than there are in all, if they do."""
    more = len({id(comparison.row) for comparison in compared}) - len(_rows(compared))
    if not more:
        return ""
    does = "repeats networks of another board and stands" if more == 1 else "repeat networks of another board and stand"
    return f"; {more:,} more {does} only in tables by board"


def _tables(claim: Matched, part: Part, compared: Sequence[Comparison]) -> Iterator[str]:
    kinds = _kinds(compared)
    for by in part.by:
        groups: dict[tuple[object, ...], list[Comparison]] = {}
        for comparison in compared if "board" in by else _once(compared):
            groups.setdefault(tuple(comparison.row.value(name, claim.along) for name in by), []).append(comparison)
        headings = [*by, "rows", "sparsity", "Δ dense"]
        headings += [heading for against in kinds for heading in (f"Δ {against.heading}", _TALLY)]
        lines = [_line(key, of, kinds) for key, of in _ordered(list(groups.items()))]
        yield f"**{part.name}, by {' and '.join(by)}**\n\n{grid(headings, lines, len(by))}"


def _line(key: tuple[object, ...], compared: Sequence[Comparison], kinds: Sequence[Against]) -> list[str]:
    rows = _rows(compared)
    sparsities = [summary.mean for row in rows if (summary := row.line.metric("sparsity"))]
    changes = [change.change for row in rows if (change := row.board.effects.change(row.line))]
    line = [NOTHING if value is None else f"{value:.3g}" if isinstance(value, float) else str(value) for value in key]
    line += [str(len(rows)), number(fmean(sparsities), 3) if sparsities else NOTHING]
    line += [signed(fmean(changes), POINTS) if changes else NOTHING]
    for against in kinds:
        of = [comparison for comparison in compared if comparison.against == against]
        line += [signed(_mean(of), POINTS), " / ".join(map(str, _tally(of)))] if of else [NOTHING] * 2
    return line


def _ordered(groups: Sequence[Group]) -> list[Group]:
    """Return the groups in order: numbers by their size, all else as the boards have it."""
    seen = [list(dict.fromkeys(column)) for column in zip(*(key for key, _ in groups), strict=True)]

    def place(group: Group) -> list[float]:
        return [
            value if isinstance(value, int | float) else float(values.index(value))
            for value, values in zip(group[0], seen, strict=True)
        ]

    return sorted(groups, key=place)


def _frequency(better: int, worse: int) -> str:
    """Return a tally in a few words."""
    if better and worse:
        return "sometimes better, sometimes worse"
    return "never worse" if better else "never better" if worse else "never told apart"


def _tally(compared: Iterable[Comparison]) -> tuple[int, int, int]:
    """Return the numbers of those that are better, even and worse."""
    signs = [comparison.sign for comparison in compared]
    return signs.count(1), signs.count(0), signs.count(-1)


def _mean(compared: Iterable[Comparison]) -> float:
    return fmean(comparison.estimate.change for comparison in compared)


def _range(compared: Iterable[Comparison]) -> str:
    return span(comparison.estimate.change for comparison in compared)


def _once(compared: Iterable[Comparison]) -> list[Comparison]:
    """Return the comparisons without those that another board repeats: boards may share networks."""
    unique: dict[Key, Comparison] = {}
    for comparison in compared:
        unique.setdefault(comparison.key, comparison)
    return list(unique.values())


def _kinds(compared: Iterable[Comparison]) -> list[Against]:
    return list(dict.fromkeys(comparison.against for comparison in compared))


def _rows(compared: Iterable[Comparison]) -> list[Row]:
    """Return the rows that are compared, each once."""
    return list(
        {
            tuple(record.key for record in comparison.row.line.records): comparison.row for comparison in compared
        }.values()
    )
