"""Asking a channel pruner which channels stay, holding it to its contract, and removing the others."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace

from torch import Tensor, nn

from benchsuite.api import ChannelPruner, PruneContext
from benchsuite.errors import PluginError
from benchsuite.execution.compress import is_plain
from benchsuite.execution.shrink import ChannelGraph
from benchsuite.metrics import prunable, select

Channels = Mapping[str, Tensor]
_REASONS = 4


def remove_channels(
    model: nn.Module,
    pruner: ChannelPruner,
    skip: tuple[str, ...],
    example: Tensor,
    context: PruneContext,
    levels: Mapping[str, float] | None = None,
) -> dict[str, Tensor]:
    """Remove in place what the pruner decides; returns the channels kept of each layer that lost some.

    example: an input (1, …). levels: the share per layer that the pruner is matched to.
    Errors: PluginError where the contract is broken or nothing can be removed; ConfigError for an unknown layer.
    """
    if not is_plain(model):
        raise PluginError("channels are removed from a plain network: before masks and quantization, not after")
    for name, parameter in model.named_parameters():
        if not bool(parameter.isfinite().all()):
            raise PluginError(f"{name} is NaN or infinite: there is nothing to rank")
    graph = ChannelGraph(model, example)
    left_alone = set(prunable(model)) - set(select(model, skip))
    removable = {layer: norm for layer, norm in graph.removable.items() if layer not in left_alone}
    if not removable:
        raise PluginError(f"no layer of this network has output channels that can be removed alone{_why(graph.left)}")
    if levels is None:
        keep = _ask(pruner, model, replace(context, removable=removable))
    else:
        keep = {}
        for layer, norm in removable.items():
            at = replace(pruner, sparsity=levels[layer])  # type: ignore[call-arg]  # the planner saw to it that it has the field
            keep |= _ask(at, model, replace(context, removable={layer: norm}))
    kept = {layer: mask.cpu() for layer, mask in keep.items() if not bool(mask.all())}
    if kept:
        graph.check_removal(kept)
    graph.remove(kept)
    return kept


def _why(left: Mapping[str, str]) -> str:
    """Return the reasons for the first few layers, ready to append."""
    shown = [f"layer {name}: {reason}" for name, reason in list(left.items())[:_REASONS]]
    more = [f"{len(left) - _REASONS} more"] if len(left) > _REASONS else []
    return f" ({'; '.join([*shown, *more])})" if shown else ""


def _ask(pruner: ChannelPruner, model: nn.Module, context: PruneContext) -> dict[str, Tensor]:
    keep = pruner.channels(deepcopy(model), context)
    if not isinstance(keep, Mapping):
        raise PluginError(f"a mapping of layers to channels expected, got {type(keep).__name__}")
    for layer in keep:
        if layer not in context.removable:
            raise PluginError(f"the output channels of layer {layer} cannot be removed alone")
        ChannelGraph.check(layer, keep[layer], model.get_submodule(layer))
    promised = getattr(pruner, "sparsity", None)
    if isinstance(promised, int | float):
        _check_promise(keep, float(promised), model, context)
    return dict(keep)


def _check_promise(keep: Channels, promised: float, model: nn.Module, context: PruneContext) -> None:
    """More than one channel away from the promised share fails, but for those that are the last of their layer.

    The share is of the layers that have a BatchNorm, and of the others that the pruner named.
    """
    counted = [layer for layer, norm in context.removable.items() if norm or layer in keep]
    there = sum(len(model.get_parameter(f"{layer}.weight")) for layer in counted)
    removed = sum(int((~mask).count_nonzero()) for mask in keep.values())
    last = sum(int(mask.count_nonzero()) == 1 for mask in keep.values())
    if not promised * there - 1 - last <= removed + 1e-9 <= promised * there + 1 + 1e-6:
        raise PluginError(
            f"channels: asked for {promised:.3f}, delivered {removed / max(there, 1):.3f} ({removed} of {there})"
        )
