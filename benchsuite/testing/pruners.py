"""Checks of pruners: what their masks are, how many weights they keep, and what they look at."""

from collections.abc import Hashable
from dataclasses import replace

import torch
from torch import Tensor

from benchsuite.api import Pruner
from benchsuite.errors import BenchsuiteError
from benchsuite.execution.compress import rescale
from benchsuite.execution.decide import decide
from benchsuite.metrics import prunable
from benchsuite.sites import site
from benchsuite.testing.checks import NotApplicable, case, require, rule
from benchsuite.testing.compression import (
    at_level,
    compressed,
    effective_weights,
    has_level,
    require_finite,
)
from benchsuite.testing.samples import PLAIN, Batches, context_of

LEVELS = (0.0, 0.1, 0.5, 0.75, 0.9, 0.99)


def masks_of(pruner: Pruner, batches: Batches | None = None) -> dict[str, Tensor]:
    """The pruner's masks for the plain network, by the harness's door."""
    network = PLAIN.network()
    context = context_of(network, PLAIN.batches() if batches is None else batches)
    masks, _ = decide(network, pruner, (), context)
    return masks


@rule(Pruner)
def masks_fit_the_weights(pruner: Pruner) -> None:
    """A mask of another name, shape, dtype or device is broadcast or skipped in silence: nobody chose what goes."""
    masks_of(pruner)


@rule(Pruner)
def inputs_untouched(pruner: Pruner) -> None:
    """Scores computed in place change the weights that are then kept."""
    network = PLAIN.network()
    layers = {name: layer.get_parameter("weight").detach().clone() for name, layer in prunable(network).items()}
    shown = {name: weight.clone() for name, weight in layers.items()}
    pruner.masks(shown, context_of(network, PLAIN.batches()))
    for name, weight in layers.items():
        require(torch.equal(weight, shown[name]), f"it changed the weights of layer {name} that it was shown")


@rule(Pruner)
def sparsity_is_delivered(pruner: Pruner) -> None:
    """Methods are compared at equal sparsity: rounding, biases counted in or > for >= put one at another level."""
    for level in LEVELS:
        with case(f"sparsity {level}"):
            masks_of(at_level(pruner, level))


@rule(Pruner)
def levels_layer_by_layer(pruner: Pruner) -> None:
    """Matched controls ask for each layer alone, at a level of its own: a pruner must not count on seeing them all."""
    at_level(pruner, 0.5)
    network = PLAIN.network()
    levels = {name: 0.3 + 0.1 * place for place, name in enumerate(prunable(network))}
    decide(network, pruner, (), context_of(network, PLAIN.batches()), levels)


@rule(Pruner)
def nested_levels(pruner: Pruner) -> None:
    """Schedules that raise the level count on pruned weights to stay pruned: else what grows back starts from zero."""
    if not pruner.nested:
        raise NotApplicable("it does not declare `nested`")
    lower = masks_of(at_level(pruner, LEVELS[0]))
    for level in LEVELS[1:]:
        higher = masks_of(at_level(pruner, level))
        for name, mask in higher.items():
            back = int((mask & ~lower[name]).count_nonzero())
            require(not back, f"at sparsity {level} layer {name} keeps {back} weights that a lower level prunes")
        lower = higher


@rule(Pruner)
def no_layer_is_emptied(pruner: Pruner) -> None:
    """A layer without weights cuts the network in two: its outputs are constant, and no training brings it back."""
    if pruner.may_empty:
        raise NotApplicable("it declares `may_empty`")
    for tried in (pruner, at_level(pruner, LEVELS[-1])) if has_level(pruner) else (pruner,):
        network = PLAIN.network()
        with torch.no_grad():
            network.get_parameter("conv2.weight").mul_(1e-3)  # what a ranking over all layers takes first
        masks, _ = decide(network, tried, (), context_of(network, PLAIN.batches()))
        for name, mask in masks.items():
            require(bool(mask.any()), f"{tried} leaves no weight of layer {name}")


@rule(Pruner)
def skipped_layers(pruner: Pruner) -> None:
    """Boards leave the first or last layer alone: a pruner must decide for the layers it is shown, and no others."""
    network, dense = compressed(pruner, skip=("first", "last")), PLAIN.network()
    for name in ("conv1", "fc2"):
        weight = effective_weights(network)[name]
        require(torch.equal(weight, effective_weights(dense)[name]), f"layer {name} is skipped, and was changed")


@rule(Pruner)
def shared_rankings(pruner: Pruner) -> None:
    """What one pruning shares with the next under too short a key is the ranking of another level or other weights."""
    alone, network, shared = masks_of(pruner), PLAIN.network(), dict[Hashable, object]()
    for again in (at_level(pruner, 0.3) if has_level(pruner) else pruner, pruner):
        context = replace(context_of(network, PLAIN.batches()), _shared=shared)
        masks, _ = decide(network, again, (), context)
    for name, mask in masks.items():
        require(torch.equal(mask, alone[name]), f"after an earlier pruning layer {name} gets another mask than alone")


@rule(Pruner)
def refuses_nan_scores(pruner: Pruner) -> None:
    """NaN gradients or activations compare false with all: scores made of them must be refused, not ranked."""
    _refuses_or_ignores(pruner, [(torch.full_like(inputs, torch.nan), labels) for inputs, labels in PLAIN.batches()])


@rule(Pruner)
def refuses_no_batches(pruner: Pruner) -> None:
    """A score of no examples is 0 or NaN for every weight: who needs data and gets none has to say so."""
    _refuses_or_ignores(pruner, [])


@rule(Pruner)
def finite_rescaling(pruner: Pruner) -> None:
    """Factors divide by what is left of a group, and where nothing is left they are infinite or NaN."""
    network = PLAIN.network()
    for name, weight in effective_weights(network).items():
        for mask in (weight > weight.median(), torch.zeros_like(weight, dtype=torch.bool)):
            with case(f"{int(mask.count_nonzero())} weights left of layer {name}"):
                rescale(site(network, name), mask, pruner)
    require_finite(network)


@rule(Pruner)
def finite_audit(pruner: Pruner) -> None:
    """The record holds finite numbers: an audit of anything else fails the cell after all its work is done."""
    masks_of(pruner)  # with which the harness asks for it


def _refuses_or_ignores(pruner: Pruner, batches: Batches) -> None:
    """Errors: Failure unless these batches are refused with a sentence, or make no difference."""
    try:
        masks = masks_of(pruner, batches)
    except (BenchsuiteError, ValueError):
        return
    for name, mask in masks_of(pruner).items():
        require(torch.equal(mask, masks[name]), f"it makes another mask of layer {name} of such data, and no error")
