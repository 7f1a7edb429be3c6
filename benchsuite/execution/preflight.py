"""What can be known to fail before anything is trained: data, checkpoints, layers to skip, unfit networks."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TypeVar, get_args

from benchsuite.api import ChannelPruner, Split
from benchsuite.errors import BenchsuiteError, ConfigError
from benchsuite.execution.data import DataSource
from benchsuite.execution.steps import Steps
from benchsuite.metrics import select
from benchsuite.plan import Board, Cell, Prune, Quantize, Train

T = TypeVar("T")


def preflight(board: Board, cells: Iterable[Cell], steps: Steps, data: DataSource) -> None:
    """Build each network of the cells once, and try what their steps ask of it.

    Errors: ConfigError naming the line of the board; DataError for data that are not what they should be.
    """
    by_training: dict[Train, list[Cell]] = {}
    for cell in cells:
        by_training.setdefault(cell.chain.training, []).append(cell)
    for use in {training.dataset: None for training in by_training}:
        for split in get_args(Split):
            _attempt(partial(data.examples, use, split))
    for training, same in by_training.items():
        with _placed(board, "dense"):
            model = _attempt(partial(steps.build, same[0].chain))
        if model is None:
            continue
        tried: set[object] = set()
        for cell in same:
            for step in cell.chain.steps:
                if step.text in tried or not isinstance(step, Prune | Quantize):
                    continue
                tried.add(step.text)
                with _placed(board, f'"{cell.label}" on {training.model.name}'):
                    select(model, step.skip)
                    if isinstance(step, Prune) and step.physical:
                        steps.plugin(step.pruner, ChannelPruner).check(model)


@contextmanager
def _placed(board: Board, place: str) -> Iterator[None]:
    try:
        yield
    except (ConfigError, ValueError) as error:
        raise ConfigError(board.place(f"{place}: {error}")) from error


def _attempt(build: Callable[[], T]) -> T | None:
    """What it gives; None where a plugin raises, which costs its own cells: they will meet it again."""
    try:
        return build()
    except BenchsuiteError:
        raise
    except Exception:
        return None
