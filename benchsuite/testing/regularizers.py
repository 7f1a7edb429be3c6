"""Checks of regularizers: what they touch while a network trains."""

import torch
from torch import nn

from benchsuite.api import Regularizer
from benchsuite.execution.compress import Mask, add_part
from benchsuite.metrics import model_tensors, prunable
from benchsuite.metrics.tensors import buffers
from benchsuite.testing.checks import require, rule
from benchsuite.testing.compression import compressed, differing, effective_weights, require_finite, step
from benchsuite.testing.samples import NARROW, PLAIN


@rule(Regularizer)
def finite_steps(regularizer: Regularizer) -> None:
    """Powers and shares of weights that have become zero are NaN, and one NaN ends a training."""
    for sample in (PLAIN, NARROW):
        network = sample.network()
        with torch.no_grad():
            for layer in prunable(network).values():
                layer.get_parameter("weight")[0] = 0.0
        for _ in range(3):
            step(network, regularizer, sample.batches())
        require_finite(network)


@rule(Regularizer)
def buffers_untouched(regularizer: Regularizer) -> None:
    """Running statistics are measured, not trained: a penalty on them shifts every output."""
    network, plain = compressed(regularizer), PLAIN.network()
    step(plain, Regularizer(), PLAIN.batches())
    names = differing(buffers(network), buffers(plain))
    require(not names, f"it changed {', '.join(names)}")


@rule(Regularizer)
def frozen_parameters_untouched(regularizer: Regularizer) -> None:
    """A parameter without a gradient is not to be trained: a layer that someone froze must not decay."""
    network = PLAIN.network()
    frozen = network.get_submodule("fc1").requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in model_tensors(frozen).items()}
    step(network, regularizer, PLAIN.batches())
    names = differing(before, model_tensors(frozen))
    require(not names, f"it changed {', '.join(names)} of a layer that is frozen")


@rule(Regularizer)
def masks_stay(regularizer: Regularizer) -> None:
    """Pruned networks are regularized, too: pruned weights stay zero, and the masked layers are found at all."""
    network = PLAIN.network()
    masks = {name: _half(layer) for name, layer in prunable(network).items()}
    for name, mask in masks.items():
        add_part(network, network.get_submodule(name), Mask(mask))
    step(network, regularizer, PLAIN.batches())
    for name, weight in effective_weights(network).items():
        back = int(weight[~masks[name]].count_nonzero())
        require(not back, f"{back} pruned weights of layer {name} are not zero")


def _half(layer: nn.Module) -> torch.Tensor:
    weight = layer.get_parameter("weight")
    return weight.abs() > weight.abs().median()
