"""The inside of an isolated process: it answers calls until its parent is gone."""

import faulthandler
import os
import pickle
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import parent_process, reduction
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Protocol

from benchsuite import errors
from benchsuite.errors import BenchsuiteError

_KILLED_FIRST = "1000"
_READ_BYTES, _LINES = 1 << 16, 40

_parent: list[Connection] = []
"""Where an isolated process tells its parent; empty in any other."""
_printed: list[int] = []
"""The open file that it prints into."""


@dataclass(frozen=True)
class Told:
    """Something on the way to the end of a call."""

    event: object


@dataclass(frozen=True)
class Returned:
    """The end of a call: its result, and the peak of the process's resident memory in bytes."""

    value: object
    peak: int


@dataclass(frozen=True)
class Raised:
    """The end of a call that raised; `kind` where it is one of the harness's own errors."""

    reason: str
    traceback: str
    kind: type[BenchsuiteError] | None
    peak: int


class Handed:
    """An open file on its way into a process, where it has another number."""

    def __init__(self, file: int) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Callable[["_Duplicate"], "Handed"], tuple[object]]:
        return _taken, (reduction.DupFd(self.file),)


class _Duplicate(Protocol):
    def detach(self) -> int: ...


def _taken(file: _Duplicate) -> Handed:
    return Handed(file.detach())


def nothing() -> None:
    """The setup of a process that needs none."""


def printed() -> str:
    """The last lines that the call which runs in this process has printed; none outside a call."""
    return last_lines(_printed[0]) if _printed else ""


def last_lines(file: int) -> str:
    """Of a file's text, but for faulthandler's endless line of all extension modules."""
    size = os.fstat(file).st_size
    start = max(0, size - _READ_BYTES)
    lines = os.pread(file, size - start, start).decode(errors="replace").splitlines()
    return "\n".join([line for line in lines if not line.startswith("Extension modules:")][-_LINES:]).strip()


def tell(event: object) -> None:
    """Hand `event` to the `on_event` of the call that runs in this process; outside a call it goes nowhere."""
    for parent in _parent:
        parent.send_bytes(pickle.dumps(Told(event)))


def serve(
    parent: Connection,
    environment: Mapping[str, str],
    folder: Path,
    output: Handed,
    setup: Callable[..., object],
    args: tuple[object, ...],
) -> None:
    """The life of the process: a reply to the setup, then one to each call."""
    import resource

    os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # an end from outside, not an error of what is called
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.clear()  # the server has that of the time when it was started
    os.environ.update(environment)
    os.chdir(folder)
    _printed.append(_redirected(output.file))
    faulthandler.enable()
    with suppress(OSError):  # on Linux: where memory ends, this process goes, and not its parent
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
    threading.Thread(target=_follow_parent, daemon=True).start()
    _parent.append(parent)
    parent.send_bytes(_answered(setup, *args))
    while True:
        try:
            asked = parent.recv_bytes()
        except EOFError:
            return
        parent.send_bytes(_answered(_called, asked))


def _redirected(file: int) -> int:
    """Both outputs go into the file, whoever writes them, and there is no input. The file, open."""
    import fcntl

    fcntl.fcntl(file, fcntl.F_SETFL, os.O_APPEND)  # it may be truncated
    for stream, number in ((sys.stdout, 1), (sys.stderr, 2)):
        os.dup2(file, number)
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # as the interpreter made them
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    return file


def _follow_parent() -> None:
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os.killpg(0, signal.SIGKILL)


def _called(asked: bytes) -> object:
    function, args = pickle.loads(asked)
    return function(*args)


def _answered(function: Callable[..., object], *args: object) -> bytes:
    """The end of a call, as bytes: whatever goes wrong with it, to the pickling of its result, goes wrong in here."""
    try:
        reply = pickle.dumps(Returned(function(*args), _peak()))
    except BaseException as error:  # an exit, too, is the function's own affair
        trace = "".join(traceback.format_exception(error))
        reply = pickle.dumps(Raised(_reason(error), trace, _kind(error), _peak()))
    with suppress(Exception):  # what was called may have closed or replaced them
        sys.stdout.flush()
        sys.stderr.flush()
    return reply


def _reason(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # of the error's own making
        return type(error).__name__
    return text if _kind(error) else f"{type(error).__name__}: {text}"


def _kind(error: BaseException) -> type[BenchsuiteError] | None:
    """The nearest of the harness's own errors: a plugin's subclass would need the plugin to be read."""
    return next((kind for kind in type(error).__mro__ if kind.__module__ == errors.__name__), None)


def _peak() -> int:
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
