"""`benchsuite new`: a complete project for a plugin of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from benchsuite.cli.options import say


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(
    kind: Annotated[str, typer.Argument(help="What to write: pruner, quantizer, model or dataset.")],
    name: Annotated[str, typer.Argument(help="Its name: lower-case, words joined by dashes.")],
    into: Annotated[Path | None, typer.Option("--into", help="The new folder (default: NAME).")] = None,
) -> None:
    """Write an installable project for a new plugin: code, conformance test, README and CI workflow."""
    from benchsuite.errors import ConfigError, suggestion
    from benchsuite.registry import default_registry
    from benchsuite.scaffold import TEMPLATE_KINDS, next_commands, project_name, write_project

    known = {one: one for one in TEMPLATE_KINDS}
    if kind not in known:
        raise ConfigError(f'there is no template for "{kind}"{suggestion(kind, known)}')
    named = project_name(known[kind], name, default_registry())
    folder = into or Path(name)
    for file in write_project(named, folder):
        say(file)
    say("\nNext:")
    for command in next_commands(named, folder):
        say(f"  {command}")
