"""A claim that accuracy is kept from some value of a field on: where each curve turns, by two definitions."""

import math
from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import TypeVar

import numpy as np

from benchsuite.report.claims.fits import FEWEST_POINTS, Turn
from benchsuite.report.claims.schema import TurningPoint
from benchsuite.report.claims.sweeps import Sweep
from benchsuite.report.claims.wording import NOTHING, number, signed, span, table

_METHOD = """\
Two definitions, since a curve without a corner has no one turning point, both over ln {symbol}. \
*Threshold*: the smallest {symbol} from which on the loss of accuracy against the dense parents stays within \
{tolerance}, with straight lines between the points of the sweep; its 95 % interval holds each {symbol} whose loss the \
test paired by seed and example cannot tell from {tolerance}. \
*Bend*: the corner of the flat and the sloping line that fit the loss best by least squares (Muggeo 2003), with its \
95 % profile interval, in which the misfit counts as noise. \
{at} *above* an interval has kept more than it had to; *below* it, too little."""

_SIDES = {-1: "below", 0: "inside", 1: "above"}

Key = TypeVar("Key")
Definition = Callable[[Sweep], Turn]
_DEFINITIONS: dict[str, Definition] = {"threshold": lambda sweep: sweep.threshold, "bend": lambda sweep: sweep.bend}


def tested(claim: TurningPoint, found: Sequence[Sweep], missing: Sequence[str], pictures: Sequence[str]) -> list[str]:
    """The blocks of the document that say what the sweeps show.

    missing: the boards without records; pictures: the paths of the drawings.
    """
    if not found:
        return [f"Not tested: no committed board has a sweep of {FEWEST_POINTS} points along {claim.along}."]
    at = f"{claim.symbol} = {claim.at:g}"
    points = f"{claim.tolerance:g} " + ("point" if claim.tolerance == 1 else "points")
    return [
        *(_verdict(claim, at, found, name) for name in _DEFINITIONS),
        *([f"Not run: {', '.join(missing)}."] if missing else []),
        _METHOD.format(symbol=claim.symbol, tolerance=points, at=at),
        _networks(claim, at, found),
        *(f"![loss along {claim.along}]({picture})" for picture in pictures),
        *(f"**{board}**\n\n{_variants(claim, at, of)}" for board, of in grouped(found, lambda one: one.board)),
    ]


def _verdict(claim: TurningPoint, at: str, found: Sequence[Sweep], name: str) -> str:
    """What one definition says, in words."""
    turns = [_DEFINITIONS[name](sweep) for sweep in found]
    below, inside, above = _places(claim, turns)
    middle = _value(median(turn.estimate for turn in turns))
    medians = {
        network: median(_DEFINITIONS[name](one).estimate for one in of)
        for network, of in grouped(found, lambda one: f"{one.network} on {one.board}".removeprefix(" on "))
    }
    least, most = min(medians, key=lambda one: medians[one]), max(medians, key=lambda one: medians[one])
    return (
        f"**By the {name}, {at} may be the turning point of {inside} of {len(turns)} curves**, whose intervals hold it;"
        f" it lies above the interval of {above} and below that of {below}. The estimates are {_range(turns)}, with the"
        f" median {middle}; by network the median is lowest for {least} ({_value(medians[least])}) and highest for"
        f" {most} ({_value(medians[most])})."
    )


def _networks(claim: TurningPoint, at: str, found: Sequence[Sweep]) -> str:
    """One line for each board and network."""
    lines = []
    for (board, network), of in grouped(found, lambda one: (one.board, one.network)):
        line = [board, network, str(len(of))]
        for definition in _DEFINITIONS.values():
            turns = [definition(sweep) for sweep in of]
            line += [
                _range(turns),
                span((sweep.sparsity_at(definition(sweep).estimate) for sweep in of), 3),
                " / ".join(map(str, _places(claim, turns))),
            ]
        lines.append(line)
    sides = f"{at} below / inside / above"
    told = [f"{name}, {claim.symbol}" for name in _DEFINITIONS]
    return table(["board", "network", "curves", told[0], "sparsity", sides, told[1], "sparsity", sides], lines, 2)


def _variants(claim: TurningPoint, at: str, found: Iterable[Sweep]) -> str:
    """One line for each curve of a board."""
    lines = []
    for sweep in found:
        line = [sweep.network, sweep.variant, _change(sweep, claim.at)]
        for definition in _DEFINITIONS.values():
            turn = definition(sweep)
            line += [_interval(turn), _SIDES[turn.side(math.log(claim.at))]]
        lines.append(line)
    headings = ["network", "variant", f"change at {at}"]
    headings += [heading for name in _DEFINITIONS for heading in (f"{name}, {claim.symbol}", f"{at} is")]
    return table(headings, lines, 2)


def _places(claim: TurningPoint, turns: Sequence[Turn]) -> tuple[int, int, int]:
    """How many intervals the claimed value lies below, inside and above."""
    sides = [turn.side(math.log(claim.at)) for turn in turns]
    return sides.count(-1), sides.count(0), sides.count(1)


def _change(sweep: Sweep, value: float) -> str:
    place = sweep.index(value)
    return NOTHING if place is None else f"{signed(sweep.change[place])} ± {number(sweep.margin[place])}"


def _interval(turn: Turn) -> str:
    return f"{_value(turn.estimate)} [{_value(turn.low)}, {_value(turn.high)}]"


def _range(turns: Iterable[Turn]) -> str:
    return span(np.exp(turn.estimate) for turn in turns)


def _value(log: float) -> str:
    """The value of the field; an ellipsis where it lies beyond the sweep."""
    return number(math.exp(log)) if math.isfinite(log) else "…"


def grouped(found: Iterable[Sweep], of: Callable[[Sweep], Key]) -> list[tuple[Key, list[Sweep]]]:
    """The sweeps that have the same key together, in their order."""
    groups: dict[Key, list[Sweep]] = {}
    for sweep in found:
        groups.setdefault(of(sweep), []).append(sweep)
    return list(groups.items())
