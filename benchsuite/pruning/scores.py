"""Scores: what makes a weight matter.

Each function gives the signed values of one layer, a matrix (out, in · kh · kw) on the CPU; the score of a
weight is the absolute value. Data-driven scores see training batches only.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchsuite.api import PruneContext

Layers = Mapping[str, Tensor]

SCORING_BATCHES = 8
"""How many training batches a data-driven score sees at most."""


def matrix(weight: Tensor) -> Tensor:
    """A weight (out, in, …) as the matrix (out, in · …) on the CPU, in at least float32."""
    weight = weight.detach().cpu()
    return (weight if weight.dtype == torch.float64 else weight.float()).flatten(1).contiguous()


def magnitude(name: str, layers: Layers, context: PruneContext) -> Tensor:  # noqa: ARG001  # one signature for all
    """|w|: the weights themselves."""
    return matrix(layers[name])


def gradient(name: str, layers: Layers, context: PruneContext) -> Tensor:
    """|∂L/∂w| of the mean loss over the scoring batches."""
    return context.shared(("gradients", *layers), lambda: _gradients(tuple(layers), context))[name]


def taylor(name: str, layers: Layers, context: PruneContext) -> Tensor:
    """|w · ∂L/∂w|: to first order, by how much the loss changes without the weight."""
    return matrix(layers[name]) * gradient(name, layers, context)


def wanda(name: str, layers: Layers, context: PruneContext) -> Tensor:
    """|w| · ‖x‖₂, x the weight's input over the scoring batches.

    For Conv2d the input of weight (channel, row, column) of the kernel, over all positions.
    Source: Sun, Liu, Bair, Kolter, "A Simple and Effective Pruning Approach for Large Language Models", 2024.
    """
    norms = context.shared(("input norms", *layers), lambda: _input_norms(tuple(layers), context))
    return matrix(layers[name]) * norms[name]


SCORES: Mapping[str, Callable[[str, Layers, PruneContext], Tensor]] = {
    "magnitude": magnitude,
    "gradient": gradient,
    "taylor": taylor,
    "wanda": wanda,
}


def _gradients(names: tuple[str, ...], context: PruneContext) -> Layers:
    model = context.model.eval()
    weights = [model.get_parameter(f"{name}.weight").requires_grad_() for name in names]
    sums = [torch.zeros_like(weight) for weight in weights]
    examples = 0
    for inputs, labels in _scoring_batches(context):
        with torch.enable_grad():
            loss = context.loss(model(inputs), labels) * len(labels)
        slopes = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
        sums = [total + slope for total, slope in zip(sums, slopes, strict=True)]
        examples += len(labels)
    return {name: matrix(total / examples) for name, total in zip(names, sums, strict=True)}


def _input_norms(names: tuple[str, ...], context: PruneContext) -> Layers:
    model = context.model.eval()
    energies: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def add(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            energy = _input_energy(name, module, inputs[0])
            energies[name] = energies[name] + energy if name in energies else energy

        return add

    for name in names:
        model.get_submodule(name).register_forward_pre_hook(watch(name))
    with torch.no_grad():
        for inputs, _ in _scoring_batches(context):
            model(inputs)
    if unused := [name for name in names if name not in energies]:
        raise ValueError(f'score "wanda" needs the inputs of layer {unused[0]}, which the network never calls')
    return {name: energy.sqrt().cpu() for name, energy in energies.items()}


def _input_energy(name: str, module: nn.Module, inputs: Tensor) -> Tensor:
    """Σx² of the input of each weight, broadcastable to the matrix (out, in · kh · kw)."""
    squares = inputs.float().square()
    if isinstance(module, nn.Linear):
        return squares.flatten(0, -2).sum(0, keepdim=True)
    if not isinstance(module, nn.Conv2d):
        raise ValueError(f'score "wanda" reads Linear and Conv2d, and layer {name} is a {type(module).__name__}')
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    # the module's own account of its padding: it has resolved "same" and "valid"
    padded = F.pad(squares.sum(0, keepdim=True), module._reversed_padding_repeated_twice, mode=mode)
    kernel, dilation, stride = _pair(module.kernel_size), _pair(module.dilation), _pair(module.stride)
    patches = F.unfold(padded, kernel, dilation=dilation, stride=stride)
    groups = patches.sum((0, 2)).view(module.groups, -1)
    return groups.repeat_interleave(module.out_channels // module.groups, 0)


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _scoring_batches(context: PruneContext) -> Iterator[tuple[Tensor, Tensor]]:
    found = False
    for batch in islice(context.batches(), SCORING_BATCHES):
        found = True
        yield batch
    if not found:
        raise ValueError("this score needs training batches, and there are none")
