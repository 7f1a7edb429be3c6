"""`benchsuite list`: everything registered, by kind."""

from typing import Annotated

import typer

from benchsuite.cli.options import JsonOption, StrictOption, print_json, say, warn


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("list")(list_)


def list_(
    kind: Annotated[
        str | None,
        typer.Argument(help="Only this kind: pruner, quantizer, regularizer, model, dataset, leaderboard or report."),
    ] = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """List pruners, quantizers, regularizers, models, data sets, leaderboards and report pages."""
    from tabulate import tabulate

    from benchsuite.errors import ConfigError, suggestion
    from benchsuite.registry import KINDS, default_registry
    from benchsuite.safe import cells

    if kind is not None and kind not in KINDS:
        raise ConfigError(f'unknown kind "{kind}"{suggestion(kind, KINDS)}')
    registry = default_registry(strict=strict)
    facts = [fact for fact in registry.facts() if kind in (None, fact["kind"])]
    if as_json:
        print_json(facts)
        return
    warn(registry.problems())
    shown = ("kind", "name", "summary", "status")
    say(tabulate(cells([fact[key] for key in shown] for fact in facts), shown, maxcolwidths=[None, None, 60, None]))
