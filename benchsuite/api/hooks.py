"""The seven hooks. None takes an argument; each returns a mapping of names.

Names are lower-case with dashes. Hooks only fill the registry: nothing runs behind a hook call.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pluggy

from benchsuite.api.data import Dataset
from benchsuite.api.plugins import ChannelPruner, Model, Pruner, Quantizer, Regularizer
from benchsuite.api.reports import ReportPage

PROJECT = "benchsuite"
"""pluggy's project name and the entry-point group."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def benchsuite_pruners() -> Mapping[str, Callable[..., Pruner | ChannelPruner]]:  # type: ignore[empty-body]  # a specification
    """Pruners by name: a frozen dataclass, or a functools.partial of one."""


@hookspec
def benchsuite_quantizers() -> Mapping[str, Callable[..., Quantizer]]:  # type: ignore[empty-body]  # likewise
    """Quantizers by name."""


@hookspec
def benchsuite_regularizers() -> Mapping[str, Callable[..., Regularizer]]:  # type: ignore[empty-body]  # likewise
    """Regularizers by name."""


@hookspec
def benchsuite_models() -> Mapping[str, Callable[..., Model]]:  # type: ignore[empty-body]  # likewise
    """Models by name."""


@hookspec
def benchsuite_datasets() -> Mapping[str, Callable[..., Dataset]]:  # type: ignore[empty-body]  # likewise
    """Data sets by name."""


@hookspec
def benchsuite_leaderboards() -> Mapping[str, Path]:  # type: ignore[empty-body]  # likewise
    """Leaderboards: name to the path of a TOML file."""


@hookspec
def benchsuite_reports() -> Mapping[str, Callable[..., ReportPage]]:  # type: ignore[empty-body]  # likewise
    """Pages of `benchsuite report` by name."""
