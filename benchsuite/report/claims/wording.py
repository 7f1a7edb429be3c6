"""How the numbers of the claims are written."""

import math
from collections.abc import Iterable, Sequence

import tabulate

NOTHING = "–"


def signed(value: float, digits: int = 2) -> str:
    """With its sign, a real minus."""
    return f"{value:+.{digits}f}".replace("-", "−")


def number(value: float, digits: int = 2) -> str:
    """Without a plus."""
    return f"{value:.{digits}f}".replace("-", "−")


def span(values: Iterable[float], digits: int = 2) -> str:
    """The least and the greatest of the finite values: "0.71 to 1.37"."""
    finite = [number(value, digits) for value in sorted(values) if math.isfinite(value)]
    if not finite:
        return NOTHING
    return finite[0] if finite[0] == finite[-1] else f"{finite[0]} to {finite[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """As in "1 row", "1,200 rows"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """As in "a, b and c"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], words: int) -> str:
    """In GitHub's markdown; the first columns are `words`, the others numbers."""
    text: str = tabulate.tabulate(
        list(rows),
        headings,
        tablefmt="github",
        disable_numparse=True,
        colalign=[*["left"] * words, *["right"] * (len(headings) - words)],
    )
    return text
