"""`benchsuite compare`: whether a run is worse than another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import JsonOption, print_json, say

if TYPE_CHECKING:
    from benchsuite.compare.files import Runs

_REGRESSION, _NOTHING = 1, 4
_COLUMNS = 100


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare")(compare)


def compare(
    base: Annotated[Path, typer.Argument(help="The results to compare with: a file, or a folder of boards.")],
    new: Annotated[Path, typer.Argument(help="The results that may be worse: a file, or a folder of boards.")],
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 if a cell regressed, failed or is missing.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Ask instead whether NEW's cells are BASE's bit for bit; exit 1 if not.")
    ] = False,
    smallest_effect: Annotated[
        float, typer.Option("--smallest-effect", min=0.0, help="Points of accuracy that matter.")
    ] = 0.5,
    alpha: Annotated[
        float, typer.Option("--alpha", min=0.0001, max=0.5, help="Rate of false alarms among all cells together.")
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

    runs = read_runs(base, new)
    if exact:
        _compare_exactly(runs, as_json)
        return
    comparison = compared(runs.base, runs.new, Threshold(smallest_effect, alpha))
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
            say(f"\nBoards of {base} that {new} has no results of: {', '.join(runs.not_run)}.")
        say("\n" + textwrap.fill(one_line(table.sentence(comparison)), _COLUMNS))
    if not comparison.compared:
        raise typer.Exit(_NOTHING)
    if check and comparison.blocks:
        raise typer.Exit(_REGRESSION)


def _compare_exactly(runs: "Runs", as_json: bool) -> None:
    from benchsuite.compare.exact import repetition

    found = repetition(runs.base, runs.new)
    if as_json:
        differ = {cell: list(fields) for cell, fields in found.different.items()}
        counts = {"retrained": len(found.retrained), "unknown": found.unknown}
        print_json({"equal": len(found.equal), "different": differ, **counts})
    else:
        for sentence in found.sentences:
            say(sentence)
    if found.different:
        raise typer.Exit(_REGRESSION)
    if not found.compared:
        raise typer.Exit(_NOTHING)
