"""Physical removal of output channels, through torch-pruning's dependency graph.

What goes with a channel is found by tracing the network: the filter, its BatchNorm and the matching input slice
of every layer that reads it. Channels that a sum ties to those of other layers, as on the skip path of a residual
network, are not removable alone and are left out; so are the outputs of the network, and what a grouped convolution
reads or gives.
"""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from benchsuite.errors import PluginError
from benchsuite.metrics import batch_norms, prunable
from benchsuite.metrics.evaluation import evaluating


class ChannelGraph:
    """Which output channels of a plain network can be removed, and their removal.

    example: one input (1, …) on the network's device.
    """

    def __init__(self, model: nn.Module, example: Tensor) -> None:
        with _traceable(model):
            import torch_pruning

            self._graph = torch_pruning.DependencyGraph()
            self._graph.build_dependency(model, example_inputs=(example,))
        self._model = model
        self._norms = set(batch_norms(model).values())
        self._names = {module: name for name, module in model.named_modules()}
        self.removable: dict[str, str | None] = {}
        """Layers whose channels can be removed, in model order, each with the BatchNorm that scales them."""
        for name, layer in prunable(model).items():
            self._consider(name, layer)

    def remove(self, keep: Mapping[str, Tensor]) -> None:
        """Remove the channels that are False in `keep` (bool, one value per output channel), in place.

        Errors: PluginError for a layer that is not removable, a wrong mask, or one that leaves no channel.
        """
        trained = {name: parameter.requires_grad for name, parameter in self._model.named_parameters()}
        for name, mask in keep.items():
            layer = self._model.get_submodule(name) if name in self.removable else None
            if layer is None:
                raise PluginError(f"the output channels of layer {name} cannot be removed alone")
            self.check(name, mask, layer)
            gone = torch.nonzero(~mask).flatten().tolist()
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

    def _consider(self, name: str, layer: nn.Module) -> None:
        try:
            group = self._group(layer, [0])
        except (ValueError, KeyError):  # a layer that the traced example never reached
            return
        out = [item.dep.target for item in group if item.dep.handler.__name__ == "prune_out_channels"]
        tied = [node.module for node in out if node.module in self._names and node.module is not layer]
        norms = [module for module in tied if module in self._norms]
        is_output = any(not node.outputs for node in out)
        grouped = any(getattr(item.dep.target.module, "groups", 1) > 1 for item in group)
        if tied == norms and len(norms) <= 1 and not is_output and not grouped:
            self.removable[name] = self._names[norms[0]] if norms else None

    def _group(self, layer: nn.Module, channels: list[int]):  # type: ignore[no-untyped-def]  # torch-pruning has no types
        return self._graph.get_pruning_group(
            layer, self._graph.get_pruner_of_module(layer).prune_out_channels, channels
        )


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
