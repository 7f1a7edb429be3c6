"""What one command or notebook call works with: registry, folders, device, store; and how boards are run in it.

Torch is imported where something is computed: a command that leaves this to a worker does without.
"""

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast, get_args

import platformdirs

from benchsuite.api import Dataset
from benchsuite.api.data import blamed
from benchsuite.errors import ConfigError, DataError, suggestion
from benchsuite.execution.settled import Rerun
from benchsuite.plan import Board, Cell, Chain, Plan, Prune, Quantize, added_rows, parse_board, plan, read_board
from benchsuite.registry import Lost, Registry, default_registry
from benchsuite.store import Store

if TYPE_CHECKING:
    import torch

    from benchsuite.execution.engine import Engine

DeviceName = Literal["auto", "cpu", "cuda"]

FILTERS = ("pruner", "quantizer", "model", "dataset", "method", "setting")


def default_home() -> Path:
    """`BENCHSUITE_HOME`, or the platform's cache folder."""
    return Path(os.environ.get("BENCHSUITE_HOME") or platformdirs.user_cache_dir("benchsuite"))


def default_data() -> Path:
    """`BENCHSUITE_DATA`, or the folder data in the home."""
    return Path(os.environ.get("BENCHSUITE_DATA") or default_home() / "data")


@dataclass(frozen=True)
class Session:
    """One registry, store, data folder and device."""

    device_name: DeviceName = "auto"
    rerun: Rerun = "never"
    strict: bool = False
    home: Path = field(default_factory=default_home)
    data_root: Path = field(default_factory=default_data)
    lost: tuple[Lost, ...] = ()
    """Plugins that a process did not survive, and that are not loaded in any other."""

    def __post_init__(self) -> None:
        for name in ("home", "data_root"):  # a notebook may give texts
            object.__setattr__(self, name, Path(getattr(self, name)))
        for name, known in (("device_name", get_args(DeviceName)), ("rerun", get_args(Rerun))):
            if (value := getattr(self, name)) not in known:
                raise ConfigError(f"{name}: one of {', '.join(known)}, not {value!r}")

    @cached_property
    def registry(self) -> Registry:
        """What the installed plugins register."""
        if "torch" not in sys.modules:  # then nothing is computed here that an import could spoil
            return default_registry(self.strict, self.lost)
        from benchsuite.execution.guard import unnoticed

        with unnoticed():
            return default_registry(self.strict, self.lost)

    @cached_property
    def device(self) -> "torch.device":
        """The device asked for. Errors: ConfigError if it is CUDA and there is none."""
        import torch

        available = torch.cuda.is_available()
        if self.device_name == "cuda" and not available:
            raise ConfigError("--device cuda: torch finds no CUDA device here; use --device cpu")
        return torch.device("cuda" if available and self.device_name != "cpu" else "cpu")

    @cached_property
    def engine(self) -> "Engine":
        """What computes chains, over an opened store. Errors: StoreError."""
        from benchsuite.execution.data import DataSource
        from benchsuite.execution.engine import Engine

        store = Store(self.home)
        store.open()
        data = DataSource(self.registry, self.data_root, self.device)
        return Engine(self.registry, store, data, self.device, self.rerun)

    def board(self, name: str | Path | Mapping[str, object], changes: Sequence[str] = ()) -> Board:
        """The board of that name, or of the TOML file of that path, with changes as of `--set`.

        A mapping is what such a file holds; its paths are relative to the working directory. Errors: ConfigError.
        """
        if isinstance(name, Mapping):
            return parse_board(cast(Mapping[str, object], _lists(name)), "given as a dict")
        if not isinstance(name, str | Path):
            raise ConfigError(f"board: a name, the path of a TOML file or a dict of what it holds, not {name!r}")
        if isinstance(name, Path) or {".", "/", os.sep} & set(name):  # no name has these
            return read_board(Path(name), changes)
        path = self.registry.get("leaderboard", name).factory
        if not isinstance(path, Path):
            raise ConfigError(f'leaderboard "{name}" is registered without a file')
        return read_board(path, changes)

    def plan(
        self, board: Board, seeds: Sequence[int] | None = None, *, added: Sequence[str] = (), fetch: bool = False
    ) -> Plan:
        """Plan a board. added: plugins to put on it, each NAME[field=value,…]. fetch: download data that is missing.

        Errors: ConfigError, DataError; PluginError for an added plugin that cannot be had.
        """

        def fingerprint(dataset: Dataset) -> str:
            name = type(dataset).__name__
            if fetch:
                with blamed(name, "prepare"):
                    dataset.prepare(self.data_root)
            with blamed(name, "fingerprint"):
                digest: object = dataset.fingerprint(self.data_root)
            if not isinstance(digest, str) or not digest:
                raise DataError(f"data set {name}: fingerprint gave {digest!r}, not a text")
            return digest

        return plan(board, self.registry, fingerprint, seeds, added_rows(board, added, self.registry))


def _lists(value: object) -> object:
    """The content of a board as TOML has it: lists for tuples and ranges."""
    if isinstance(value, Mapping):
        return {key: _lists(one) for key, one in value.items()}
    return [_lists(one) for one in value] if isinstance(value, list | tuple | range) else value


def filtered(cells: Iterable[Cell], filters: Sequence[str]) -> list[Cell]:
    """The cells that match every `key=pattern`, with their dense parents and controls.

    Errors: ConfigError for a key that is none of FILTERS.
    """
    cells = list(cells)
    tests = [_test(one) for one in filters]
    chosen = [cell for cell in cells if cell.role == "row" and all(test(cell) for test in tests)]
    needed = {key for cell in chosen for key in (cell.key, cell.chain.root.key, cell.control and cell.control.key)}
    return [cell for cell in cells if cell.key in needed] if tests else cells


def _test(text: str) -> Callable[[Cell], bool]:
    key, equals, pattern = text.partition("=")
    if key not in FILTERS or not equals:
        raise ConfigError(f"--only {text}: give KEY=PATTERN, such as pruner=neff-*{suggestion(key, FILTERS)}")

    def test(cell: Cell) -> bool:
        return any(fnmatchcase(value, pattern) for value in _values(cell, key))

    return test


def _values(cell: Cell, key: str) -> list[str]:
    if key == "method":
        return [cell.method]
    if key == "setting":
        return [cell.setting]
    return [name for kind, name in _plugins(cell.chain) if kind == key]


def _plugins(chain: Chain) -> list[tuple[str, str]]:
    training = chain.training
    names = [("dataset", training.dataset.name), ("model", training.model.name)]
    names += [("pruner", step.pruner.name) for step in chain.steps if isinstance(step, Prune)]
    return names + [("quantizer", step.quantizer.name) for step in chain.steps if isinstance(step, Quantize)]
