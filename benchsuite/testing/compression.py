"""Putting a plugin on a network by the harness's own doors: what is checked is what its users meet."""

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchsuite.api import ChannelPruner, Pruner, Quantizer, Regularizer
from benchsuite.execution.channels import remove_channels
from benchsuite.execution.compress import add_masks
from benchsuite.execution.decide import decide, quantize
from benchsuite.metrics import model_tensors, prunable
from benchsuite.metrics.evaluation import evaluating
from benchsuite.testing.checks import NotApplicable, require
from benchsuite.testing.samples import PLAIN, Batches, Sample, context_of

Compressor = Pruner | ChannelPruner | Quantizer | Regularizer
COMPRESSORS = (Pruner, ChannelPruner, Quantizer, Regularizer)

P = TypeVar("P", Pruner, ChannelPruner)

_LR = 0.1


def compress(
    network: nn.Module,
    plugin: Compressor,
    batches: Batches,
    *,
    skip: Sequence[str] = (),
    original: nn.Module | None = None,
) -> nn.Module:
    """Compress in place, or train a step with the regularizer; returns the network.

    original: what the context hands out copies of, if not `network` itself.
    """
    context = context_of(original or network, batches)
    match plugin:
        case Pruner():
            masks, _ = decide(network, plugin, tuple(skip), context)
            add_masks(network, masks, plugin)
        case ChannelPruner():
            remove_channels(network, plugin, tuple(skip), batches[0][0][:1], context)
        case Quantizer():
            quantize(network, plugin, tuple(skip))
        case Regularizer():
            step(network, plugin, batches)
    return network


def step(network: nn.Module, regularizer: Regularizer, batches: Batches) -> None:
    """One step of plain SGD on the first batch."""
    inputs, labels = batches[0]
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(trained, _LR)
    cross_entropy(network(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch's own
    regularizer.after_backward(network)
    optimizer.step()
    regularizer.after_step(network, _LR)


def compressed(plugin: Compressor, sample: Sample = PLAIN, *, skip: Sequence[str] = ()) -> nn.Module:
    """The sample's network, compressed."""
    return compress(sample.network(), plugin, sample.batches(), skip=skip)


def has_level(pruner: Pruner | ChannelPruner) -> bool:
    """Whether it promises a sparsity."""
    return any(field.name == "sparsity" for field in fields(pruner))


def at_level(pruner: P, sparsity: float) -> P:
    """The pruner at another level. Errors: NotApplicable without a field `sparsity`."""
    if not has_level(pruner):
        raise NotApplicable("it has no field sparsity: its level follows from other things")
    return replace(pruner, sparsity=sparsity)  # type: ignore[call-arg]  # as was just asked


def effective_weights(network: nn.Module) -> dict[str, Tensor]:
    """The weights of the layers as they act, detached."""
    weights = {name: layer.weight for name, layer in prunable(network).items()}
    return {name: weight.detach() for name, weight in weights.items() if isinstance(weight, Tensor)}


def outputs(network: nn.Module, inputs: Tensor) -> Tensor:
    """In evaluation mode."""
    with evaluating(network), torch.no_grad():
        found: Tensor = network(inputs)
    return found


def require_finite(network: nn.Module) -> None:
    """Errors: Failure naming the first tensor with a NaN or an infinity."""
    for name, tensor in model_tensors(network).items():
        require(bool(tensor.isfinite().all()), f"{name} has NaN or infinite values afterwards")


def differences(one: nn.Module, other: nn.Module) -> list[str]:
    """The names of the tensors that are not bit for bit the same."""
    return differing(model_tensors(one), model_tensors(other))


def differing(one: dict[str, Tensor], other: dict[str, Tensor]) -> list[str]:
    """The names under which the two hold different tensors, or only one holds any."""
    names: Iterable[str] = one.keys() | other.keys()
    return sorted(name for name in names if not (name in one and name in other and _equal(one[name], other[name])))


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and bool(one.eq(other).all())
