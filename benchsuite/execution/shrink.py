"""Physical removal of output channels, through torch-pruning's dependency graph.

What goes with a channel is found by tracing the network: the filter, its BatchNorm and the matching input slice
of every layer that reads it. Channels that a sum ties to those of other layers, as on the skip path of a residual
network, are not removable alone and are left out; so are the outputs of the network, and what a grouped convolution
reads or gives. What tracing gets wrong is found by trial on a copy, and left out, too.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property

import torch
from torch import Tensor, nn

from benchsuite.errors import PluginError
from benchsuite.execution.channel_equivalence import Removal, misread, prepared, randomise, tensors_of, unequal
from benchsuite.metrics import batch_norms, prunable
from benchsuite.metrics.evaluation import evaluating

_TRIALS = 2
"""Random halves of the channels that are tried: an order such as `flip` maps one of them to itself now and then."""
_READERS = (nn.Linear, nn.modules.conv._ConvNd)


class ChannelGraph:
    """The output channels of a plain network that can be removed, and their removal.

    example: one input (1, …) on the network's device.
    Errors: PluginError for a network that cannot be traced.
    """

    def __init__(self, model: nn.Module, example: Tensor) -> None:
        try:
            with _traceable(model):
                import torch_pruning

                self._graph = torch_pruning.DependencyGraph()
                self._graph.build_dependency(model, example_inputs=(example,), output_transform=_traced_outputs)
        except Exception as error:
            raise PluginError(
                f"{type(model).__name__}: no channels can be removed, for torch-pruning cannot trace the network "
                f"({type(error).__name__}: {error})"
            ) from error
        self._model = model
        self._example = example
        self._norms = set(batch_norms(model).values())
        self._names = {module: name for name, module in model.named_modules()}
        self._shared = _shared_parameters(model)
        self.left: dict[str, str] = {}
        """The reason for each layer whose channels cannot be removed alone."""
        self._candidates: dict[str, str | None] = {}
        for name, layer in prunable(model).items():
            try:
                self._candidates[name] = self._consider(layer)
            except _LeftError as reason:
                self.left[name] = str(reason)

    @cached_property
    def removable(self) -> dict[str, str | None]:
        """Layers whose channels can be removed, in model order, each with the BatchNorm that scales them.

        All are tried together first; where that fails, halves are, so that few trials find the layers at fault.
        """
        proved = self._proved(list(self._candidates))
        return {name: norm for name, norm in self._candidates.items() if name in proved}

    def check_removal(self, keep: Mapping[str, Tensor]) -> None:
        """Compare the outputs without these channels with those of the network that reads zeros in their place.

        Errors: PluginError where they differ, or for what `remove` refuses; the network stays as it is.
        """
        reason = self._fault(keep, arbitrary=False)
        if reason:
            raise PluginError(f"the channels of {', '.join(keep)} cannot be removed: {reason}")

    def remove(self, keep: Mapping[str, Tensor]) -> None:
        """Remove the channels that are False in `keep` (bool, one value per output channel), in place.

        Errors: PluginError for a layer that is not removable, a wrong mask, or one that leaves no channel.
        """
        trained = {name: parameter.requires_grad for name, parameter in self._model.named_parameters()}
        for name, mask in keep.items():
            layer = self._model.get_submodule(name) if name in self._candidates else None
            if layer is None:
                raise PluginError(f"the output channels of layer {name} cannot be removed alone")
            self.check(name, mask, layer)
            gone = _gone(mask)
            if gone:
                self._group(layer, gone).prune()
        for name, parameter in self._model.named_parameters():
            parameter.requires_grad_(trained[name])  # the smaller ones are new

    @staticmethod
    def check(name: str, mask: object, layer: nn.Module) -> None:
        """Errors: PluginError unless the mask has a bool for each output channel and keeps one."""
        channels = len(layer.get_parameter("weight"))
        if not isinstance(mask, Tensor) or mask.dtype != torch.bool or mask.shape != (channels,):
            found = f"{mask.dtype} of shape {tuple(mask.shape)}" if isinstance(mask, Tensor) else type(mask).__name__
            raise PluginError(f"layer {name}: bools of shape ({channels},) say which channels stay, not {found}")
        if not bool(mask.any()):
            raise PluginError(f"layer {name}: no channel would stay")

    def _consider(self, layer: nn.Module) -> str | None:
        """Return the BatchNorm that scales the layer alone, if any; raise _LeftError where tracing rules it out."""
        if not isinstance(layer, _READERS) or getattr(layer, "transposed", False):
            raise _LeftError(f"channels of {type(layer).__name__} are not removed")
        try:
            group = self._group(layer, [0])
        except (ValueError, KeyError) as error:
            raise _LeftError("the example does not reach it") from error
        except Exception as error:
            raise _LeftError(f"torch-pruning fails on it ({type(error).__name__}: {error})") from error
        out = [item.dep.target for item in group if item.dep.handler.__name__ == "prune_out_channels"]
        tied = [node.module for node in out if node.module in self._names and node.module is not layer]
        norms = [module for module in tied if module in self._norms]
        if tied != norms or len(norms) > 1:
            raise _LeftError("its channels are tied to those of other layers")
        if any(not node.outputs for node in out):
            raise _LeftError("its channels are outputs of the network")
        if any(getattr(item.dep.target.module, "groups", 1) > 1 for item in group):
            raise _LeftError("a grouped convolution gives or reads its channels")
        if any(id(one) in self._shared for item in group for one in _parameters(item.dep.target.module)):
            raise _LeftError("it shares a parameter with another layer")
        own = bool(norms) and len(norms[0].get_parameter("weight")) == len(layer.get_parameter("weight"))
        return self._names[norms[0]] if own else None

    def _proved(self, names: list[str]) -> set[str]:
        """Return those of the layers that lose channels rightly when each of them does."""
        trials = (self._fault(_halves(self._model, names, seed), arbitrary=True) for seed in range(_TRIALS))
        reason = next(filter(None, trials), None) if names else None
        if reason is None:
            return set(names)
        if len(names) == 1:
            self.left[names[0]] = reason
            return set()
        middle = len(names) // 2
        return self._proved(names[:middle]) | self._proved(names[middle:])

    def _fault(self, keep: Mapping[str, Tensor], *, arbitrary: bool) -> str | None:
        """Return what is wrong with a removal, found on a copy; arbitrary: with arbitrary parameters, by all trials."""
        keep = {name: mask for name, mask in keep.items() if _gone(mask)}
        whole = deepcopy(self._model).requires_grad_(False)
        inputs = prepared(whole, self._example)
        if inputs is None:
            return "the network does not run on noise of the example's shape"
        if arbitrary:
            randomise(whole)
        removal = self._removal(keep)
        smaller = deepcopy(whole)
        try:
            ChannelGraph(smaller, inputs[:1]).remove(keep)
        except PluginError:
            raise
        except Exception as error:
            return f"torch-pruning fails to remove them ({type(error).__name__}: {error})"
        try:
            reason = misread(whole, inputs, removal) if arbitrary else None
        except Exception as error:
            return f"the network does not run on other values of its channels: {error}"
        return reason or unequal(whole, smaller, inputs, removal)

    def _removal(self, keep: Mapping[str, Tensor]) -> Removal:
        read: dict[str, set[int]] = {}
        for name, mask in keep.items():
            for item in self._group(self._model.get_submodule(name), _gone(mask)):
                module = item.dep.target.module
                if isinstance(module, _READERS) and item.dep.handler.__name__ == "prune_in_channels":
                    read.setdefault(self._names[module], set()).update(item.idxs)
        gone = {name: torch.tensor(_gone(mask)) for name, mask in keep.items()}
        return Removal(gone, {name: torch.tensor(sorted(channels)) for name, channels in read.items()})

    def _group(self, layer: nn.Module, channels: list[int]):  # type: ignore[no-untyped-def]  # torch-pruning has no types
        return self._graph.get_pruning_group(
            layer, self._graph.get_pruner_of_module(layer).prune_out_channels, channels
        )


class _LeftError(Exception):
    """The reason for which a layer keeps its channels."""


def _gone(mask: Tensor) -> list[int]:
    return [int(channel) for channel in torch.nonzero(~mask).flatten()]


def _halves(model: nn.Module, names: list[str], seed: int) -> dict[str, Tensor]:
    """Return for each layer a mask that keeps a random half of its channels, at least one."""
    random, keep = torch.Generator().manual_seed(seed), {}
    for name in names:
        channels = len(model.get_submodule(name).get_parameter("weight"))
        keep[name] = torch.ones(channels, dtype=torch.bool)
        keep[name][torch.randperm(channels, generator=random)[: channels // 2]] = False
    return keep


def _parameters(module: object) -> list[nn.Parameter]:
    if isinstance(module, nn.Parameter):
        return [module]
    return list(module.parameters()) if isinstance(module, nn.Module) else []


def _shared_parameters(model: nn.Module) -> set[int]:
    """Return the ids of parameters that more than one module holds."""
    holders = [id(one) for module in model.modules() for one in module._parameters.values() if one is not None]
    return {one for one in holders if holders.count(one) > 1}


def _traced_outputs(output: object) -> list[Tensor]:
    return [tensor for tensor in tensors_of(output) if tensor.grad_fn is not None]


@contextmanager
def _traceable(model: nn.Module) -> Iterator[None]:
    """Torch-pruning traces by the gradients of every parameter, and warns of torch's own deprecations."""
    frozen = [one for one in model.parameters() if one.is_floating_point() and not one.requires_grad]
    with evaluating(model), torch.enable_grad(), warnings.catch_warnings(action="ignore"):
        try:
            for parameter in frozen:
                parameter.requires_grad_(True)
            yield
        finally:
            for parameter in frozen:
                parameter.requires_grad_(False)
