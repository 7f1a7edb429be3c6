"""Checks of channel pruners: how many channels go, and whether the smaller network is the masked one."""

import torch
from torch import Tensor, nn

from benchsuite.api import ChannelPruner
from benchsuite.execution.channels import remove_channels
from benchsuite.execution.shrink import ChannelGraph
from benchsuite.metrics import batch_norms
from benchsuite.testing.checks import case, require, rule
from benchsuite.testing.compression import at_level, outputs, require_finite
from benchsuite.testing.samples import PLAIN, RESIDUAL, Sample, context_of

LEVELS = (0.0, 0.25, 0.5, 0.75)
_HARDEST = 0.95
_CLOSE = 1e-5


def shrunk(pruner: ChannelPruner, sample: Sample, network: nn.Module) -> dict[str, Tensor]:
    """Remove channels of the network in place, by the harness's door; returns those kept, by layer that lost some."""
    return remove_channels(network, pruner, (), sample.inputs()[:1], context_of(network, sample.batches()))


@rule(ChannelPruner)
def channels_fit_the_layers(pruner: ChannelPruner) -> None:
    """A bool for each output channel of a layer that can lose some: indices or scores would be taken for a mask."""
    for sample in (PLAIN, RESIDUAL):
        with case(sample.name):
            shrunk(pruner, sample, sample.network())


@rule(ChannelPruner)
def masked_equals_shrunk(pruner: ChannelPruner) -> None:
    """Biases and BatchNorm shifts of removed channels still act if they are left behind: the accuracy is another."""
    for sample in (PLAIN, RESIDUAL):
        with case(sample.name):
            small, masked = sample.network(), sample.network()
            kept = shrunk(pruner, sample, small)
            _silence(masked, kept, sample)
            away = (outputs(small, sample.inputs()) - outputs(masked, sample.inputs())).abs().max().item()
            require(away <= _CLOSE, f"outputs of the smaller network are {away:.2g} from those of the masked one")


@rule(ChannelPruner)
def share_of_channels(pruner: ChannelPruner) -> None:
    """Methods are compared at equal shares of channels: a threshold that is met or missed puts one at another level."""
    for level in LEVELS:
        with case(f"sparsity {level}"):
            shrunk(at_level(pruner, level), PLAIN, PLAIN.network())


@rule(ChannelPruner)
def equal_scales(pruner: ChannelPruner) -> None:
    """BatchNorm scales start alike: a threshold among equals removes all channels or none."""
    network = PLAIN.network()
    with torch.no_grad():
        for norm in batch_norms(network).values():
            norm.get_parameter("weight").fill_(1.0)
    shrunk(pruner, PLAIN, network)


@rule(ChannelPruner)
def a_channel_stays(pruner: ChannelPruner) -> None:
    """A layer that loses all its channels cuts the network in two."""
    network = PLAIN.network()
    with torch.no_grad():
        network.get_parameter("bn1.weight").mul_(1e-3)  # what a ranking over all layers takes first
        network.get_parameter("conv1.weight").mul_(1e-3)
    shrunk(at_level(pruner, _HARDEST), PLAIN, network)


@rule(ChannelPruner)
def levels_of_each_layer(pruner: ChannelPruner) -> None:
    """Matched controls ask for each layer alone, at a level of its own: a pruner must not count on seeing them all."""
    at_level(pruner, 0.5)
    network, levels = PLAIN.network(), {"conv1": 0.25, "conv2": 0.5}
    remove_channels(network, pruner, ("fc1",), PLAIN.inputs()[:1], context_of(network, PLAIN.batches()), levels)


@rule(ChannelPruner)
def smaller_network_trains(pruner: ChannelPruner) -> None:
    """A removal that leaves gradients or statistics of the old size fails in the first step of fine-tuning."""
    network = PLAIN.network()
    shrunk(pruner, PLAIN, network)
    network.train()
    inputs, labels = PLAIN.batches()[0]
    nn.functional.cross_entropy(network(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch's own
    for name, parameter in network.named_parameters():
        require(parameter.grad is not None, f"no gradient reaches {name}")
    require_finite(network)


def _silence(network: nn.Module, kept: dict[str, Tensor], sample: Sample) -> None:
    """Zero the channels that were removed: filter and bias, and γ = β = 0 where there is a BatchNorm."""
    norms = ChannelGraph(network, sample.inputs()[:1]).removable
    with torch.no_grad():
        for name, mask in kept.items():
            for module in filter(None, (name, norms[name])):
                for parameter in network.get_submodule(module).parameters():
                    parameter[~mask] = 0.0
