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
from benchsuite.errors import PluginError
from benchsuite.execution.guard import seeded
from benchsuite.metrics import select, sites, trained_weight
from benchsuite.metrics.layers import sharing
from benchsuite.sites import Site, layer_site, site, turned

_STREAM = 0
"""Of the modules that quantizers build: they are of the weight alone, whatever the seed."""


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
        quantized = quantizer.quantize(weight.detach())
        check_quantized(quantized, weight)  # here, since `where` would make any shape and dtype fit
        return torch.where(weight == 0, weight, quantized)

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


class Turned(nn.Module):
    """A mask or quantization of a weight that is stored as (inputs, outputs / groups, …)."""

    def __init__(self, part: nn.Module, groups: int) -> None:
        super().__init__()
        self.part = part
        self.groups = groups

    def forward(self, weight: Tensor) -> Tensor:
        """What the part makes of the weight with the outputs in dim 0, as the weight is stored."""
        return turned(self.part(turned(weight, self.groups)), self.groups)


def check_quantized(quantized: object, weight: Tensor) -> None:
    """Errors: PluginError unless it is a tensor of the weight's shape and dtype."""
    if not isinstance(quantized, Tensor):
        raise PluginError(f"the quantized weight is a {type(quantized).__name__}, not a tensor")
    if quantized.shape != weight.shape or quantized.dtype != weight.dtype:
        got, wanted = (f"{tuple(one.shape)} of {one.dtype}" for one in (quantized, weight))
        raise PluginError(f"the quantized weight is {got}, the weight {wanted}")


def add_part(model: nn.Module, place: Site | nn.Module, part: nn.Module) -> None:
    """Put one more mask or quantization on the weight of the site or layer, wherever the model uses it."""
    if not isinstance(place, Site):
        place = layer_site(place) or Site(place)
    part = part.to(place.weight.device)
    if place.groups:
        part = Turned(part, place.groups)
    for module, name in sharing(model, {"": place})[""]:
        parametrize.register_parametrization(module, name, part, unsafe=True)


def add_masks(model: nn.Module, masks: Mapping[str, Tensor], pruner: Pruner) -> None:
    """Freeze the masks into the model, after the pruner's rescaling of what is kept."""
    for name, mask in masks.items():
        place = site(model, name)
        rescale(place, mask, pruner)
        add_part(model, place, Mask(mask))


def zero(model: nn.Module, masks: Mapping[str, Tensor], pruner: Pruner) -> None:
    """Zero the weights once, so that they may grow back."""
    for name, mask in masks.items():
        place = site(model, name)
        rescale(place, mask, pruner)
        with torch.no_grad():
            trained_weight(place.module, place.parameter).masked_fill_(~place.turn(mask), 0.0)


def rescale(place: Site, mask: Tensor, pruner: Pruner) -> None:
    """Multiply the weights by the factors that the pruner gives, if it gives any.

    Errors: PluginError for factors that are not finite or do not fit.
    """
    weight = place.rows
    factors = pruner.rescale(weight.clone(), mask.clone())
    if factors is None:
        return
    if not isinstance(factors, Tensor) or not _fits(factors.shape, weight.shape):
        got = f"shape {tuple(factors.shape)}" if isinstance(factors, Tensor) else type(factors).__name__
        raise PluginError(f"rescale: factors that fit a weight of shape {tuple(weight.shape)} expected, got {got}")
    if not bool(factors.isfinite().all()):
        raise PluginError("rescale: NaN or infinite factors")
    with torch.no_grad():
        trained_weight(place.module, place.parameter).mul_(place.turn(factors.to(weight).expand_as(weight)))


def _fits(shape: torch.Size, other: torch.Size) -> bool:
    """Whether a tensor of `shape` broadcasts to `other`."""
    pairs = zip(reversed(shape), reversed(other), strict=False)
    return len(shape) <= len(other) and all(one in (1, two) for one, two in pairs)


def quantizing(quantizer: Quantizer, weight: Tensor) -> nn.Module:
    """What quantizes that weight: the quantizer's own module, or its grid behind the straight-through estimator."""
    with seeded(_STREAM):
        return quantizer.parametrization(weight) or FakeQuantize(quantizer)


def masks_of(model: nn.Module) -> dict[str, Tensor]:
    """What is frozen at zero, by layer: the conjunction where several prunings met."""
    found = {}
    for name, place in sites(model).items():
        masks = [part.mask for part in _parts(place) if isinstance(part, Mask)]
        if masks:
            found[name] = torch.stack(masks).all(dim=0) if len(masks) > 1 else masks[0]
    return found


def is_plain(model: nn.Module) -> bool:
    """Whether no module is parametrized."""
    return not any(parametrize.is_parametrized(module) for module in model.modules())


def fold(model: nn.Module) -> nn.Module:
    """A copy of plain modules that holds the effective weights.

    Copies of a parametrized module share its class, from which `parametrize.remove_parametrizations` would
    take the weight away; so the plain class and the weight are put back by hand. Layers that share a weight
    share it still where it acts the same in both.
    """
    plain = deepcopy(model)
    shared: dict[tuple[int, ...], nn.Parameter] = {}
    for layer in plain.modules():
        if parametrize.is_parametrized(layer):
            tensors = {name: _folded(layer, name, shared) for name in _sources(layer)}
            tensors |= {name: layer._parameters.pop(name) for name in list(layer._parameters)}
            plain_class = parametrize.type_before_parametrizations(layer)
            del layer.parametrizations
            layer.__class__ = plain_class
            for name, tensor in tensors.items():
                if tensor is None or isinstance(tensor, nn.Parameter):
                    layer.register_parameter(name, tensor)
                else:
                    layer.register_buffer(name, tensor)
    return plain


def _folded(layer: nn.Module, name: str, shared: dict[tuple[int, ...], nn.Parameter]) -> Tensor | None:
    """What a parametrized tensor becomes: a parameter, frozen if what was behind it was, or a buffer."""
    effective: Tensor = getattr(layer, name).detach()
    trained = list(_sources(layer)[name].parameters(recurse=False))
    if not trained:
        return effective.clone()
    key = tuple(map(id, trained))
    if key not in shared or not torch.equal(shared[key], effective):
        shared[key] = nn.Parameter(effective.clone(), any(one.requires_grad for one in trained))
    return shared[key]


def _sources(layer: nn.Module) -> nn.ModuleDict:
    sources = layer.parametrizations
    assert isinstance(sources, nn.ModuleDict)
    return sources


def weights_of(model: nn.Module, skip: Sequence[str], *, copies: bool = True) -> dict[str, Tensor]:
    """The effective weights that are not skipped, outputs in dim 0, in model order, detached; copies may be changed."""
    weights = {name: place.rows for name, place in select(model, skip).items()}
    return {name: weight.clone() for name, weight in weights.items()} if copies else weights


def _parts(place: Site) -> list[nn.Module]:
    """The parametrizations of the weight, as they act on it with the outputs in dim 0."""
    if not parametrize.is_parametrized(place.module, place.parameter):
        return []
    parts = place.module.get_submodule(f"parametrizations.{place.parameter}").children()
    return [part.part if isinstance(part, Turned) else part for part in parts]
