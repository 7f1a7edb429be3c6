"""The layers that compression acts on: which there are, and which of them are left alone."""

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils import parametrize

from benchsuite.errors import ConfigError, PluginError, suggestion
from benchsuite.sites import Site, module_sites

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


def sharing(model: nn.Module, weights: Mapping[str, Site]) -> dict[str, list[Place]]:
    """The places that hold each of the weights: its own, and those tied to it."""
    places: dict[tuple[int, ...], list[Place]] = {}
    for _, module in own_modules(model):
        names = list(module._parameters)
        if parametrize.is_parametrized(module):
            names += module.parametrizations  # type: ignore[arg-type]  # a ModuleDict, as was just asked
        for name in names:
            places.setdefault(identity(module, name), []).append((module, name))
    found = {}
    for name, site in weights.items():
        tensors = identity(site.module, site.parameter)
        found[name] = places[tensors] if tensors else [(site.module, site.parameter)]
    return found


def _named_sites(model: nn.Module) -> dict[str, Site]:
    """Every weight that compression can reach, under each of its names, but for those of no elements."""
    found = {}
    for prefix, module in own_modules(model, aliases=True):
        for last, site in module_sites(module):
            if not _is_empty(site):
                found[".".join(filter(None, (prefix, last)))] = site
    return found


def _is_empty(site: Site) -> bool:
    weight = site.module._parameters.get(site.parameter)
    return weight is not None and not isinstance(weight, UninitializedParameter) and not weight.numel()


def _owners(named: Mapping[str, Site]) -> dict[str, str]:
    """The first name of the same weight, by each of its names."""
    first: dict[tuple[int, ...], str] = {}
    owners = {}
    for name, site in named.items():
        tensors = identity(site.module, site.parameter)
        owners[name] = first.setdefault(tensors, name) if tensors else name
    return owners


def sites(model: nn.Module) -> dict[str, Site]:
    """The weights that compression acts on, in model order; a shared layer or weight under its first name.

    A layer's weight has the layer's dotted name; the projections of an attention layer have their parameter's.
    Layers without a single weight are left out. Errors: ConfigError if there is no other.
    """
    named = _named_sites(model)
    if not named:
        raise ConfigError(f"{type(model).__name__} has no Linear or Conv layer: there is nothing to compress")
    return {name: named[name] for name in dict.fromkeys(_owners(named).values())}


def prunable(model: nn.Module) -> dict[str, nn.Module]:
    """The layers among the `sites`, by dotted name: Linear, convolutional and transposed ones, and Conv1D."""
    return {name: site.module for name, site in sites(model).items() if site.parameter == "weight"}


def check_weights(model: nn.Module) -> None:
    """Check that each weight that compression acts on is a plain tensor of real numbers.

    Errors: ConfigError that names the layer and the remedy.
    """
    for name, site in sites(model).items():
        if parametrize.is_parametrized(site.module, site.parameter):
            continue
        weight = site.module._parameters.get(site.parameter)
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


def trained_weight(layer: nn.Module, parameter: str = "weight") -> Tensor:
    """What an optimizer changes: the weight, or the tensor behind its parametrizations.

    Errors: PluginError for a parametrization that trains several tensors.
    """
    if not parametrize.is_parametrized(layer, parameter):
        return layer.get_parameter(parameter)
    original = getattr(layer.get_submodule(f"parametrizations.{parameter}"), "original", None)
    if not isinstance(original, Tensor):
        raise PluginError(f"{type(layer).__name__}: its {parameter} is made of several tensors")
    return original


def select(model: nn.Module, skip: Sequence[str]) -> dict[str, Site]:
    """The `sites` without those in `skip`.

    skip: "first" or "last" (of the sites), names, or patterns such as "layer1.*". An entry that matches one
    of several layers with a tied weight leaves the weight alone in all of them.
    Errors: ConfigError if an entry matches no layer or if no layer is left.
    """
    layers = sites(model)
    owners = _owners(_named_sites(model))
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
    return {name: site for name, site in layers.items() if name not in skipped}
