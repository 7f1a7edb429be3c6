"""What a plan is made of: its cells, in the order of the table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from benchsuite.chain import Chain, Prune, Quantize, Use
from benchsuite.plan.schema import Board
from benchsuite.wording import counted

Role = Literal["dense", "row", "control"]


@dataclass(frozen=True)
class Cell:
    """One planned measurement: a chain, and its place on the board."""

    board: str
    line: int
    """Which line of the table; the seeds of a line differ in nothing else."""
    role: Role
    group: str
    """Which dense training it starts from, where a board has several."""
    method: str
    setting: str
    chain: Chain
    seeds: tuple[int, ...]
    """Those of its line."""
    control: Chain | None = None
    """The random masks of the same sparsity per layer and the same training."""
    added: bool = False
    """Whether it is of a row that the board itself does not have."""

    @property
    def key(self) -> str:
        """The key of its chain: no two cells of a board share one."""
        return self.chain.key

    @property
    def label(self) -> str:
        """How a message names its line."""
        return counted(" ".join(filter(None, [self.group if self.role != "dense" else "", self.method, self.setting])))

    @property
    def name(self) -> str:
        """How progress names it."""
        return f"{self.label}, seed {self.chain.seed}"


@dataclass(frozen=True)
class Plan:
    """All cells of a board, in the order of the table, seeds of a line together."""

    board: Board
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]


def is_shown(board: Board, cell: Cell) -> bool:
    """Whether the board's short table has the cell: where its plugins have the fields, they have these values."""
    chosen = {name: value if isinstance(value, list) else [value] for name, value in board.board.shown.items()}
    fields = [use.settings().items() for use in _uses(cell.chain)]
    return all(value in chosen.get(name, [value]) for one in fields for name, value in one)


def _uses(chain: Chain) -> Iterator[Use]:
    """The pruners and quantizers of the chain, and of those that it is matched to."""
    for step in chain.steps:
        if isinstance(step, Prune):
            yield step.pruner
            yield from _uses(step.matched_to) if isinstance(step.matched_to, Chain) else ()
        elif isinstance(step, Quantize):
            yield step.quantizer
