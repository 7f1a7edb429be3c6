"""A process of its own for code that may hang, crash or take all memory: limits outside, typed ends, nothing left."""

from benchsuite.isolation.ends import DiedError, LostCallError, OutOfMemoryError, RaisedError, TimedOutError
from benchsuite.isolation.inside import printed, tell
from benchsuite.isolation.process import Isolated
from benchsuite.isolation.server import AVAILABLE, start, stop

__all__ = [
    "AVAILABLE",
    "DiedError",
    "Isolated",
    "LostCallError",
    "OutOfMemoryError",
    "RaisedError",
    "TimedOutError",
    "printed",
    "start",
    "stop",
    "tell",
]
