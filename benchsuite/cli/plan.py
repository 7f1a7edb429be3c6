"""`benchsuite plan`: the cells of a run, with their keys."""

import typer

from benchsuite.cli.options import (
    AddOption,
    BaselinesOption,
    BoardsArgument,
    DataOption,
    JsonOption,
    OnlyOption,
    SeedsOption,
    SetOption,
    StrictOption,
    parse_seeds,
    print_json,
    say,
    session,
)

_KEY_SHOWN = 12
_LONGEST_CELL = 120


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("plan")(plan)


def plan(
    boards: BoardsArgument,
    only: OnlyOption = None,
    seeds: SeedsOption = None,
    changes: SetOption = None,
    add: AddOption = None,
    baselines: BaselinesOption = None,
    data: DataOption = None,
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """List the cells of boards with their keys, and say which the store or the baselines hold; nothing is run."""
    from tabulate import tabulate

    from benchsuite.execution.adopted import adoptable
    from benchsuite.execution.committed import default_baselines
    from benchsuite.execution.session import filtered
    from benchsuite.execution.settled import Settled
    from benchsuite.safe import cells as safe_cells
    from benchsuite.store import Store
    from benchsuite.wording import counted

    work = session(data=data, strict=strict)
    plans = [work.plan(work.board(name, changes or []), parse_seeds(seeds), added=add or []) for name in boards]
    cells = [cell for planned in plans for cell in filtered(planned.cells, only or [])]
    committed = adoptable(cells, baselines or default_baselines())
    store = Store(work.home)
    store.check()
    settled = Settled(store, work.rerun)  # the engine would import torch
    facts = [
        {
            "board": cell.board,
            "role": cell.role,
            "method": cell.method,
            "setting": cell.setting,
            "seed": cell.chain.seed,
            "key": cell.key,
            "epochs": sum(step.epochs_trained for step in cell.chain.steps),
            "lr": [recipe.lr for recipe in cell.chain.recipes],
            "stored": record.status
            if (record := settled.get(cell.chain))
            else ("committed" if cell.chain in committed else None),
        }
        for cell in cells
    ]
    if as_json:
        print_json(facts)
        return
    rows = [
        {
            **fact,
            "setting": counted(cell.setting),
            "key": cell.key[:_KEY_SHOWN],
            "lr": ", ".join(f"{recipe.lr:g}" for recipe in cell.chain.recipes),
            "stored": fact["stored"] or "to run",
        }
        for cell, fact in zip(cells, facts, strict=True)
        if cell.role != "control"
    ]
    shown = safe_cells((list(row.values()) for row in rows), _LONGEST_CELL)
    say(tabulate(shown, list(facts[0]) if facts else (), disable_numparse=True))
    training = {link for cell in cells for link in cell.chain.links() if link.step.epochs_trained}
    adopted = sum(fact["stored"] == "committed" for fact in facts)
    stored = sum(fact["stored"] is not None for fact in facts) - adopted
    networks = f" {adopted} more {'is a committed network' if adopted == 1 else 'are committed networks'};" * bool(
        adopted
    )
    total = sum(link.step.epochs_trained for link in training)
    say(
        counted(
            f"\n{len(facts)} cells, controls included; {stored} in the store;{networks}"
            f" {len(training)} trainings of {total} epochs in all"
        )
    )
