"""The layers that compression acts on: which there are, and which of them are left alone."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

from benchsuite.errors import ConfigError, PluginError, suggestion

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

Place: TypeAlias = tuple[nn.Module, str]
"""A module and the name of a parameter of it."""


def own_modules(model: nn.Module, *, aliases: bool = False) -> Iterator[tuple[str, nn.Module]]:
    """Every module by dotted name, in model order, without the insides of parametrizations.

    aliases: give a module that has several names under each of them, not under the first alone.
    """
    inside = {
        part
        for module in model.modules()
        if parametrize.is_parametrized(module)
        for part in module.parametrizations.modules()  # type: ignore[union-attr]  # a ModuleDict, as was just asked
    }
    named = model.named_modules(remove_duplicate=not aliases)
    return ((name, module) for name, module in named if module not in inside)


def identity(module: nn.Module, name: str) -> tuple[int, ...]:
    """The tensors that an optimizer changes behind a parameter, by id; tied parameters have the same."""
    if parametrize.is_parametrized(module, name):
        return tuple(map(id, module.get_submodule(f"parametrizations.{name}").parameters(recurse=False)))
    parameter = module._parameters.get(name)
    return () if parameter is None else (id(parameter),)


def sharing(model: nn.Module, layers: Mapping[str, nn.Module]) -> dict[str, list[Place]]:
    """The places that hold the weight of each of the layers: the layer, and those tied to it."""
    places: dict[tuple[int, ...], list[Place]] = {}
    for _, module in own_modules(model):
        names = list(module._parameters)
        if parametrize.is_parametrized(module):
            names += module.parametrizations  # type: ignore[arg-type]  # a ModuleDict, as was just asked
        for name in names:
            places.setdefault(identity(module, name), []).append((module, name))
    tensors = {name: identity(layer, "weight") for name, layer in layers.items()}
    return {name: places[tensors[name]] if tensors[name] else [(layer, "weight")] for name, layer in layers.items()}


def _owners(model: nn.Module) -> dict[str, str]:
    """The first layer that has the same weight, by the name of each Linear or Conv layer that has weights."""
    first: dict[tuple[int, ...], str] = {}
    owners = {}
    for name, module in own_modules(model, aliases=True):
        if isinstance(module, PRUNABLE) and not _is_empty(module):
            tensors = identity(module, "weight")
            owners[name] = first.setdefault(tensors, name) if tensors else name
    return owners


def _is_empty(layer: nn.Module) -> bool:
    weight = layer._parameters.get("weight")
    return weight is not None and not isinstance(weight, UninitializedParameter) and not weight.numel()


def prunable(model: nn.Module) -> dict[str, nn.Module]:
    """The Linear and Conv layers by dotted name, in model order; a shared layer or weight under its first name.

    Layers without a single weight are left out. Errors: ConfigError if there is no other.
    """
    names = dict.fromkeys(_owners(model).values())
    if not names:
        raise ConfigError(f"{type(model).__name__} has no Linear or Conv layer: there is nothing to compress")
    return {name: model.get_submodule(name) for name in names}


def check_weights(model: nn.Module) -> None:
    """Check that the weight of each prunable layer is a plain tensor of real numbers.

    Errors: ConfigError that names the layer and the remedy.
    """
    for name, layer in prunable(model).items():
        if parametrize.is_parametrized(layer, "weight"):
            continue
        weight = layer._parameters.get("weight")
        if weight is None:
            raise ConfigError(
                f"layer {name}: its weight is no parameter but computed by a hook; make it permanent with "
                "remove_weight_norm, remove_spectral_norm or prune.remove of torch.nn.utils"
            )
        if isinstance(weight, UninitializedParameter):
            raise ConfigError(f"layer {name} is not initialized: run the model on one batch first")
        if weight.is_meta:
            raise ConfigError(f"layer {name} is on the meta device and has no values: load its weights first")
        if weight.layout != torch.strided or not weight.is_floating_point():
            raise ConfigError(
                f"layer {name}: its weight is {weight.dtype} with layout {weight.layout}; "
                "convert it to a dense floating-point tensor first"
            )


def batch_norms(model: nn.Module) -> dict[str, nn.Module]:
    """The BatchNorm layers that have scales γ, by dotted name, in model order."""
    return {
        name: module
        for name, module in own_modules(model)
        if isinstance(module, BATCH_NORMS) and isinstance(module.weight, Tensor)
    }


def trained_weight(layer: nn.Module) -> Tensor:
    """What an optimizer changes: the weight, or the tensor behind its parametrizations.

    Errors: PluginError for a parametrization that trains several tensors.
    """
    if not parametrize.is_parametrized(layer, "weight"):
        return layer.get_parameter("weight")
    original = getattr(layer.get_submodule("parametrizations.weight"), "original", None)
    if not isinstance(original, Tensor):
        raise PluginError(f"{type(layer).__name__}: its weight is made of several tensors")
    return original


def select(model: nn.Module, skip: Sequence[str]) -> dict[str, nn.Module]:
    """The prunable layers without those in `skip`.

    skip: "first" or "last" (of the prunable layers), names, or patterns such as "layer1.*". An entry that matches one
    of several layers with a tied weight leaves the weight alone in all of them.
    Errors: ConfigError if an entry matches no layer or if no layer is left.
    """
    layers = prunable(model)
    owners = _owners(model)
    names = list(owners)
    ends = {"first": names[0], "last": names[-1]}
    skipped: set[str] = set()
    for entry in skip:
        pattern = ends.get(entry, entry)
        matches = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
        if not matches:
            raise ConfigError(f'skip: no layer matches "{entry}"{suggestion(entry, [*names, *ends])}')
        skipped |= {owners[name] for name in matches}
    if len(skipped) == len(layers):
        raise ConfigError(f"skip = {list(skip)} leaves no layer of {type(model).__name__}: remove an entry")
    return {name: layer for name, layer in layers.items() if name not in skipped}
