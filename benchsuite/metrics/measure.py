"""All metrics of a model that need no data."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from benchsuite.metrics.counts import count_layers, layer_macs, totals
from benchsuite.metrics.evaluation import evaluating
from benchsuite.metrics.layer_counts import LayerCounts
from benchsuite.metrics.size import dense_bytes, size_bytes


def measure_model(
    model: nn.Module,
    example_input: Tensor,
    bits: Mapping[str, float] | None = None,
    macs: Mapping[str, int] | None = None,
) -> tuple[dict[str, int | float], tuple[LayerCounts, ...]]:
    """The totals by metric name and the counts per layer; `compression` is dense float32 bytes / `size_bytes`.

    example_input: (N, …) on the model's device. bits: of a weight, by layer, where it is not as of `nominal_bits`.
    macs: `layer_macs` of the same architecture, where known. Errors: ConfigError as in `count_layers`, `layer_macs`.
    """
    with evaluating(model), torch.no_grad():
        layers = count_layers(model, layer_macs(model, example_input) if macs is None else macs, bits)
        size = size_bytes(model)
        metrics = totals(model, layers) | {"size_bytes": size, "compression": dense_bytes(model) / size}
    return metrics, layers
