"""The layers that compression acts on: which there are, and which of them are left alone."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.errors import ConfigError, PluginError, suggestion

PRUNABLE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


def own_modules(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Every module by dotted name, in model order and once each, without the insides of parametrizations."""
    inside = {
        part
        for module in model.modules()
        if parametrize.is_parametrized(module)
        for part in module.parametrizations.modules()  # type: ignore[union-attr]  # a ModuleDict, as was just asked
    }
    return ((name, module) for name, module in model.named_modules() if module not in inside)


def prunable(model: nn.Module) -> dict[str, nn.Module]:
    """The Linear and Conv layers by dotted name, in model order; a shared layer under its first name.

    Errors: ConfigError if the model has none.
    """
    layers: dict[str, nn.Module] = {name: module for name, module in own_modules(model) if isinstance(module, PRUNABLE)}
    if not layers:
        raise ConfigError(f"{type(model).__name__} has no Linear or Conv layer: there is nothing to compress")
    return layers


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

    skip: "first" or "last" (of the prunable layers), names, or patterns such as "layer1.*".
    Errors: ConfigError if an entry matches no layer or if no layer is left.
    """
    layers = prunable(model)
    names = list(layers)
    ends = {"first": names[0], "last": names[-1]}
    skipped: set[str] = set()
    for entry in skip:
        pattern = ends.get(entry, entry)
        matches = {name for name in names if name == pattern or fnmatchcase(name, pattern)}
        if not matches:
            raise ConfigError(f'skip: no layer matches "{entry}"{suggestion(entry, [*names, *ends])}')
        skipped |= matches
    if len(skipped) == len(names):
        raise ConfigError(f"skip = {list(skip)} leaves no layer of {type(model).__name__}: remove an entry")
    return {name: layer for name, layer in layers.items() if name not in skipped}
