"""The command line: one thin command a file; errors become exit codes here and nowhere else."""

import sys

import typer
from typer.core import TyperGroup

from benchsuite.cli.signals import MESSAGE, Stopped, stopping
from benchsuite.errors import BenchsuiteError

_INTERRUPTED = 130


class _InterruptedError(BenchsuiteError):
    def __init__(self, exit_code: int) -> None:
        super().__init__(MESSAGE)
        self.exit_code = exit_code


class _Commands(TyperGroup):
    def invoke(self, ctx: object) -> object:
        """Run the command; typer alone would end an interrupted one without a word."""
        try:
            return super().invoke(ctx)  # type: ignore[arg-type]  # a Context of click, which typer does not name
        except Stopped as stopped:
            raise _InterruptedError(stopped.exit_code) from None
        except KeyboardInterrupt:
            raise _InterruptedError(_INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="""The benchmark suite for neural-network pruning and quantization.

    Exit codes: 0 ok, 1 regression, 2 usage or configuration, 3 some cells failed, 4 nothing was run or compared,
    5 a generated file is stale, 6 a plugin failed under --strict-plugins; 130, 143, 129 stopped by Ctrl-C, by
    SIGTERM, by SIGHUP, with the results so far written.""",
)


def main() -> None:
    """Entry point of the `benchsuite` command."""
    try:
        with stopping():
            from benchsuite.cli import check, checkpoints, compare, doctor, info, list_, new, plan, plugins, report, run

            for command in (run, plan, list_, info, check, plugins, new, report, checkpoints, compare, doctor):
                command.register(app)
            app(prog_name="benchsuite")
    except BenchsuiteError as error:
        print(f"benchsuite: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
