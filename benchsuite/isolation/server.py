"""The server from which isolated processes are forked.

It has the heavy libraries imported, so that a replacement is there in milliseconds. Where the system has no such server
(Windows), nothing can be isolated.
"""

import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker, util
from pathlib import Path
from types import ModuleType

from benchsuite.isolation import folder
from benchsuite.isolation.tied import PARENT

AVAILABLE = "forkserver" in multiprocessing.get_all_start_methods()

_LIBRARIES = (
    "benchsuite.isolation.tied",
    "torch",
    "torch._dynamo",
    "torch.utils.flop_counter",
    "sklearn.datasets",
    "torch_pruning",
)
"""What is imported before any fork, with what torch itself imports for the first training; not torchvision, which
takes as long as torch and which few need.

Never a plugin: it could start threads, and what it breaks would stay broken.
"""
_TORCH_FOLDER = "TORCHINDUCTOR_CACHE_DIR"
_LOOK_SECONDS = 0.01
_LAST = -101
"""Of the priorities of multiprocessing's own ends, below that of its folder."""
_owner: list[int] = []
"""The process that started the server, if any did."""
_WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""How the threads of OpenMP wait for work, which it reads as it is loaded."""
_SPINS = "5000"
"""Turns that a thread waits for work before it sleeps. By default these are 300,000, milliseconds: where two runs share
the cores, the threads of one that wait keep those of the other from working. A network of many small convolutions is
slower if they sleep at once.
"""


def start(*modules: str) -> None:
    """Start the server behind all processes, without waiting for it; only the first call of a program counts.

    modules: imported in it after torch and its like, so that no process has to.
    """
    multiprocessing.get_context("forkserver").set_forkserver_preload([*_LIBRARIES, *modules])
    # signals that stop a command are for this process alone; the server ends with it
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        folder.claim()
        if _owner != [os.getpid()]:
            _owner[:] = [os.getpid()]
            util.Finalize(None, stop, exitpriority=_LAST)
        resource_tracker.ensure_running()
        with no_program(), _muted(), _waiting_briefly(), _named():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop() -> None:
    """End the server at once, whatever it imports, and remove what it had on disk: at the end of the program."""
    if _owner != [os.getpid()]:  # none, or that of the process which this one was forked from
        return
    _owner.clear()
    process = _process()
    if process is not None:
        with suppress(ProcessLookupError, ChildProcessError):
            os.kill(process, signal.SIGKILL)
            os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)  # multiprocessing may want to ask, too
    folder.release()


def has_ended(within: float) -> bool:
    """Check that the server is gone, or goes within so many seconds: its files close a moment before it ends."""
    process, deadline = _process(), time.monotonic() + within
    while process is not None:
        try:
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return True
        except ChildProcessError:
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(_LOOK_SECONDS)
    return True


def _process() -> int | None:
    """The id of the server; multiprocessing keeps it to itself."""
    found = getattr(getattr(forkserver, "_forkserver", None), "_forkserver_pid", None)
    return found if isinstance(found, int) else None


@contextmanager
def _muted() -> Iterator[None]:
    """Keep the outputs from the server: it may end after this program, whose reader would wait for it."""
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        for number, copy in kept.items():
            os.dup2(copy, number)
            os.close(copy)
        os.close(nowhere)


@contextmanager
def _named() -> Iterator[None]:
    """Tell the server the process that it is tied to, and where torch may make the folder that it makes in any case."""
    told = {PARENT: str(os.getpid())}
    if _TORCH_FOLDER not in os.environ:
        told[_TORCH_FOLDER] = str(Path(util.get_temp_dir()) / "torch")
    os.environ.update(told)
    try:
        yield
    finally:
        for name in told:
            del os.environ[name]


@contextmanager
def _waiting_briefly() -> Iterator[None]:
    """Start programs whose waiting threads soon sleep, unless the user has said how they wait."""
    if any(name in os.environ for name in _WAITING):
        yield
        return
    os.environ[_WAITING[1]] = _SPINS
    try:
        yield
    finally:
        del os.environ[_WAITING[1]]


@contextmanager
def no_program() -> Iterator[None]:
    """Keep multiprocessing from running the program's main file again in each process, where nothing of it is needed.

    So a script needs no `if __name__ == "__main__"` around its calls.
    """
    program, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = program
