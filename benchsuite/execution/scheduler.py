"""Runs the cells of a plan, each to exactly one record."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from benchsuite.chain import Chain
from benchsuite.plan import Board, Cell, is_shown
from benchsuite.store import Place, Record

OnEpoch = Callable[[Chain, int, int], None]
"""Called with the chain that trains, the epoch that begins and how many there are."""


class Computer(Protocol):
    """A source of records: an engine, or a worker process around one."""

    on_epoch: OnEpoch | None

    def stored(self, chain: Chain) -> Record | None:
        """Return the record that needs no computing; None if there is none."""

    def preflight(self, board: Board, cells: Iterable[Cell]) -> None:
        """Try what can be tried of the cells that are not stored. Errors: ConfigError, DataError."""

    def record(self, chain: Chain) -> Record:
        """Return the record of the chain, computed if need be. Errors: DataError and StoreError."""

    def attempt(self, chain: Chain) -> Record | None:
        """Return the same, but None where another process computes it or what it builds on."""


@dataclass(frozen=True)
class Outcome:
    """A cell and its record; `fresh` if this run computed it."""

    cell: Cell
    record: Record
    fresh: bool


def run_cells(
    board: Board, cells: Iterable[Cell], computer: Computer, on_start: Callable[[Cell], None]
) -> Iterator[Outcome]:
    """Yield one outcome per cell, those of one dense training together, so that its model is loaded once.

    A cell that another run has in hand is left for later, so that runs of one board share its cells.
    Errors: ConfigError and DataError before anything is trained; StoreError.
    """
    cells = list(cells)
    computer.preflight(board, cells)
    waiting = sorted(cells, key=lambda cell: (cell.chain.training.text, cell.chain.seed, cell.line))
    while waiting:
        taken: list[Cell] = []
        for cell in waiting:
            known = computer.stored(cell.chain)
            if known is None:
                on_start(cell)
            record = known or computer.attempt(cell.chain)
            if record is None:
                taken.append(cell)
            else:
                yield Outcome(cell, on_board(board, cell, record), known is None)
        if len(taken) == len(waiting):  # nothing is left but what others compute
            cell = taken.pop(0)
            on_start(cell)
            yield Outcome(cell, on_board(board, cell, computer.record(cell.chain)), True)
        waiting = taken


def on_board(board: Board, cell: Cell, record: Record) -> Record:
    """Return the record at the cell's place on the board; a committed one stays marked as such."""
    place = Place(
        board=board.board.name,
        title=board.title,
        question=board.board.question,
        rank_by=board.board.rank_by,
        line=cell.line,
        role=cell.role,
        group=cell.group,
        method=cell.method,
        setting=cell.setting,
        seeds=cell.seeds,
        shown=is_shown(board, cell),
        dense=cell.chain.root.key,
        control=cell.control.key if cell.control else None,
        committed=record.place.committed if record.place else None,
    )
    return record.at(place)
