"""What the scripts share: sides timed in turns, commands timed as processes, one table of figures."""

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

SCRIPTS = Path(sys.executable).parent
"""Where the `benchsuite` command of this environment lies."""


def in_turns(repetitions: int, *sides: Callable[[], object]) -> list[list[float]]:
    """Seconds of each side, repetition by repetition, so that a slow minute of the machine meets all of them."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(repetitions):
        for side, record in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            record.append(time.perf_counter() - start)
    return times


def ratio(times: Sequence[float], base: Sequence[float]) -> float:
    """Median of the ratios, repetition by repetition."""
    return statistics.median(one / other for one, other in zip(times, base, strict=True))


def process(command: Sequence[str], environment: Mapping[str, str] | None = None) -> tuple[float, str]:
    """Wall-clock seconds of a process that must succeed, from start to exit, and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def peak_bytes() -> int:
    """The most memory that this process has held."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def print_table(rows: Sequence[Sequence[object]], headers: Sequence[str], digits: int = 2) -> None:
    """Figures with so many digits after the point."""
    print(tabulate(rows, headers, floatfmt=f".{digits}f"))


def verdict(met: bool) -> str:
    """The last column of a table."""
    return "met" if met else "MISSED"
