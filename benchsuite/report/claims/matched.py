"""A comparison at the same realised sparsity: how often rows are better than what is matched to them, by how much."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from benchsuite.report.claims.comparisons import RANDOM, Against, Comparison, Key, comparisons
from benchsuite.report.claims.rows import Board, Row, absent
from benchsuite.report.claims.schema import Matched, Part
from benchsuite.report.claims.wording import POINTS, counted, number, span
from benchsuite.report.formats import NOTHING, signed
from benchsuite.report.markdown import grid

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
    """The blocks of the document that say what the records show."""
    found, holes = comparisons(boards, claim.where)
    if not found:
        return ["Not tested: no committed board has such rows and rows that are matched to them."]
    left_out = f" {counted(holes, 'comparison')} had to be left out: a seed has no result." if holes else ""
    unique = _once(found)
    shared = f" {_SHARED}" if len(unique) < len(found) else ""
    missing = absent(boards, claim.where)
    parts = [(part, [one for one in found if one.row.has(part.where)]) for part in claim.parts]
    return [
        *(_told(part, of) for part, of in parts),
        *([f"Not run: {', '.join(missing)}."] if missing else []),
        _METHOD.format(comparisons=counted(len(unique), "comparison"), random=RANDOM.heading) + shared + left_out,
        *(block for part, of in parts if of for block in _tables(claim, part, of)),
    ]


def _told(part: Part, found: Sequence[Comparison]) -> str:
    """What all comparisons of a part say, a line for each kind of them."""
    if not found:
        return f"{part.name}: no rows to compare."
    found, every = _once(found), found
    lines = [f"{part.name} ({counted(len(_rows(found)), 'row')}{_repeated(every)}):\n"]
    for against in _kinds(found):
        of = [one for one in found if one.against == against]
        better, even, worse = _tally(of)
        lines.append(
            f"- {against.sentence}: **{_frequency(better, worse)}** (better in {better}, even in {even}, worse in"
            f" {worse}); on average {signed(_mean(of), POINTS)} points, {span(one.estimate.change for one in of)}."
        )
    return "\n".join(lines)


def _repeated(found: Sequence[Comparison]) -> str:
    """Why tables by board have more rows than there are in all."""
    more = len({id(one.row) for one in found}) - len(_rows(found))
    if not more:
        return ""
    does = "repeats networks of another board and stands" if more == 1 else "repeat networks of another board and stand"
    return f"; {more:,} more {does} only in tables by board"


def _tables(claim: Matched, part: Part, found: Sequence[Comparison]) -> Iterator[str]:
    kinds = _kinds(found)
    for by in part.by:
        groups: dict[tuple[object, ...], list[Comparison]] = {}
        for one in found if "board" in by else _once(found):
            groups.setdefault(tuple(one.row.value(name, claim.along) for name in by), []).append(one)
        headings = [*by, "rows", "sparsity", "Δ dense"]
        headings += [heading for against in kinds for heading in (f"Δ {against.heading}", _TALLY)]
        lines = [_line(key, of, kinds) for key, of in _ordered(list(groups.items()))]
        yield f"**{part.name}, by {' and '.join(by)}**\n\n{grid(headings, lines, len(by))}"


def _line(key: tuple[object, ...], found: Sequence[Comparison], kinds: Sequence[Against]) -> list[str]:
    rows = _rows(found)
    sparsities = [summary.mean for row in rows if (summary := row.line.metric("sparsity"))]
    changes = [change.change for row in rows if (change := row.board.effects.change(row.line))]
    line = [NOTHING if one is None else f"{one:.3g}" if isinstance(one, float) else str(one) for one in key]
    line += [str(len(rows)), number(fmean(sparsities), 3) if sparsities else NOTHING]
    line += [signed(fmean(changes), POINTS) if changes else NOTHING]
    for against in kinds:
        of = [one for one in found if one.against == against]
        line += [signed(_mean(of), POINTS), " / ".join(map(str, _tally(of)))] if of else [NOTHING] * 2
    return line


def _ordered(groups: Sequence[Group]) -> list[Group]:
    """Numbers by their size, all else as the boards have it."""
    seen = [list(dict.fromkeys(column)) for column in zip(*(key for key, _ in groups), strict=True)]

    def place(group: Group) -> list[float]:
        return [
            value if isinstance(value, int | float) else float(values.index(value))
            for value, values in zip(group[0], seen, strict=True)
        ]

    return sorted(groups, key=place)


def _frequency(better: int, worse: int) -> str:
    """A tally in a few words."""
    if better and worse:
        return "sometimes better, sometimes worse"
    return "never worse" if better else "never better" if worse else "never told apart"


def _tally(found: Iterable[Comparison]) -> tuple[int, int, int]:
    """How many are better, even, worse."""
    signs = [one.sign for one in found]
    return signs.count(1), signs.count(0), signs.count(-1)


def _mean(found: Iterable[Comparison]) -> float:
    return fmean(one.estimate.change for one in found)


def _once(found: Iterable[Comparison]) -> list[Comparison]:
    """Without those that another board repeats: boards may share networks."""
    unique: dict[Key, Comparison] = {}
    for one in found:
        unique.setdefault(one.key, one)
    return list(unique.values())


def _kinds(found: Iterable[Comparison]) -> list[Against]:
    return list(dict.fromkeys(one.against for one in found))


def _rows(found: Iterable[Comparison]) -> list[Row]:
    """Those that are compared, each once."""
    return list({tuple(record.key for record in one.row.line.records): one.row for one in found}.values())
