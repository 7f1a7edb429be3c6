"""Masks and fake quantization as parametrizations of a layer's weight.

A mask of a parametrization holds under any optimizer, momentum and weight decay included: what the
optimizer changes is the weight behind it. Folding bakes the effective weights in and leaves plain modules.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.api import Pruner, Quantizer
from benchsuite.metrics import prunable, select
from benchsuite.plan import Chain, Prune, Quantize


class Mask(nn.Module):
    """Zeroes the weights where `mask` is False."""

    mask: Tensor

    def __init__(self, mask: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, weight: Tensor) -> Tensor:
        """The weight, exactly 0 where the mask says so."""
        return torch.where(self.mask, weight, 0.0)


class _StraightThrough(torch.autograd.Function):
    """Forward: the quantizer, zeros kept. Backward: the gradient unchanged (Bengio et al. 2013)."""

    @staticmethod
    def forward(_: torch.autograd.function.FunctionCtx, weight: Tensor, quantizer: Quantizer) -> Tensor:
        return torch.where(weight == 0, weight, quantizer.quantize(weight.detach()))

    @staticmethod
    def backward(_: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0], None


class FakeQuantize(nn.Module):
    """A quantizer behind the straight-through estimator; the grid is computed anew at every forward."""

    def __init__(self, quantizer: Quantizer) -> None:
        super().__init__()
        self.quantizer = quantizer

    def forward(self, weight: Tensor) -> Tensor:
        """The weight on the grid, zeros exactly zero."""
        quantized: Tensor = _StraightThrough.apply(weight, self.quantizer)
        return quantized


def add_masks(model: nn.Module, masks: Mapping[str, Tensor], pruner: Pruner) -> None:
    """Freeze the masks into the model, after the pruner's rescaling of what is kept."""
    for name, mask in masks.items():
        layer = model.get_submodule(name)
        rescale(layer, mask, pruner)
        _parametrize(layer, Mask(mask))


def zero(model: nn.Module, masks: Mapping[str, Tensor], pruner: Pruner) -> None:
    """Zero the weights once, so that they may grow back."""
    for name, mask in masks.items():
        layer = model.get_submodule(name)
        rescale(layer, mask, pruner)
        with torch.no_grad():
            _trained(layer).masked_fill_(~mask, 0.0)


def rescale(layer: nn.Module, mask: Tensor, pruner: Pruner) -> None:
    """Multiply the weights by the factors that the pruner gives, if it gives any."""
    weight = _weight(layer).detach()
    factors = pruner.rescale(weight, mask)
    if factors is not None:
        with torch.no_grad():
            _trained(layer).mul_(factors)


def add_quantizer(model: nn.Module, layers: Sequence[str], quantizer: Quantizer) -> None:
    """Put fake quantization on the layers' weights."""
    for name in layers:
        layer = model.get_submodule(name)
        weight = _weight(layer).detach()
        _parametrize(layer, quantizer.parametrization(weight) or FakeQuantize(quantizer))


def restructure(model: nn.Module, chain: Chain, quantizer_of: Mapping[Quantize, Quantizer]) -> None:
    """Give a fresh model the parametrizations that the chain's steps leave, ready to load their state."""
    for step in chain.steps:
        if isinstance(step, Prune):
            for layer in select(model, step.skip).values():
                _parametrize(layer, Mask(torch.ones_like(_weight(layer), dtype=torch.bool)))
        elif isinstance(step, Quantize):
            add_quantizer(model, list(select(model, step.skip)), quantizer_of[step])


def masks_of(model: nn.Module) -> dict[str, Tensor]:
    """What is frozen at zero, by layer: the conjunction where several prunings met."""
    found = {}
    for name, layer in prunable(model).items():
        masks = [part.mask for part in _parametrizations(layer) if isinstance(part, Mask)]
        if masks:
            found[name] = torch.stack(masks).all(dim=0) if len(masks) > 1 else masks[0]
    return found


def fold(model: nn.Module) -> nn.Module:
    """A copy of plain modules that holds the effective weights.

    Copies of a parametrized module share its class, from which `parametrize.remove_parametrizations` would
    take the weight away; so the plain class and the weight are put back by hand.
    """
    plain = deepcopy(model)
    for layer in plain.modules():
        if parametrize.is_parametrized(layer, "weight"):
            weight = nn.Parameter(_weight(layer).detach().clone())
            others = {name: layer._parameters.pop(name) for name in list(layer._parameters)}
            del layer.parametrizations
            layer.__class__ = parametrize.type_before_parametrizations(layer)
            for name, parameter in {"weight": weight, **others}.items():
                layer.register_parameter(name, parameter)
    return plain


def weights_of(model: nn.Module, skip: Sequence[str]) -> dict[str, Tensor]:
    """Detached copies of the effective weights of the layers that are not skipped, in model order."""
    return {name: _weight(layer).detach().clone() for name, layer in select(model, skip).items()}


def _weight(layer: nn.Module) -> Tensor:
    weight = layer.weight
    if not isinstance(weight, Tensor):
        raise TypeError(f"{type(layer).__name__} has no weight")
    return weight


def _trained(layer: nn.Module) -> Tensor:
    """The tensor that the optimizer changes."""
    original = layer.parametrizations.weight.original if parametrize.is_parametrized(layer, "weight") else layer.weight  # type: ignore[union-attr]  # torch types submodules loosely
    if not isinstance(original, Tensor):
        raise TypeError(f"{type(layer).__name__}: a weight of several parts cannot be changed in place")
    return original


def _parametrizations(layer: nn.Module) -> list[nn.Module]:
    return list(layer.parametrizations.weight) if parametrize.is_parametrized(layer, "weight") else []  # type: ignore[union-attr,arg-type]  # as above


def _parametrize(layer: nn.Module, part: nn.Module) -> None:
    parametrize.register_parametrization(layer, "weight", part.to(_weight(layer).device), unsafe=True)
