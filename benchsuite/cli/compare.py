"""`benchsuite compare`: whether a run is worse than another."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from typer.core import TyperCommand

from benchsuite.cli.options import JsonOption, print_json, say

if TYPE_CHECKING:
    from benchsuite.compare import Threshold
    from benchsuite.compare.files import Runs

_REGRESSION, _NOTHING = 1, 4
_COLUMNS = 100


class Check(StrEnum):
    """What ends with exit code 1."""

    sure = "sure"
    strict = "strict"


class _Command(TyperCommand):
    def parse_args(self, ctx: object, args: list[str]) -> list[str]:
        """Let --check stand without its value, for `sure`; click would take the next argument for it."""
        given = [f"--check={Check.sure}" if one == "--check" else one for one in args]
        return super().parse_args(ctx, given)  # type: ignore[arg-type]  # a Context, which typer does not name


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", cls=_Command)(compare)


def compare(
    base: Annotated[Path, typer.Argument(help="The results to compare with: a file, or a folder of boards.")],
    new: Annotated[Path, typer.Argument(help="The results that may be worse: a file, or a folder of boards.")],
    check: Annotated[
        Check | None,
        typer.Option(
            "--check",
            metavar="[=strict]",
            help="Exit with 1 if a cell or a method regressed, or a cell failed, or a cell or a board is missing;"
            " =strict: also for a loss that may be chance.",
        ),
    ] = None,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact", help="Ask instead whether NEW repeats BASE, bit for bit where it has to; exit 1 if not."
        ),
    ] = False,
    smallest_effect: Annotated[
        float, typer.Option("--smallest-effect", help="Points of accuracy that matter, 0 to 100.")
    ] = 0.5,
    alpha: Annotated[
        float, typer.Option("--alpha", help="Rate of false alarms among all cells together, up to 0.5.")
    ] = 0.05,
    markdown: Annotated[
        Path | None, typer.Option("--markdown", help="Append the table to this file in markdown; - prints it.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Give the verdict on each cell of NEW against BASE, and on all of them."""
    import textwrap

    from benchsuite.compare import Threshold, table
    from benchsuite.compare import compare as compared
    from benchsuite.compare.files import read_runs
    from benchsuite.errors import ConfigError
    from benchsuite.safe import one_line

    threshold = Threshold(smallest_effect, alpha)
    runs = read_runs(base, new)
    if exact:
        _compare_exactly(runs, threshold, check, as_json)
        return
    comparison = compared(runs.base, runs.new, threshold)
    if markdown and str(markdown) != "-":
        try:
            with markdown.open("a", encoding="utf-8") as stream:
                stream.write(table.markdown(comparison))
        except OSError as error:
            raise ConfigError(f"--markdown {markdown}: {error.strerror}") from None
    if as_json:
        print_json({**table.facts(comparison), "not_run": list(runs.not_run)})
    elif str(markdown) == "-":
        say(table.markdown(comparison))
    else:
        say(table.terminal(comparison))
        if runs.not_run:
            say(
                f"\nBoards of {base} that {new} has no results of: {', '.join(runs.not_run)}; --check fails for that:"
                " run them, or name the file of one board."
            )
        say("\n" + textwrap.fill(one_line(table.sentence(comparison)), _COLUMNS))
    if not comparison.compared:
        raise typer.Exit(_NOTHING)
    strictly = check is Check.strict and comparison.warns
    if check and (comparison.blocks or runs.not_run or strictly):
        raise typer.Exit(_REGRESSION)


def _compare_exactly(runs: "Runs", threshold: "Threshold", check: Check | None, as_json: bool) -> None:
    from benchsuite.compare import table
    from benchsuite.compare.exact import repetition

    found = repetition(runs.base, runs.new, threshold)
    if as_json:
        differ = {cell: list(fields) for cell, fields in found.different.items()}
        counts = {"retrained": len(found.retrained), "unknown": found.unknown}
        paired = {"environments": list(found.environments), "paired": table.facts(found.paired)}
        print_json({"equal": len(found.equal), "different": differ, **counts, **paired})
    else:
        for sentence in found.sentences:
            say(sentence)
    if found.contradicts or (check is Check.strict and found.paired.warns):
        raise typer.Exit(_REGRESSION)
    if not found.compared:
        raise typer.Exit(_NOTHING)
