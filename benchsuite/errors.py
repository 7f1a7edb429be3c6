"""Every error a user can meet, each with the exit code it ends in."""

import difflib
from collections.abc import Iterable


class BenchsuiteError(Exception):
    """Something the user can mend: printed without a traceback."""

    exit_code = 2


class ConfigError(BenchsuiteError):
    """A board, an option or a plugin's field is wrong; the message names the place and the remedy."""


class PluginError(BenchsuiteError):
    """A plugin broke its contract: it fails its own cells and nothing else."""


class DivergedError(BenchsuiteError):
    """A network has NaN or infinite weights, outputs or loss: it fails its own cell, and there is nothing to rank."""


class StrictPluginError(PluginError):
    """A plugin failed to load under `--strict-plugins`."""

    exit_code = 6


class DataError(BenchsuiteError):
    """Data is missing, truncated or not what it should be; names the file and the remedy."""


class StoreError(BenchsuiteError):
    """The store cannot be read or written."""


class OutputError(BenchsuiteError):
    """What a command prints cannot be written: the pipe is closed or the disk is full."""


class IsolationError(BenchsuiteError):
    """No process can be started here for code that is to run isolated."""


class StoppedError(BenchsuiteError):
    """A signal stopped the command; `exit_code` is the shell's for it."""

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class InternalError(BenchsuiteError):
    """A fault of benchsuite itself, or of its surroundings where nobody thought of it."""

    exit_code = 70


EXIT_CODES = {
    0: "ok",
    1: "regression",
    2: "usage or configuration",
    3: "some cells failed",
    4: "nothing was run or compared",
    5: "a generated file is stale",
    6: "a plugin failed under --strict-plugins",
    70: "internal error",
    129: "stopped by SIGHUP",
    130: "stopped by Ctrl-C",
    143: "stopped by SIGTERM",
}
"""What a command can end with; 1 means a regression and nothing else."""


def suggestion(name: str, known: Iterable[str]) -> str:
    """How an error about the unknown `name` ends: the nearest known name, or the known ones."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; known: {', '.join(names)}" if names else ""
