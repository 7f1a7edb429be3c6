"""A claim that accuracy is kept from some value of a field on, tested on the thresholds of the curves."""

import math
from collections.abc import Iterable, Sequence

import numpy as np

from benchsuite.report.formats import NOTHING, signed
from benchsuite.report.markdown import grid

from .agreement import Agreement, agreements, centre
from .fits import FEWEST_POINTS, Turn
from .schema import TurningPoint
from .sweeps import LEFT_OUT, Sweep, grouped
from .wording import POINTS, counted, listing, number, span

_METHOD = """\
*Threshold*: the smallest {symbol} from which on the loss of accuracy against the dense parents stays within the \
points that count as kept, with straight lines between the points of the sweep over ln {symbol}; its 95 % interval \
holds each {symbol} whose loss the test paired by seed and example cannot tell from them. {at} *above* an interval has \
kept more than it had to; *below* it, too little. The threshold of a network is the median over its curves, and its \
interval that of theirs: curves of the same dense networks err together. *p, if one*: the chance of thresholds so far \
apart if all networks of a board turned at one {symbol} (Cochran 1954); below 5 % that counts as ruled out. *Mean*: \
geometric, over the networks of a board, with Student's 95 % interval for the mean of networks like these; it says \
nothing of a single one. *Bend*: the corner of the flat and the sloping line that fit the loss best by least squares \
over ln {symbol} (Muggeo 2003); *refitted*: the same without the {left_out} smallest {symbol}. An ellipsis: beyond the \
sweep."""

_SIDES = {-1: "below", 0: "inside", 1: "above"}
_SIDES_OF_MEDIAN = {-1: "below", 0: "neither below nor above", 1: "above"}
_MOVED = 0.1
_LEVEL = 0.05
_LEAST_CHANCE = 0.001


def tested(claim: TurningPoint, sweeps: Sequence[Sweep], missing: Sequence[str], pictures: Sequence[str]) -> list[str]:
    """Return the blocks of the document that say what the sweeps show.

    missing: the boards without records; pictures: the paths of the drawings.
    """
    if not sweeps:
        return [f"Not tested: no committed board has a sweep of {FEWEST_POINTS} points along {claim.along}."]
    at = f"{claim.symbol} = {claim.at:g}"
    boards = agreements(sweeps, claim.every_tolerance)
    return [
        _verdict(claim, at, sweeps),
        "\n".join(f"- {_agreement(claim, of)}" for of in boards),
        _tolerances(claim, at, sweeps),
        _boards(claim, boards),
        _means(claim, at, boards),
        _bends(claim, sweeps),
        *([f"Not run: {', '.join(missing)}."] if missing else []),
        _METHOD.format(symbol=claim.symbol, at=at, left_out=LEFT_OUT),
        _networks(claim, at, sweeps),
        *(f"![loss along {claim.along}]({picture})" for picture in pictures),
        *(f"**{board}**\n\n{_variants(claim, at, of)}" for board, of in grouped(sweeps, lambda sweep: sweep.board)),
    ]


def _verdict(claim: TurningPoint, at: str, sweeps: Sequence[Sweep]) -> str:
    """Return on which side of the median of all curves the claimed value lies, for all tolerances."""
    log, sides = math.log(claim.at), dict[str, list[str]]()
    for tolerance in claim.every_tolerance:
        middle = centre(_estimates(sweeps, tolerance))
        side = _SIDES_OF_MEDIAN[int(log > middle) - int(log < middle)]
        sides.setdefault(side, []).append(f"{_points([tolerance])} ({_value(middle)})")
    (first, of), *others = sides.items()
    places = [f"{first} the median threshold of {counted(len(sweeps), 'curve')} for {listing(of)}"]
    places += [f"{side} it for {listing(of)}" for side, of in others]
    changes = [sweep.change[place] for sweep in sweeps if (place := sweep.index(claim.at)) is not None]
    return (
        (f"**Where {at} lies depends on what counts as kept**: " if others else "")
        + f"{at} lies {', '.join(places)}."
        + (f" At {at} accuracy changes by {span(changes)} points from curve to curve." if changes else "")
    )


