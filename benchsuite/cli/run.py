"""`benchsuite run`: run boards, write their results, print their tables."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import (
    AddOption,
    BaselinesOption,
    BoardsArgument,
    DataOption,
    Device,
    DeviceOption,
    FromScratchOption,
    InProcessOption,
    JsonOption,
    MemoryOption,
    OnlyOption,
    Rerun,
    RerunOption,
    SeedsOption,
    SetOption,
    StrictOption,
    TimeoutOption,
    VerboseOption,
    facts_alone,
    parse_seeds,
    print_json,
    say,
    session,
    warn,
)

if TYPE_CHECKING:
    from benchsuite.execution.committed import Committed
    from benchsuite.execution.scheduler import Computer, Outcome
    from benchsuite.execution.session import Session
    from benchsuite.plan import Chain, Plan
    from benchsuite.store import Record

_FAILED, _NOTHING = 3, 4


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    boards: BoardsArgument,
    only: OnlyOption = None,
    seeds: SeedsOption = None,
    changes: SetOption = None,
    add: AddOption = None,
    baselines: BaselinesOption = None,
    from_scratch: FromScratchOption = False,
    rerun: RerunOption = Rerun.never,
    device: DeviceOption = Device.auto,
    data: DataOption = None,
    output: Annotated[Path, typer.Option("--output", help="Folder of the results.")] = Path("results"),
    timeout: TimeoutOption = None,
    memory: MemoryOption = None,
    in_process: InProcessOption = False,
    strict: StrictOption = False,
    verbose: VerboseOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run boards; what the store holds already is not run again."""
    import json

    from benchsuite import isolation

    if not in_process and isolation.AVAILABLE:
        isolation.start("benchsuite.execution.engine")  # it imports torch while this process plans
    from benchsuite.execution.committed import Committed, default_baselines
    from benchsuite.execution.limits import Limits
    from benchsuite.execution.results import require_one_file_each
    from benchsuite.execution.worker import computing
    from benchsuite.registry.trial import lost_plugins

    limits = None if in_process else Limits(timeout, memory)
    lost = lost_plugins(limits.seconds()) if limits else ()
    records: list[Record] = []
    with ExitStack() as stack:
        with facts_alone():
            work = session(device, rerun, data, strict, lost)
            computer = stack.enter_context(computing(work, limits))
            warn(work.registry.problems())
            read = [work.board(name, changes or []) for name in boards]
            require_one_file_each(read, boards)
            chosen = parse_seeds(seeds)
            plans = [work.plan(board, chosen, added=add or [], fetch=True) for board in read]
        for planned in plans:
            folder = baselines or default_baselines()
            committed = Committed.of(planned.board.board.name, folder) if add else Committed({})
            with facts_alone():
                own = work.plan(planned.board, added=add or []) if chosen else None
                networks = None if from_scratch else folder
                results = _run(work, computer, planned, own, only or [], output, committed, networks, verbose)
            records += results
            if not as_json:
                _show(results, output, planned)
    if as_json:
        print_json([json.loads(record.text) for record in records])
    if not records:
        raise typer.Exit(_NOTHING)
    if any(record.status != "ok" for record in records):
        raise typer.Exit(_FAILED)


def _run(
    work: "Session",
    computer: "Computer",
    planned: "Plan",
    own: "Plan | None",
    only: list[str],
    output: Path,
    committed: "Committed",
    networks: Path | None,
    verbose: bool,
) -> "list[Record]":
    """Run the cells that `only` leaves, and write them over the board's results as far as they came.

    own: the plan with the board's own seeds, where others are run. networks: the baselines whose dense networks are
    taken over. verbose: print the tracebacks of failed cells.
    """
    from benchsuite.cli.failures import Failures
    from benchsuite.cli.progress import reporter
    from benchsuite.cli.signals import to_be_written
    from benchsuite.execution.adopted import adopt
    from benchsuite.execution.results import check_results, merge_results, uncovered
    from benchsuite.execution.scheduler import run_cells
    from benchsuite.execution.session import filtered
    from benchsuite.store import Store

    cells = filtered(planned.cells, only)
    if not cells:
        say(f"{planned.board.board.name}: no row matches {', '.join(only)}", err=True)
        return []
    path = output / f"{planned.board.board.name}.jsonl"
    cells, taken = committed.beside(planned, cells)
    store = Store(work.home)
    store.open()  # what cannot be read or written shows before anything is trained
    check_results(path)
    if networks is not None:
        adoption = adopt(cells, store, work.rerun, networks)
        warn(list(adoption.problems))
        if message := adoption.message():
            say(message, err=True)
    outcomes: list[Outcome] = []
    failures = Failures(cells, computer.stored)
    with to_be_written(), reporter(len(cells)) as progress:

        def on_epoch(chain: "Chain", epoch: int, epochs: int) -> None:
            progress.doing(f"seed {chain.seed}, {chain.step.verb}, epoch {epoch}/{epochs}")

        computer.on_epoch = on_epoch
        try:
            for outcome in run_cells(planned.board, cells, computer, lambda cell: progress.doing(cell.name)):
                outcomes.append(outcome)
                status = outcome.record.status
                progress.done(status, "" if status == "ok" else failures.describe(outcome))
        finally:
            records = [outcome.record for outcome in outcomes]
            merged = merge_results(path, planned, records, taken, own)
            warn(list(filter(None, [merged.message()])))
    failures.show(path, verbose)
    warn(uncovered(records))
    if deviation := committed.deviation(records):
        warn([deviation])
    return [*records, *(merged.records[record.key] for record in taken)]


def _show(records: "list[Record]", output: Path, planned: "Plan") -> None:
    from benchsuite.report import legend, terminal
    from benchsuite.results import board_results
    from benchsuite.safe import one_line
    from benchsuite.wording import counted

    for results in board_results(records):
        say(f"\n{one_line(results.title)}\n")
        say(terminal(results))
        say(f"\n{legend([results])}")
        say(counted(f"\n{len(records)} records in ") + f"{output / planned.board.board.name}.jsonl")
