"""The outside of an isolated process: starting it, waiting for it within limits, and ending it."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from math import inf
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar, cast

import psutil

from benchsuite.errors import IsolationError
from benchsuite.isolation.ends import DiedError, LostCallError, OutOfMemoryError, RaisedError, TimedOutError
from benchsuite.isolation.inside import Handed, Raised, Returned, Told, last_lines, nothing, serve
from benchsuite.isolation.server import has_ended, no_program, start

T = TypeVar("T")
OnEvent = Callable[[object], None]

_LOOK_SECONDS = 0.05
_GRACE_SECONDS = 2.0
_MOST_PRINTED_BYTES = 1 << 24
_GIB = 1 << 30
_MOST_STARTS = 3
_UNKNOWN_CODE = 255
"""What multiprocessing says where the server ended before the process."""
_FROM_OUTSIDE = {
    *(signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGXCPU),
    signal.SIGBUS,  # memory that is mapped to a file, where the disk is full or broken
}
"""Signals that a user or the system sends; the others are crashes."""


@dataclass(frozen=True)
class _Running:
    process: BaseProcess
    connection: Connection
    printed: IO[bytes]

    def resident(self) -> int:
        """Bytes of memory."""
        try:
            return int(psutil.Process(self.process.pid).memory_info().rss)
        except psutil.Error:  # it has just died
            return 0

    def told(self) -> str:
        """The last lines printed."""
        return last_lines(self.printed.fileno())

    def forget_printed(self, more_than: int = 0) -> None:
        """Whoever prints without end shall not fill the disk."""
        if os.fstat(self.printed.fileno()).st_size > more_than:
            self.printed.truncate(0)

    def ended(self) -> bool:
        """Asked between two calls. Its end of the connection closes with it, a moment before its exit code is told."""
        return bool(wait([self.connection, self.process.sentinel], 0))

    def kill(self) -> None:
        """End it and whatever it started."""
        if self.process.pid is not None:
            with suppress(ProcessLookupError, PermissionError):  # all have ended
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.printed.close()


class Isolated:
    """Runs functions one after the other in a process that stays, and is replaced if it dies.

    A context manager: the process starts with it, without waiting, and ends with it, and so does whatever it started.
    What goes in and out is pickled: functions of importable modules, plain values, tensors.
    """

    def __init__(self, setup: Callable[..., object] = nothing, *args: object) -> None:
        """setup, args: called first in each process, outside all limits; what it raises, the next call raises."""
        self._setup = setup, args
        self._running: _Running | None = None
        self._ready = False
        self.peak_memory = 0
        """Bytes: the most that the process had resident, from its start to the end of the last call."""

    def __enter__(self) -> "Isolated":
        self._running = self._started()
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def call(
        self,
        function: Callable[..., T],
        *args: object,
        timeout: float = inf,
        memory: float = inf,
        on_event: OnEvent | None = None,
    ) -> T:
        """What `function(*args)` returns there.

        timeout: seconds. memory: bytes resident, of the whole process. on_event: gets what the function tells.
        Errors: LostCallError of one of four kinds; a BenchsuiteError that the function raised, as one of its kind.
        """
        if self._running and self._ready and self._running.ended():  # of what an earlier call left behind in it
            self.close()
        running = self._running = self._running or self._started()
        try:
            if not self._ready:
                self._result(self._reply(running, inf, inf, None), running)
                self._ready = True
            running.forget_printed()
            with suppress(BrokenPipeError):  # it has died: waiting for the reply will tell of what
                running.connection.send_bytes(pickle.dumps((function, args)))
            reply = self._reply(running, timeout, memory, on_event)
        except BaseException:  # an interruption, too: there is no way back into a call without its reply
            self.close()
            raise
        return cast(T, self._result(reply, running))

    def close(self) -> None:
        """End the process at once; a further call would start another."""
        running, self._running, self._ready = self._running, None, False
        if running is not None:
            running.kill()

    def _started(self) -> _Running:
        for _ in range(_MOST_STARTS):
            try:
                return self._start()
            except (OSError, EOFError) as error:  # EOFError where the server was killed at its start
                failure = error
        raise IsolationError(
            f"no isolated process can be started ({failure or type(failure).__name__}), though {_MOST_STARTS} times"
            " tried: see what ends the processes of this command, or run with --in-process"
        ) from failure

    def _start(self) -> _Running:
        start()
        with ExitStack() as opened:
            printed = opened.enter_context(tempfile.TemporaryFile(buffering=0))  # it has no name that could stay
            ours, theirs = map(opened.enter_context, multiprocessing.Pipe())
            process = multiprocessing.get_context("forkserver").Process(
                target=serve,
                args=(theirs, dict(os.environ), Path.cwd(), Handed(printed.fileno()), *self._setup),
                name="isolated",
            )
            with no_program():
                process.start()
            theirs.close()
            opened.pop_all()
        return _Running(process, ours, printed)

    def _result(self, reply: Returned | Raised, running: _Running) -> object:
        self.peak_memory = reply.peak
        if isinstance(reply, Returned):
            return reply.value
        if reply.kind:
            raise reply.kind(reply.reason)
        raise RaisedError(reply.reason, running.told(), reply.traceback)

    def _reply(self, running: _Running, timeout: float, memory: float, on_event: OnEvent | None) -> Returned | Raised:
        deadline, look = time.monotonic() + timeout, 0.0
        while True:
            until_next_look = min(_LOOK_SECONDS, deadline - time.monotonic())
            ready = wait([running.connection, running.process.sentinel], max(0.0, until_next_look))
            if ready:
                try:
                    if running.connection not in ready and not running.connection.poll():
                        raise EOFError  # its last words would have come before
                    message = pickle.loads(running.connection.recv_bytes())
                except (EOFError, OSError):
                    raise _death(running) from None
                if not isinstance(message, Told):
                    return cast(Returned | Raised, message)
                if on_event:
                    on_event(message.event)
            now = time.monotonic()
            if now >= deadline:
                raise _ended(running, TimedOutError, f"took longer than the {timeout:g} seconds that it may")
            if now >= look:
                look = now + _LOOK_SECONDS
                running.forget_printed(more_than=_MOST_PRINTED_BYTES)
                if memory < inf and running.resident() > memory:
                    limit = f"{memory / _GIB:.3g} GiB of memory that it may"
                    raise _ended(running, OutOfMemoryError, f"took more than the {limit}")


def _death(running: _Running) -> DiedError:
    """Of a process that ended by itself."""
    running.process.join(_GRACE_SECONDS)
    code = running.process.exitcode
    by_machine = False
    if code is None:
        reason = "cut the connection of its process"
    elif code == _UNKNOWN_CODE and has_ended(_GRACE_SECONDS):
        reason, by_machine = "its process was lost: the server that started it was killed", True
    elif code < 0:
        reason, by_machine = f"its process was killed by {_name(-code)}", -code in _FROM_OUTSIDE
    else:
        reason = f"ended its process with exit code {code}"
    return DiedError(reason, running.told(), by_machine=by_machine)


def _name(number: int) -> str:
    """A signal's name; signals of real time have none."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _ended(running: _Running, kind: type[LostCallError], reason: str) -> LostCallError:
    """End the process by a signal upon which faulthandler prints where it was."""
    with suppress(ProcessLookupError):  # it has just died
        os.kill(cast(int, running.process.pid), signal.SIGABRT)
    running.process.join(_GRACE_SECONDS)
    return kind(reason, running.told(), by_machine=True)
