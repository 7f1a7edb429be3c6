"""Ties the server of processes to its parent: the first import of that server, which then loads torch for seconds."""

import ctypes
import os
import signal
import sys

PARENT = "BENCHSUITE_PARENT"
"""The environment variable that names the parent, which may have ended before this is read."""
_SET_SIGNAL_OF_PARENTS_DEATH = 1


def tie() -> None:
    """Have the system end this process with its parent: while libraries are loaded, no thread of Python could."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_SIGNAL_OF_PARENTS_DEATH, signal.SIGKILL)
    if str(os.getppid()) != os.environ.get(PARENT):  # it has ended already
        os.kill(os.getpid(), signal.SIGKILL)


if PARENT in os.environ:
    tie()
