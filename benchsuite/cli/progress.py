"""Progress of a run: a bar with the current cell and an estimate, or plain lines when not on a terminal."""

import sys
import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchsuite.cli.options import say
from benchsuite.safe import one_line

_SECONDS_BETWEEN_LINES = 10.0
_SHOWN_WIDTH = 44


class Reporter(Protocol):
    """Told what happens, between `with` and its end."""

    def __enter__(self) -> "Reporter": ...

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None) -> None: ...

    def doing(self, what: str) -> None:
        """What is being computed."""

    def done(self, status: str, what: str) -> None:
        """A cell has its record."""


def reporter(total: int) -> Reporter:
    """A bar on a terminal, else lines; both on standard error."""
    return _Bar(total) if sys.stderr.isatty() else _Lines(total)


class _Bar:
    def __init__(self, total: int) -> None:
        self._progress = Progress(
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = self._progress.add_task("", total=total)

    def __enter__(self) -> "_Bar":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None) -> None:
        self._progress.stop()

    def doing(self, what: str) -> None:
        self._progress.update(self._task, description=escape(one_line(what, _SHOWN_WIDTH)))

    def done(self, status: str, what: str) -> None:
        if status != "ok":
            self._progress.console.print(one_line(f"{status}: {what}"), markup=False, highlight=False)
        self._progress.advance(self._task)


class _Lines:
    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        self._started = self._printed = time.monotonic()

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None) -> None:
        if kind is None and self._total:
            self._print("done")

    def doing(self, what: str) -> None:
        if time.monotonic() - self._printed >= _SECONDS_BETWEEN_LINES:
            self._print(what)

    def done(self, status: str, what: str) -> None:
        self._done += 1
        if status != "ok":
            self._print(f"{status}: {what}")

    def _print(self, what: str) -> None:
        self._printed = time.monotonic()
        elapsed = self._printed - self._started
        left = elapsed / self._done * (self._total - self._done) if self._done else None
        estimate = "" if left is None or what == "done" else f", about {left:.0f} s left"
        say(one_line(f"{self._done}/{self._total} cells, {elapsed:.0f} s{estimate}: {what}"), err=True)
