"""`benchsuite check NAME`: the conformance kit on configured plugins, as a table."""

from collections.abc import Sequence
from typing import Annotated

import typer

from benchsuite.cli.options import JsonOption, StrictOption, facts_alone, print_json, say

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
    from benchsuite import isolation

    if isolation.AVAILABLE:
        isolation.start("benchsuite.testing.examination")  # it imports torch while this process does
    from benchsuite.testing.examination import examine

    with facts_alone():
        facts = [answer._asdict() for answer in examine(names, only, strict=strict)]
    if as_json:
        print_json(facts)
    else:
        _print_table(facts)
    if any(fact["verdict"] in _UNWANTED for fact in facts):
        raise typer.Exit(_FAILED)


def _print_table(facts: Sequence[dict[str, str]]) -> None:
    """A row for each check; what it is good for where there is no more to say."""
    from collections import Counter

    from tabulate import tabulate

    from benchsuite.safe import cells

    rows = [(fact["plugin"], fact["check"], fact["verdict"], fact["detail"] or fact["why"]) for fact in facts]
    say(tabulate(cells(rows), ("plugin", "check", "verdict", ""), maxcolwidths=[30, None, None, 70]))
    counts = Counter(fact["verdict"] for fact in facts)
    say(
        f"\n{len(facts)} check{'s' * (len(facts) > 1)}: "
        + ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    )
