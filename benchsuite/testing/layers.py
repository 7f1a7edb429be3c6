"""Checks of pruners and quantizers on layers out of the ordinary: in shape, in values, in the order of their memory."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchsuite.api import Pruner, Quantizer
from benchsuite.errors import PluginError
from benchsuite.metrics import prunable
from benchsuite.testing.checks import Failure, case, require, rule
from benchsuite.testing.compression import compress, compressed, differing, effective_weights, outputs, require_finite
from benchsuite.testing.samples import (
    GROUPED,
    NARROW,
    ONE_DIMENSIONAL,
    PLAIN,
    POINTWISE,
    SHARED,
    THREE_DIMENSIONAL,
    Sample,
)

WeightPlugin = Pruner | Quantizer


@rule(Pruner, Quantizer)
def narrow_layers(plugin: WeightPlugin) -> None:
    """A layer of one row, one column or one weight has quantiles, variances and ranks of nothing, and squeezes away."""
    _works_on(plugin, NARROW)


@rule(Pruner, Quantizer)
def pointwise_convolutions(plugin: WeightPlugin) -> None:
    """The weight of a 1×1 convolution loses its dimensions in a squeeze, and is then taken for a Linear's."""
    _works_on(plugin, POINTWISE)


@rule(Pruner, Quantizer)
def grouped_convolutions(plugin: WeightPlugin) -> None:
    """A depthwise or grouped convolution has fewer input channels in its weight than it reads."""
    _works_on(plugin, GROUPED)


@rule(Pruner, Quantizer)
def one_and_three_dimensional_convolutions(plugin: WeightPlugin) -> None:
    """Code that unpacks (out, in, height, width) meets weights of three or five dimensions: it works or refuses."""
    for sample in (ONE_DIMENSIONAL, THREE_DIMENSIONAL):
        try:
            with case(sample.name):
                _works_on(plugin, sample)
        except Failure as failure:
            # a sentence that names the layer is a refusal, anything else an accident
            if not (isinstance(failure.__cause__, ValueError | PluginError) and "conv" in str(failure.__cause__)):
                raise


@rule(Pruner, Quantizer)
def shared_layers(plugin: WeightPlugin) -> None:
    """A layer that a network calls twice has one weight: counted or compressed twice, its numbers are wrong."""
    _works_on(plugin, SHARED)


@rule(Pruner, Quantizer)
def all_zero_layer(plugin: WeightPlugin) -> None:
    """Pruned networks have layers of zeros: a scale, a norm or an effective count of 0 is divided by."""
    _works_with(plugin, lambda name, weight: weight.zero_() if name == "fc1" else weight)


@rule(Pruner, Quantizer)
def equal_weights(plugin: WeightPlugin) -> None:
    """Where weights are equal, a threshold keeps all of them or none: the sparsity asked for is missed."""
    everywhere = isinstance(plugin, Pruner)  # while a quantizer has to change something
    _works_with(plugin, lambda name, weight: weight.fill_(0.5) if everywhere or name == "fc1" else weight)
    with case("of either sign"):
        _works_with(plugin, lambda name, weight: weight.sign_().mul_(0.5) if everywhere or name == "fc1" else weight)


@rule(Pruner, Quantizer)
def huge_weights(plugin: WeightPlugin) -> None:
    """Weights of 10⁷ overflow what is summed or squared in low precision, and infinities spread to the outputs."""
    _works_with(plugin, lambda _, weight: weight.mul_(1e7))


@rule(Pruner, Quantizer)
def tiny_weights(plugin: WeightPlugin) -> None:
    """Weights too small to be squared make norms and scales of 0, by which others are divided."""
    _works_with(plugin, lambda name, weight: weight.mul_(1e-30) if name == "fc1" else weight)
    with case("subnormal"):
        _works_with(plugin, lambda name, weight: weight.mul_(1e-41) if name == "fc1" else weight)


@rule(Pruner, Quantizer)
def refuses_nan(plugin: WeightPlugin) -> None:
    """A NaN is neither above a threshold nor below: a diverged training must be told, not compressed."""
    _refuses(plugin, torch.nan)


@rule(Pruner, Quantizer)
def refuses_infinity(plugin: WeightPlugin) -> None:
    """An infinite weight makes every share and every scale 0 or NaN: a diverged training must be told."""
    _refuses(plugin, torch.inf)
    _refuses(plugin, -torch.inf)


@rule(Pruner, Quantizer)
def double_precision(plugin: WeightPlugin) -> None:
    """A network in float64 meets tensors made without a dtype: an error, or numbers rounded to half their digits."""
    network = compress(PLAIN.network().double(), plugin, PLAIN.batches(torch.float64))
    for name, weight in effective_weights(network).items():
        require(weight.dtype == torch.float64, f"the weight of layer {name} has become {weight.dtype}")
    require_finite(network)


@rule(Pruner, Quantizer)
def channels_last(plugin: WeightPlugin) -> None:
    """A training in bf16 leaves weights channels-last in memory: view(-1) raises, and flat indices are others."""
    ordinary = compressed(plugin)
    network = compress(PLAIN.network().to(memory_format=torch.channels_last), plugin, PLAIN.batches())
    names = differing(effective_weights(ordinary), effective_weights(network))
    require(not names, f"of equal weights in another order of memory, {', '.join(names)} come out different")


def _works_on(plugin: WeightPlugin, sample: Sample) -> None:
    network = compressed(plugin, sample)
    require_finite(network)
    require(bool(outputs(network, sample.inputs()).isfinite().all()), "the outputs are NaN or infinite afterwards")


def _works_with(plugin: WeightPlugin, change: Callable[[str, Tensor], Tensor]) -> None:
    require_finite(compress(_changed(change), plugin, PLAIN.batches()))


def _refuses(plugin: WeightPlugin, value: float) -> None:
    def put(name: str, weight: Tensor) -> Tensor:
        if name == "fc1":
            weight[0, 0] = value
        return weight

    try:
        compress(_changed(put), plugin, PLAIN.batches())
    except PluginError as error:
        require("fc1" in str(error), f"a weight is {value} in layer fc1, and the error does not name it: {error}")
    else:
        raise Failure(f"a weight is {value}, and a result came all the same")


def _changed(change: Callable[[str, Tensor], Tensor]) -> nn.Module:
    """The plain network with weights that were changed in place, layer by layer."""
    network = PLAIN.network()
    with torch.no_grad():
        for name, layer in prunable(network).items():
            change(name, layer.get_parameter("weight"))
    return network