def _agreement(claim: TurningPoint, of: Sequence[Agreement]) -> str:
    """Return whether the networks of a board can have one turning point, in words."""
    shown = next(agreement for agreement in of if agreement.tolerance == claim.tolerance)
    if len(shown.networks) < 2:
        return f"{shown.board}: one network, so nothing is said of others."
    rulings: dict[str, list[float]] = {}
    for agreement in of:
        rulings.setdefault(_ruling(agreement.chance), []).append(agreement.tolerance)
    verdicts = ", ".join(f"{ruling} for {_points(tolerances)}" for ruling, tolerances in rulings.items())
    low, high = (f"{_value(shown.networks[name].estimate)} ({name})" for name in shown.extremes)
    return f"{shown.board}: {verdicts}; for {_points([claim.tolerance])} the networks' thresholds are {low} to {high}."


def _ruling(chance: float | None) -> str:
    if chance is None:
        return "**not tested**"
    return "**no common turning point**" if chance < _LEVEL else "a common turning point is **not ruled out**"


def _means(claim: TurningPoint, at: str, boards: Sequence[Sequence[Agreement]]) -> str:
    """Return where the claimed value lies beside the means of the boards, and how wide their intervals are."""
    means = [agreement.mean for of in boards for agreement in of if agreement.mean]
    if not means:
        return ""
    sides = [_side(claim, turn) for turn in means]
    return (
        f"{at} lies below the interval of a board's mean in {sides.count(-1)}, inside in {sides.count(0)} and above in"
        f" {sides.count(1)} of {counted(len(means), 'case')} of board and points; the upper end of these intervals is"
        f" {span(np.exp(turn.high - turn.low) for turn in means)} times the lower."
    )


def _tolerances(claim: TurningPoint, at: str, sweeps: Sequence[Sweep]) -> str:
    """Return a table with a line for each tolerance, over all curves."""
    lines = []
    for tolerance in claim.every_tolerance:
        estimates = _estimates(sweeps, tolerance)
        sides = " / ".join(map(str, _places(claim, sweeps, tolerance)))
        lines.append([_points([tolerance]), str(len(sweeps)), _value(centre(estimates)), _range(estimates), sides])
    headings = ["kept within", "curves", f"median threshold, {claim.symbol}", "range", f"{at} below / inside / above"]
    return grid(headings, lines, 1)


def _boards(claim: TurningPoint, boards: Sequence[Sequence[Agreement]]) -> str:
    """Return a table with a line for each board and tolerance."""
    lines = [
        [
            agreement.board,
            _points([agreement.tolerance]),
            str(len(agreement.networks)),
            _range(turn.estimate for turn in agreement.networks.values()),
            _chance(agreement.chance),
            _interval(agreement.mean) if agreement.mean else NOTHING,
        ]
        for of in boards
        for agreement in of
    ]
    headings = ["board", "kept within", "networks", f"thresholds, {claim.symbol}", "p, if one", "mean [95 %]"]
    return grid(headings, lines, 2)


def _bends(claim: TurningPoint, sweeps: Sequence[Sweep]) -> str:
    """Return whether the corners stay where they are when the sweep is shorter, in words."""
    both = [(sweep.bend, sweep.refitted) for sweep in sweeps if math.isfinite(sweep.refitted)]
    if not both:
        return ""
    moved = sum(abs(math.exp(bend) - math.exp(refitted)) > _MOVED for bend, refitted in both)
    before, after = (_value(centre(bends)) for bends in zip(*both, strict=True))
    lesson = ": such a curve has no corner of its own" if moved else ""
    return (
        f"**Bends that depend on the range of the sweep: {moved} of {len(both)}.** Fitted again without the"
        f" {LEFT_OUT} smallest {claim.symbol}, {moved or 'none'} moved by more than {_MOVED:g}{lesson}. The median of"
        f" all went from {before} to {after}."
    )


