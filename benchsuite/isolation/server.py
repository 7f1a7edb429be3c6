"""The server from which isolated processes are forked.

It has the heavy libraries imported, so that a replacement is there in milliseconds. Where the system has no such server
(Windows), nothing can be isolated.
"""

import multiprocessing
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, resource_tracker
from types import ModuleType

AVAILABLE = "forkserver" in multiprocessing.get_all_start_methods()

_LIBRARIES = ("torch", "torch._dynamo", "torch.utils.flop_counter", "sklearn.datasets", "torch_pruning")
"""What is imported before any fork, with what torch itself imports for the first training; not torchvision, which
takes as long as torch and which few need.

Never a plugin: it could start threads, and what it breaks would stay broken.
"""
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
    resource_tracker.ensure_running()
    # Ctrl-C is for this process alone; the server would answer it with a traceback while it imports
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        with no_program(), _muted(), _waiting_briefly():
            forkserver.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


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
