"""`benchsuite check NAME`: the conformance kit on configured plugins, as a table."""

from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import JsonOption, StrictOption, facts_alone, print_json

if TYPE_CHECKING:
    from benchsuite.testing import Check

_FAILED = 3
_UNWANTED = ("failed", "unexpected pass")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME[FIELD=VALUE,…]…",
            help="Pruners, quantizers, regularizers, models or data sets; KIND/NAME where two kinds share a name.",
        ),
    ],
    only: Annotated[str, typer.Option("--only", help="Only the checks that match, such as masks-*.")] = "*",
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Check plugins for every way that compression code is known to go wrong; exit 3 if a check fails."""
    from fnmatch import fnmatchcase

    from benchsuite.errors import ConfigError, suggestion
    from benchsuite.registry import default_registry
    from benchsuite.testing import checks

    registry = default_registry(strict=strict)
    asked = [one for name in names for one in checks(name, registry)]
    chosen = [one for one in asked if fnmatchcase(one.name, only)]
    if not chosen:
        raise ConfigError(f"--only {only}: no check matches{suggestion(only, {one.name for one in asked})}")
    with facts_alone():
        facts = [_facts(one) for one in chosen]
    if as_json:
        print_json(facts)
    else:
        _print_table(facts)
    if any(fact["verdict"] in _UNWANTED for fact in facts):
        raise typer.Exit(_FAILED)


def _facts(one: "Check") -> dict[str, str]:
    verdict, detail = one.verdict()
    return {"plugin": one.shown, "check": one.name, "verdict": verdict, "detail": detail, "why": one.why}


def _print_table(facts: list[dict[str, str]]) -> None:
    """A row for each check; what it is good for where there is no more to say."""
    from collections import Counter

    from tabulate import tabulate

    rows = [(fact["plugin"], fact["check"], fact["verdict"], fact["detail"] or fact["why"]) for fact in facts]
    typer.echo(tabulate(rows, ("plugin", "check", "verdict", ""), maxcolwidths=[30, None, None, 70]))
    counts = Counter(fact["verdict"] for fact in facts)
    typer.echo(
        f"\n{len(facts)} check{'s' * (len(facts) > 1)}: "
        + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    )
