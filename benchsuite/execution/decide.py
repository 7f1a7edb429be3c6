"""Asking pruners and quantizers for their decisions, and holding them to their contracts."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from numbers import Real
from types import MappingProxyType

import torch
from torch import Tensor, nn

from benchsuite.api import PruneContext, Pruner, Quantizer
from benchsuite.errors import PluginError
from benchsuite.execution.compress import add_part, check_quantized, masks_of, quantizing, weights_of
from benchsuite.execution.promise import Earlier, hold
from benchsuite.sites import site

Levels = Mapping[str, float]


def decide(
    model: nn.Module,
    pruner: Pruner,
    skip: tuple[str, ...],
    context: PruneContext,
    levels: Levels | None = None,
    *,
    final: bool = True,
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The pruner's masks for the model's effective weights, on their device, and its audit's facts.

    levels: the sparsity per layer that the pruner is matched to: layer by layer or, where its scope is the
    network, in total. final: False on the way of a schedule, which may start below what was pruned before.
    Errors: PluginError where the contract is broken; ConfigError for an unknown layer.
    """
    layers: Mapping[str, Tensor] = MappingProxyType(weights_of(model, skip))
    for name, weight in layers.items():
        _check_weight(name, weight, "rank")
    earlier = Earlier(masks_of(model), final)
    if levels is None:
        masks, ties = _ask(pruner, layers, earlier, context)
    elif pruner.scope == "layer":
        masks, ties = {}, {}
        for name, weight in layers.items():
            mask, tied = _ask(_at(pruner, levels[name]), {name: weight}, earlier, context)
            masks |= mask
            ties = {fact: ties.get(fact, 0) + count for fact, count in tied.items()} or ties
    else:
        weights = sum(weight.numel() for weight in layers.values())
        zeros = sum(levels[name] * weight.numel() for name, weight in layers.items())
        masks, ties = _ask(_at(pruner, zeros / weights), layers, earlier, context)
    own = {name: mask.to(layers[name].device, copy=True) for name, mask in masks.items()}
    facts = _checked_facts(pruner.audit(layers, masks)) | ties
    for name, weight in weights_of(model, skip, copies=False).items():
        if not torch.equal(weight, layers[name]):
            raise PluginError(f"the pruner changed the weights of layer {name} that it was shown")
    return own, facts


def quantize(model: nn.Module, quantizer: Quantizer, skip: tuple[str, ...]) -> None:
    """Put the quantizer on the model's weights.

    Errors: PluginError where it breaks its contract, or leaves every weight as it was: float accuracy is no result
    for it. ConfigError for an unknown layer.
    """
    parts, changed = {}, False
    for name, weight in weights_of(model, skip).items():
        _check_weight(name, weight, "quantize")
        shown = weight.clone()
        parts[name] = quantizing(quantizer, shown).to(weight.device)
        with torch.no_grad():
            quantized = parts[name](shown)
        check_quantized(quantized, weight)
        if not torch.equal(shown, weight):
            raise PluginError(f"the quantizer changed the weights of layer {name} that it was shown")
        if not _finite(quantized):
            raise PluginError(f"layer {name} has NaN or infinite weights after quantization")
        changed = changed or not torch.equal(quantized, weight)
    if not changed:
        raise PluginError("quantization changed no weight")
    for name, part in parts.items():
        add_part(model, site(model, name), part)


def _check_weight(name: str, weight: Tensor, purpose: str) -> None:
    if not weight.is_floating_point():
        raise PluginError(f"layer {name} has weights of {weight.dtype}, not of real floats: skip the layer")
    if not _finite(weight):
        raise PluginError(f"layer {name} has NaN or infinite weights: there is nothing to {purpose}")


def _finite(weight: Tensor) -> bool:
    return all(isfinite(end) for end in weight.aminmax())  # which pass a NaN on


def _checked_facts(facts: object) -> dict[str, float]:
    if not isinstance(facts, Mapping):
        raise PluginError(f"audit: a mapping of names to numbers expected, got {type(facts).__name__}")
    for name, value in facts.items():
        if not isinstance(name, str) or not isinstance(value, Real) or not isfinite(value):
            raise PluginError(f"audit: {name!r} is {value!r}, not a finite number under a name")
    return {name: value if isinstance(value, int) else float(value) for name, value in facts.items()}


def _at(pruner: Pruner, sparsity: float) -> Pruner:
    return replace(pruner, sparsity=sparsity)  # type: ignore[call-arg]  # the planner saw to it that it has the field


def _ask(
    pruner: Pruner, layers: Mapping[str, Tensor], earlier: Earlier, context: PruneContext
) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The masks, and what ties there were at the threshold. Errors: PluginError where the contract is broken."""
    masks = pruner.masks(layers, context)
    if not isinstance(masks, Mapping) or set(masks) != set(layers):
        got = sorted(masks, key=str) if isinstance(masks, Mapping) else type(masks).__name__
        raise PluginError(f"masks for layers {sorted(layers)} expected, got {got}")
    for name, weight in layers.items():
        _check_mask(name, masks[name], weight)
    return {name: masks[name] for name in layers}, hold(pruner, layers, masks, earlier, context)


def _check_mask(name: str, mask: object, weight: Tensor) -> None:
    if not isinstance(mask, Tensor):
        raise PluginError(f"the mask of layer {name} is a {type(mask).__name__}, not a tensor")
    if mask.dtype != torch.bool:
        raise PluginError(f"the mask of layer {name} is {mask.dtype}, not torch.bool")
    if mask.shape != weight.shape:
        raise PluginError(f"the mask of layer {name} has shape {tuple(mask.shape)}, its weight {tuple(weight.shape)}")
