"""Signals that stop a command: what it has is written, nothing of it lives on, and its exit code names the signal."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")
_IMPORT = "<frozen importlib"
_AGAIN_SECONDS = 0.05
MESSAGE = "interrupted; the same command goes on where it stopped"


class Stopped(KeyboardInterrupt):
    """A signal arrived; `exit_code` is the shell's for it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


@contextmanager
def stopping() -> Iterator[None]:
    """Raise Stopped upon the signals that stop a command, except for those that its parent has it ignore.

    During an import, whose module would be left half made, nothing is raised: the command ends at once, or, within
    `to_be_written`, once the import is over. A second signal ends it at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handlers = {number: signal.getsignal(number) for name in _NAMES if (number := getattr(signal, name, None))}
    handled = [number for number, handler in handlers.items() if handler is not signal.SIG_IGN]
    state = _State()
    _states.append(state)
    for number in handled:
        signal.signal(number, state.stop)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, handlers[number])
        _states.pop()


@contextmanager
def to_be_written() -> Iterator[None]:
    """Results are at stake: within, a signal always lets the command write them."""
    for state in _states:
        state.at_stake = True
    try:
        yield
    finally:
        for state in _states:
            state.at_stake = False


class _State:
    def __init__(self) -> None:
        self.at_stake = False
        self._stopped = False

    def stop(self, number: int, frame: FrameType | None) -> None:
        if self._stopped or (_is_importing(frame) and not self.at_stake):
            _end(number)
        if _is_importing(frame):
            again = threading.Timer(_AGAIN_SECONDS, os.kill, [os.getpid(), number])
            again.daemon = True
            again.start()
            return
        self._stopped = True
        raise Stopped(number)


_states: list[_State] = []
"""That of the command which runs, if any does."""


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORT):
            return True
        frame = frame.f_back
    return False


def _end(number: int) -> None:
    """End the process without another line of what it was doing; its worker notices."""
    from benchsuite.isolation import stop

    stop()
    with suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, f"benchsuite: {MESSAGE}\n".encode())
    os._exit(128 + number)
