"""Measuring a model: accuracy, counts, bytes, latency and statistics, each with one definition.

The names are found when first used: a report needs the statistics and no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchsuite.metrics.accuracy import Evaluation, evaluate, pack_bits
    from benchsuite.metrics.counts import count_layers, layer_macs, neff, totals
    from benchsuite.metrics.digests import mask_digest, weights_digest
    from benchsuite.metrics.latency import latency_ms
    from benchsuite.metrics.layer_counts import LayerCounts
    from benchsuite.metrics.layers import batch_norms, prunable, select, sites, trained_weight
    from benchsuite.metrics.measure import measure_model
    from benchsuite.metrics.size import dense_bytes, pack, size_bytes, unpack
    from benchsuite.metrics.statistics import Summary, paired_change, summarize
    from benchsuite.metrics.tensors import model_tensors, parameters
    from benchsuite.metrics.widths import mark_grid, nominal_bits

__all__ = [
    "Evaluation",
    "LayerCounts",
    "Summary",
    "batch_norms",
    "count_layers",
    "dense_bytes",
    "evaluate",
    "latency_ms",
    "layer_macs",
    "mark_grid",
    "mask_digest",
    "measure_model",
    "model_tensors",
    "neff",
    "nominal_bits",
    "pack",
    "pack_bits",
    "paired_change",
    "parameters",
    "prunable",
    "select",
    "sites",
    "size_bytes",
    "summarize",
    "totals",
    "trained_weight",
    "unpack",
    "weights_digest",
]

_MODULES = (
    *("statistics", "layer_counts", "layers", "tensors", "accuracy", "digests", "widths", "counts", "size", "latency"),
    "measure",
)


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in _MODULES:
            found = vars(import_module(f"{__name__}.{module}"))
            if name in found:
                return found[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
