"""Numbers as tables show them: a minus sign, a dash for what is not there, no more digits than are meant."""

import re

from benchsuite.metrics.paired import Estimate
from benchsuite.metrics.statistics import Summary
from benchsuite.results import margin
from benchsuite.wording import counted

NOTHING = "–"
_FINE = 0.995
_LONG_NUMBER = re.compile(r"\b\d+\.\d{5,}\b")


def with_spread(summary: Summary | None) -> str:
    """Return the mean ± the sample standard deviation."""
    if summary is None:
        return NOTHING
    return f"{summary.mean:.2f}" + (f" ± {summary.spread:.2f}" if summary.spread is not None else "")


def number(summary: Summary | None, form: str, unit: str = "") -> str:
    """Return the mean in a format of Python's."""
    return NOTHING if summary is None else f"{signed(summary.mean, form)}{unit}"


def signed(value: float, form: str = "+.1f") -> str:
    """Return a number with a minus that is not a hyphen; what rounds to nothing has no sign."""
    text = f"{value:{form}}"
    return (text if float(text) else text.lstrip("+-")).replace("-", "−")


def with_margin(estimate: Estimate | None) -> str:
    """Return a change in points ± half the width of its 95 % interval, in two digits of it."""
    if estimate is None:
        return NOTHING
    half = margin(estimate)
    decimals = 2 if half < _FINE else 1
    return f"{signed(estimate.change, f'+.{decimals}f')} ± {half:.{decimals}f}"


def count(summary: Summary | None) -> str:
    """Return the mean in three digits and a unit: 17.0k."""
    if summary is None:
        return NOTHING
    value = summary.mean
    for unit in ("", "k", "M", "G"):
        if value < 1000 or unit == "G":
            break
        value /= 1000
    return f"{value:#.3g}".rstrip(".") + unit


def brief(setting: str) -> str:
    """Return a setting for a reader, its long numbers rounded: "beta 0.3679"."""
    return counted(_LONG_NUMBER.sub(lambda match: f"{float(match[0]):.4g}", setting))
