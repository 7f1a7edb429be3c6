"""benchsuite: a benchmark suite for neural-network pruning and quantization.

Plugin authors import the types from here; notebooks call `prune`, `quantize`, `measure`, `run` and `get`.
What they name is loaded when it is first used: the command line answers before pluggy and torch are there.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from benchsuite.errors import BenchsuiteError, ConfigError, DataError, PluginError, StoreError

if TYPE_CHECKING:
    from benchsuite.api import (
        ChannelPruner,
        DataInfo,
        Dataset,
        ImageData,
        LayerPruner,
        Model,
        PruneContext,
        Pruner,
        Quantizer,
        Recipe,
        Regularizer,
        ReportPage,
        TensorData,
        hookimpl,
    )
    from benchsuite.functional import get, measure, prune, quantize, run

__version__ = "0.1.0"

__all__ = [
    "BenchsuiteError",
    "ChannelPruner",
    "ConfigError",
    "DataError",
    "DataInfo",
    "Dataset",
    "ImageData",
    "LayerPruner",
    "Model",
    "PluginError",
    "PruneContext",
    "Pruner",
    "Quantizer",
    "Recipe",
    "Regularizer",
    "ReportPage",
    "StoreError",
    "TensorData",
    "get",
    "hookimpl",
    "measure",
    "prune",
    "quantize",
    "run",
]


_FUNCTIONS = {"get", "measure", "prune", "quantize", "run"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("benchsuite.functional" if name in _FUNCTIONS else "benchsuite.api"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
