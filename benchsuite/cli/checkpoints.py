"""`benchsuite checkpoints`: commit the dense networks of boards beside their records, or check those that are."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from benchsuite.cli.options import JsonOption, print_json, say

_STALE = 5


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("checkpoints")(checkpoints)


def checkpoints(
    boards: Annotated[list[str] | None, typer.Argument(help="Boards by name, with committed records.")] = None,
    baselines: Annotated[Path, typer.Option("--baselines", help="Folder of the records.")] = Path("baselines"),
    largest: Annotated[float, typer.Option("--largest", help="Megabytes that one file may have.")] = 2.0,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit with 5 if a file is not what the records say.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Copy the dense networks of committed boards from the store into baselines/checkpoints, where runs find them."""
    from benchsuite.errors import ConfigError
    from benchsuite.execution.parents import faults_of_checkpoints, lay_checkpoints
    from benchsuite.execution.session import default_home
    from benchsuite.store import Store

    if bool(boards) == check:
        raise ConfigError("checkpoints: name the boards whose networks to commit, or give --check alone")
    if check:
        faults = list(faults_of_checkpoints(baselines))
        if as_json:
            print_json({"faults": faults})
        else:
            say("\n".join(faults) or f"{baselines}: its checkpoints are the networks of its records")
        raise typer.Exit(_STALE if faults else 0)
    store = Store(default_home())
    store.open()
    parents = lay_checkpoints(boards or [], store, baselines, largest)
    if as_json:
        print_json([asdict(parent) for parent in parents])
        return
    for parent in parents:
        say(f"{parent.board}, {parent.name}, seed {parent.seed} ({parent.key[:12]}): {parent.state}")