def _networks(claim: TurningPoint, at: str, sweeps: Sequence[Sweep]) -> str:
    """Return a table with a line for each board and network."""
    lines = []
    for (board, network), of in grouped(sweeps, lambda sweep: (sweep.board, sweep.network)):
        estimates = _estimates(of, claim.tolerance)
        sparsities = [sweep.sparsity_at(log) for sweep, log in zip(of, estimates, strict=True)]
        sides = " / ".join(map(str, _places(claim, of, claim.tolerance)))
        bends, refitted = [sweep.bend for sweep in of], [sweep.refitted for sweep in of]
        line = [board, network, str(len(of)), _range(estimates), span(sparsities, 3), sides]
        lines.append([*line, _range(bends), _range(refitted)])
    headings = ["board", "network", "curves", _threshold(claim), "sparsity", f"{at} below / inside / above"]
    return grid([*headings, f"bend, {claim.symbol}", "refitted"], lines, 2)


def _variants(claim: TurningPoint, at: str, sweeps: Iterable[Sweep]) -> str:
    """Return a table with a line for each curve of a board."""
    lines = []
    for sweep in sweeps:
        turn = sweep.threshold(claim.tolerance)
        line = [sweep.network, sweep.variant, _change(sweep, claim.at), _interval(turn), _SIDES[_side(claim, turn)]]
        lines.append([*line, _value(sweep.bend), _value(sweep.refitted)])
    headings = ["network", "variant", f"change at {at}", _threshold(claim), f"{at} is"]
    return grid([*headings, f"bend, {claim.symbol}", "refitted"], lines, 2)


def _threshold(claim: TurningPoint) -> str:
    return f"threshold for {_points([claim.tolerance])}, {claim.symbol}"


def _estimates(sweeps: Iterable[Sweep], tolerance: float) -> list[float]:
    return [sweep.threshold(tolerance).estimate for sweep in sweeps]


def _places(claim: TurningPoint, sweeps: Iterable[Sweep], tolerance: float) -> tuple[int, int, int]:
    """Return the numbers of intervals that the claimed value lies below, inside and above."""
    sides = [_side(claim, sweep.threshold(tolerance)) for sweep in sweeps]
    return sides.count(-1), sides.count(0), sides.count(1)


def _side(claim: TurningPoint, turn: Turn) -> int:
    return turn.side(math.log(claim.at))


def _points(tolerances: Sequence[float]) -> str:
    """Return tolerances in words: "0.5 and 1 points"."""
    unit = "point" if list(tolerances) == [1] else "points"
    return f"{listing([f'{tolerance:g}' for tolerance in tolerances])} {unit}"


def _change(sweep: Sweep, value: float) -> str:
    place = sweep.index(value)
    return NOTHING if place is None else f"{signed(sweep.change[place], POINTS)} ± {number(sweep.margin[place])}"


def _interval(turn: Turn) -> str:
    return f"{_value(turn.estimate)} [{_value(turn.low)}, {_value(turn.high)}]"


def _chance(chance: float | None) -> str:
    if chance is None:
        return NOTHING
    return number(chance, 3) if chance >= _LEAST_CHANCE else f"< {_LEAST_CHANCE:g}"


def _range(logs: Iterable[float]) -> str:
    """Return the least and the greatest value of the field, and the number of those beyond the sweep."""
    every = list(logs)
    beyond = sum(map(math.isinf, every))
    inner = span(np.exp(log) for log in every if math.isfinite(log))
    return f"{inner}, {beyond} beyond" if beyond else inner


def _value(log: float) -> str:
    """Return the value of the field; an ellipsis where it lies beyond the sweep."""
    if math.isnan(log):
        return NOTHING
    return number(math.exp(log)) if math.isfinite(log) else "…"
