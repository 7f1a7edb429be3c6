"""Measurements of a compressed network, and the checks without which none of them is believed."""

from base64 import b64encode
from collections.abc import Mapping
from math import inf, isfinite

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.api import Model, Quantizer
from benchsuite.errors import DivergedError, PluginError
from benchsuite.execution.compress import fold, masks_of
from benchsuite.execution.data import Examples
from benchsuite.execution.history import few_weights, solution
from benchsuite.execution.threads import fitting_threads
from benchsuite.metrics import (
    Evaluation,
    LayerCounts,
    evaluate,
    latency_ms,
    layer_macs,
    measure_model,
    nominal_bits,
    pack_bits,
    sites,
    weights_digest,
)
from benchsuite.metrics.widths import FLOAT_BITS
from benchsuite.store import Cost, Metrics, Number

_SHOWN_DECIMALS = 3


class Measurer:
    """Measures models; counts the MACs of each architecture and input shape once."""

    def __init__(self) -> None:
        self._macs: dict[object, dict[str, int]] = {}

    def measure(
        self,
        model: nn.Module,
        architecture: Model,
        test: Examples,
        quantizers: Mapping[str, Quantizer],
        dense: int | None = None,
    ) -> tuple[Metrics, tuple[LayerCounts, ...]]:
        """Return the metrics and the counts per layer.

        quantizers: of the layers whose weights are quantized. dense: bytes in float32 of the network before
        channels were removed. Errors: PluginError where masks or grids do not hold; DivergedError for outputs or a
        loss that are NaN or infinite.
        """
        with parametrize.cached(), torch.no_grad():
            weights = {name: site.rows for name, site in sites(model).items()}
            _verify_masks(weights, masks_of(model))
            verify_grids(weights, quantizers)
            # by its text, since a field may hold a list; a convolution's MACs depend on the input, its weights do not
            shapes = (repr(architecture), test.example().shape, *(weight.shape for weight in weights.values()))
            if shapes not in self._macs:
                self._macs[shapes] = layer_macs(model, test.example())
            bits = {
                name: min(FLOAT_BITS, nominal_bits(site.module, site.parameter)) for name, site in sites(model).items()
            }
            bits |= {name: min(bits[name], float(bits_of(quantizer))) for name, quantizer in quantizers.items()}
            counts, layers = measure_model(model, test.example(), bits, macs=self._macs[shapes])
            batches = test.in_order()
            with fitting_threads(sum(self._macs[shapes].values()) * len(batches[0][0])):
                evaluation = evaluate(model, architecture.loss, batches)
            _verify_finite(evaluation)
            small = solution(model) if few_weights(model) else None
            digest = weights_digest(model)
        numbers: dict[str, Number | None] = {"loss": evaluation.loss, **counts}
        is_classified = not test.labels.is_floating_point()
        if is_classified:
            numbers |= {
                "accuracy": evaluation.accuracy,
                "correct": int(evaluation.correct.count_nonzero()),
                "examples": len(evaluation.correct),
            }
        if dense is not None:
            numbers["compression"] = dense / counts["size_bytes"]
        return Metrics(
            numbers,
            correct_bits=b64encode(pack_bits(evaluation.correct)).decode() if is_classified else None,
            weights_sha256=digest,
            solution=small,
            support=tuple(place for place, weight in enumerate(small) if weight) if small is not None else None,
        ), layers


def latency(model: nn.Module, test: Examples, macs: float = inf) -> Cost:
    """Return the median milliseconds of a forward pass of one example, of the plain folded model.

    macs: of that pass, where known; a small network is timed on one thread.
    """
    with fitting_threads(macs):
        milliseconds = latency_ms(fold(model), test.example())
    return Cost(latency_ms=round(milliseconds, _SHOWN_DECIMALS), latency_batch=1)


def _verify_finite(evaluation: Evaluation) -> None:
    if evaluation.diverged:
        count = f"{evaluation.diverged} of {len(evaluation.correct)} test examples"
        raise DivergedError(f"diverged: the outputs for {count} hold NaN or infinity")
    if not isfinite(evaluation.loss):
        raise DivergedError(f"diverged: the loss on the test set is {evaluation.loss}")


def _verify_masks(weights: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
    for name, mask in masks.items():
        grown = int((weights[name].ne(0) & ~mask).count_nonzero())
        if grown:
            raise PluginError(f"layer {name}: {grown} pruned weights are not zero")


def verify_grids(weights: Mapping[str, Tensor], quantizers: Mapping[str, Quantizer]) -> None:
    """Check the distinct values of each layer. Errors: PluginError for more than the quantizer's bits allow."""
    for name, quantizer in quantizers.items():
        weight, allowed = weights[name], 2 ** bits_of(quantizer)
        if not bool(weight.isfinite().all()):
            raise PluginError(f"layer {name} has NaN or infinite weights")
        for group in weight.flatten(1) if quantizer.granularity == "channel" else [weight]:
            values = int(group[group != 0].unique().numel())
            if values > allowed:
                raise PluginError(f"layer {name}: {values} distinct non-zero values at {bits_of(quantizer)} bits")


def bits_of(quantizer: Quantizer) -> int:
    """Return the bit width that a quantizer is configured with. Errors: PluginError if it has no field `bits`."""
    bits = getattr(quantizer, "bits", None)
    if not isinstance(bits, int):
        raise PluginError(f"quantizer {type(quantizer).__name__} has no field bits: int")
    return bits
