"""Checks of quantizers: their grid, their zeros, their gradient."""

import torch
from torch import Tensor

from benchsuite.api import Quantizer
from benchsuite.execution.compress import quantizing
from benchsuite.testing.checks import require, rule
from benchsuite.testing.compression import compressed, effective_weights
from benchsuite.testing.samples import PLAIN
from benchsuite.testing.training import require_grid

_CLOSE = 1e-5
"""Of the largest magnitude: a scale computed again from what it gave may differ in its last digits."""


def a_weight() -> Tensor:
    """That of an ordinary layer, some of it pruned."""
    weight = effective_weights(PLAIN.network())["conv2"].clone()
    return weight.where(weight.abs() > weight.abs().median(), 0.0)


@rule(Quantizer)
def bits_are_kept(quantizer: Quantizer) -> None:
    """A grid of 2^bits + 1 values needs one bit more than the table says."""
    require_grid(compressed(quantizer), quantizer)


@rule(Quantizer)
def something_changes(quantizer: Quantizer) -> None:
    """A quantizer that returns its input reports the accuracy of float32 at the size of a few bits."""
    dense, network = effective_weights(PLAIN.network()), effective_weights(compressed(quantizer))
    require(any(not torch.equal(dense[name], network[name]) for name in dense), "quantization changed no weight")


@rule(Quantizer)
def shape_and_dtype_are_kept(quantizer: Quantizer) -> None:
    """A weight of another shape is broadcast and one of another dtype converts the network, both in silence."""
    compressed(quantizer)


@rule(Quantizer)
def weights_untouched(quantizer: Quantizer) -> None:
    """Rounding in place changes the float weights that quantization-aware training goes on from."""
    shown, weight = a_weight(), a_weight()
    quantizing(quantizer, shown)(shown)
    require(torch.equal(shown, weight), "it changed the weight that it was shown")


@rule(Quantizer)
def zeros_stay_zero(quantizer: Quantizer) -> None:
    """A grid without zero brings pruned weights back: the sparsity of the row is gone."""
    weight = a_weight()
    quantized = quantizing(quantizer, weight)(weight)
    back = int(quantized[weight == 0].count_nonzero())
    require(not back, f"{back} weights that were zero are not zero afterwards")


@rule(Quantizer)
def gradient_passes(quantizer: Quantizer) -> None:
    """The derivative of rounding is zero: without a straight-through estimator nothing is learned, in silence."""
    weight = a_weight().requires_grad_()
    quantizing(quantizer, weight.detach())(weight).sum().backward()
    gradient = weight.grad if weight.grad is not None else torch.zeros_like(weight)
    require(bool(gradient.isfinite().all()), "the gradient is NaN or infinite")
    require(bool(gradient.any()), "the gradient of every weight is zero")
    if quantizer.parametrization(a_weight()) is None:
        require(bool(gradient.eq(1).all()), "the gradient of a sum is not 1 for every weight")


@rule(Quantizer)
def idempotent(quantizer: Quantizer) -> None:
    """Weights on the grid stay where they are: else a network changes each time it is stored and loaded."""
    once = quantizer.quantize(a_weight())
    twice = quantizer.quantize(once.clone())
    away = (once - twice).abs().max() / once.abs().max()
    require(bool(away <= _CLOSE), f"quantized again, weights move by {away:.2g} of the largest")


@rule(Quantizer)
def remembers_nothing(quantizer: Quantizer) -> None:
    """A scale kept from one layer, or from the last step, is the wrong one for the next."""
    weight = a_weight()
    first = quantizer.quantize(weight.clone())
    quantizer.quantize(10 * weight)
    require(
        torch.equal(first, quantizer.quantize(weight.clone())),
        "after another weight this one comes out different",
    )
