"""Checks of what compression has to survive: optimizers, copies, files and another process."""

from copy import deepcopy
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from benchsuite.api import ChannelPruner, Pruner, Quantizer, Recipe
from benchsuite.execution.compress import fold, masks_of
from benchsuite.execution.training import train
from benchsuite.testing.checks import require, rule
from benchsuite.testing.compression import compressed, effective_weights, outputs, require_finite
from benchsuite.testing.processes import in_a_fresh_process
from benchsuite.testing.samples import PLAIN

_MOMENTUM = Recipe(lr=0.05, momentum=0.9, weight_decay=0.1, epochs=3, batch_size=8)
_FAST = Recipe(lr=0.5, momentum=0.9, epochs=3, batch_size=8)
_ADAM = Recipe(optimizer="adam", lr=0.05, weight_decay=0.1, epochs=3, batch_size=8)


@rule(Pruner)
def masks_hold_under_momentum(pruner: Pruner) -> None:
    """Momentum and weight decay move weights whose gradient is zero: masked gradients alone let pruned ones return."""
    _masks_hold(pruner, _MOMENTUM)


@rule(Pruner)
def masks_hold_under_adam(pruner: Pruner) -> None:
    """Adam divides by the square root of almost nothing: the smallest gradient of a pruned weight is a full step."""
    _masks_hold(pruner, _ADAM)


@rule(Quantizer)
def grid_holds_under_training(quantizer: Quantizer) -> None:
    """Quantization-aware training moves the weights: a grid kept from before no longer fits, and more values appear."""
    network = _trained(compressed(quantizer), _FAST)
    require_finite(network)
    require_grid(network, quantizer)


@rule(Pruner, ChannelPruner, Quantizer)
def copies_alike(plugin: Pruner | ChannelPruner | Quantizer) -> None:
    """Masks kept in hooks are lost by deepcopy, and are then missing from what is measured and stored."""
    network, inputs = compressed(plugin), PLAIN.inputs()
    same = torch.equal(outputs(network, inputs), outputs(fold(deepcopy(network)), inputs))
    require(same, "a copy of plain modules gives other outputs")


@rule(Pruner, ChannelPruner, Quantizer)
def saved_and_loaded(plugin: Pruner | ChannelPruner | Quantizer) -> None:
    """A compressed network is what its file says: loaded elsewhere, without pickled code, it gives the same outputs."""
    network = fold(compressed(plugin))
    with TemporaryDirectory() as folder:
        file = Path(folder) / "state.pt"
        torch.save(network.state_dict(), file)
        there = in_a_fresh_process(_outputs_of_file, str(file))
    away = (torch.tensor(there) - outputs(network, PLAIN.inputs())).abs().max().item()
    require(away <= 1e-6, f"saved, and loaded in a fresh process, its outputs are {away:.2g} away")


def require_grid(network: nn.Module, quantizer: Quantizer) -> None:
    """Errors: Failure where a layer has more than 2**bits distinct values besides zero."""
    allowed = 2 ** int(getattr(quantizer, "bits", 0))
    for name, weight in effective_weights(network).items():
        for group in weight.flatten(1) if quantizer.granularity == "channel" else [weight]:
            values = int(group[group != 0].unique().numel())
            require(values <= allowed, f"layer {name}: {values} distinct values, and {allowed} are allowed")


def _masks_hold(pruner: Pruner, recipe: Recipe) -> None:
    network = compressed(pruner)
    pruned = {name: weight == 0 for name, weight in effective_weights(network).items()}
    require(set(masks_of(network)) == set(pruned), "not every layer has a mask")
    _trained(network, recipe)
    for name, weight in effective_weights(network).items():
        back = int(weight[pruned[name]].count_nonzero())
        require(not back, f"after training {back} pruned weights of layer {name} are not zero")


def _trained(network: nn.Module, recipe: Recipe) -> nn.Module:
    train(network, cross_entropy, PLAIN.examples(), recipe, seed=0)
    return network


def _outputs_of_file(file: str) -> list[list[float]]:
    network = PLAIN.build().eval()
    for name, tensor in torch.load(file, weights_only=True).items():
        path, _, part = name.rpartition(".")
        module = network.get_submodule(path)  # whose tensors are larger where channels were removed
        setattr(module, part, nn.Parameter(tensor) if part in module._parameters else tensor)
    found: list[list[float]] = outputs(network, PLAIN.inputs()).tolist()
    return found
