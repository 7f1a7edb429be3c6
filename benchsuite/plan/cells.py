"""What a plan is made of: its cells, in the order of the table."""

from dataclasses import dataclass
from typing import Literal

from benchsuite.plan.schema import Board
from benchsuite.plan.steps import Chain

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
        return " ".join(filter(None, [self.group if self.role != "dense" else "", self.method, self.setting]))

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
