"""Fresh processes for checks: what is asked there starts from nothing that this process knows."""

from collections.abc import Callable
from typing import TypeVar

from benchsuite.isolation import AVAILABLE, Isolated, LostCallError, start
from benchsuite.testing.checks import Failure, NotApplicable

T = TypeVar("T")

_SECONDS = 120.0


def in_a_fresh_process(function: Callable[..., T], *args: object) -> T:
    """What the function, of an importable module, returns for these arguments there.

    Errors: Failure if it raises, dies or hangs; NotApplicable where the system forks no processes.
    """
    return with_peak_memory(function, *args)[0]


def with_peak_memory(function: Callable[..., T], *args: object) -> tuple[T, int]:
    """The same, and the most bytes that the process had resident."""
    if not AVAILABLE:
        raise NotApplicable("this system has no fork server for fresh processes")
    start("benchsuite.testing")
    try:
        with Isolated() as fresh:
            return fresh.call(function, *args, timeout=_SECONDS), fresh.peak_memory
    except LostCallError as error:
        raise Failure(f"a process of its own: {error}") from error
