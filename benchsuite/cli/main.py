"""The command line: one thin command a file; errors become exit codes here and nowhere else."""

import errno
import io
import os
import sys
import textwrap
import traceback
from contextlib import suppress

import typer
from typer.core import TyperGroup

from benchsuite.cli.options import say
from benchsuite.cli.signals import MESSAGE, Stopped, stopping
from benchsuite.errors import EXIT_CODES, BenchsuiteError, ConfigError, InternalError, OutputError, StoppedError
from benchsuite.safe import one_line

_USAGE = 2
_OF_OUTPUT = (errno.EPIPE, errno.ENOSPC, errno.EBADF, errno.EIO)
_LONGEST, _MOST_LINES = 6000, 20
"""Characters of the first line of an error, which may list names, and its lines."""
_CODES = "; ".join(f"{code} {meaning}" for code, meaning in EXIT_CODES.items())


class _Commands(TyperGroup):
    def invoke(self, ctx: object) -> object:
        """Run the command; typer alone would end an interrupted one without a word, and a closed pipe in code 1."""
        try:
            return super().invoke(ctx)  # type: ignore[arg-type]  # a Context of click, which typer does not name
        except Stopped as stopped:
            raise StoppedError(MESSAGE, stopped.exit_code) from None
        except KeyboardInterrupt:
            raise StoppedError(MESSAGE) from None
        except OSError as error:
            raise _environment(error) from error


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=f"""The benchmark suite for neural-network pruning and quantization.

    {textwrap.fill("Exit codes: " + _CODES, 110)}.

    BENCHSUITE_DEBUG=1 prints the traceback of an error.""",
)


def main() -> None:
    """Entry point of the `benchsuite` command."""
    _open_streams()
    code = _ended()
    broken = _flushed()
    if broken is not None and code == 0:
        code = _told(_environment(broken))
        _flushed()
    sys.exit(code)


def _ended() -> int:
    """The exit code of the command, after a word on standard error about what went wrong."""
    try:
        with stopping():
            return _run()
    except BenchsuiteError as error:
        return _told(error)
    except SystemExit as error:  # of a plugin, or of --help
        return _told(_unexpected(error)) if error.code else 0
    except Stopped as stopped:
        return _told(StoppedError(MESSAGE, stopped.exit_code))
    except KeyboardInterrupt:
        return _told(StoppedError(MESSAGE))
    except OSError as error:
        return _told(_environment(error))
    except BaseException as error:
        if callable(show := getattr(error, "show", None)):  # a usage error of click, which typer does not name
            usage = io.StringIO()
            show(file=usage)
            say(usage.getvalue().rstrip(), err=True)
            return int(getattr(error, "exit_code", _USAGE))
        return _told(_unexpected(error))


def _run() -> int:
    """Register the commands and run the one that was asked for; its exit code."""
    from benchsuite.cli import check, checkpoints, compare, doctor, info, list_, new, plan, plugins, report, run

    if not app.registered_commands:
        for command in (run, plan, list_, info, check, plugins, new, report, checkpoints, compare, doctor):
            command.register(app)
    code = app(prog_name="benchsuite", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _told(error: BenchsuiteError) -> int:
    if os.environ.get("BENCHSUITE_DEBUG"):
        say("".join(traceback.format_exception(error)).rstrip(), err=True)
    first, *more = str(error).split("\n")[:_MOST_LINES]
    say("\n".join([f"benchsuite: {one_line(first, _LONGEST)}", *(one_line(line) for line in more)]), err=True)
    return error.exit_code


def _unexpected(error: BaseException) -> InternalError:
    told = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    found = InternalError(f"internal error, {told}; please report it: BENCHSUITE_DEBUG=1 prints the traceback")
    found.__cause__ = error
    return found


def _environment(error: OSError) -> BenchsuiteError:
    """What the system refused: a file, or the command's output."""
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is None and error.errno in _OF_OUTPUT:
        return OutputError(f"the output cannot be written: {reason}")
    return ConfigError(f"{os.fsdecode(str(error.filename))}: {reason}" if error.filename is not None else reason)


def _open_streams() -> None:
    """Have standard streams, also where the shell closed them, that write any text in whatever encoding."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, this one
    sys.stdout = sys.stdout or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flushed() -> OSError | None:
    """Empty the streams; the error of the first that cannot be, which then leads nowhere, so that the exit is quiet."""
    found = None
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError as error:
            found = found or error
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    return found
