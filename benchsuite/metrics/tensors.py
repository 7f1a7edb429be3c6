"""A model's tensors as they act: effective values under the names that a plain model's state dict has."""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.metrics.layers import identity, own_modules

_COUNTER = "num_batches_tracked"
"""BatchNorm's, which no output needs."""


def _parametrized(module: nn.Module, parameters: bool) -> dict[str, Tensor]:
    """The effective values of the parametrized tensors of `module`: its parameters, or else its buffers."""
    if not parametrize.is_parametrized(module):
        return {}
    sources = module.parametrizations
    assert isinstance(sources, nn.ModuleDict)
    return {
        name: getattr(module, name)
        for name, source in sources.items()
        if any(True for _ in source.parameters(recurse=False)) == parameters
    }


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}" if prefix else name: tensor for name, tensor in tensors.items()}


def parameters(model: nn.Module) -> dict[str, Tensor]:
    """All parameters by name, each once; a parametrized one with its effective value, its insides left out."""
    found: dict[str, Tensor] = {}
    seen: set[tuple[int, ...]] = set()
    for prefix, module in own_modules(model):
        values = _parametrized(module, parameters=True) | dict(module.named_parameters(recurse=False))
        first = {}
        for name, value in values.items():
            if (tensors := identity(module, name)) not in seen:
                first[name] = value
                seen.add(tensors)
        found |= _named(prefix, first)
    return found


def buffers(model: nn.Module) -> dict[str, Tensor]:
    """All buffers that are saved with the model, without BatchNorm's counter."""
    found: dict[str, Tensor] = {}
    for prefix, module in own_modules(model):
        plain = {
            name: value
            for name, value in module.named_buffers(recurse=False)
            if name not in module._non_persistent_buffers_set and name != _COUNTER
        }
        found |= _named(prefix, _parametrized(module, parameters=False) | plain)
    return found


def model_tensors(model: nn.Module) -> dict[str, Tensor]:
    """What has to be stored to get the model's outputs again: parameters, then buffers, detached.

    A zero is a zero: masking leaves −0.0 where a negative weight was, which is given as 0.0 here.
    """
    return _unsigned_zeros(parameters(model) | buffers(model))


def state_tensors(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same from the state dict of a plain model that has each tensor once."""
    return _unsigned_zeros({name: one for name, one in state.items() if name.rpartition(".")[2] != _COUNTER})


def _unsigned_zeros(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor.detach() + 0 if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}
