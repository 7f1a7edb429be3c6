"""Scores: what makes a weight matter.

Each function gives the signed values of one layer, a matrix (out, in · kh · kw) on the CPU; the score of a
weight is the absolute value. Data-driven scores see training batches only.
"""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import islice

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from benchsuite.api import PruneContext
from benchsuite.sites import is_conv1d, site

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

    For convolutions the input of weight (channel, row, column) of the kernel, over all positions.
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
    places = [site(model, name) for name in names]
    examples = 0
    with parametrize.cached():  # lest the network computes other tensors than those that the slopes are of
        weights = [place.weight.requires_grad_() for place in places]
        sums = [torch.zeros_like(weight) for weight in weights]
        for inputs, labels in _scoring_batches(context):
            with torch.enable_grad():
                loss = context.loss(model(inputs), labels) * len(labels)
            slopes = torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True)
            sums = [total + slope for total, slope in zip(sums, slopes, strict=True)]
            examples += len(labels)
    return {name: matrix(place.turn(total / examples)) for name, place, total in zip(names, places, sums, strict=True)}


def _input_norms(names: tuple[str, ...], context: PruneContext) -> Layers:
    model = context.model.eval()
    energies: dict[str, Tensor] = {}

    def watch(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], dict[str, Tensor]], None]:
        def add(module: nn.Module, arguments: tuple[Tensor, ...], named: dict[str, Tensor]) -> None:
            energy = _input_energy(module, *arguments, *named.values())
            energies[name] = energies[name] + energy if name in energies else energy

        return add

    for name in names:
        place = site(model, name)
        if place.parameter != "weight":
            raise ValueError(f'score "wanda" does not read the projections of attention layers, as {name}: skip it')
        place.module.register_forward_pre_hook(watch(name), with_kwargs=True)
    with torch.no_grad():
        for inputs, _ in _scoring_batches(context):
            model(inputs)
    if unused := [name for name in names if name not in energies]:
        raise ValueError(f'score "wanda" needs the inputs of layer {unused[0]}, which the network never calls')
    return {name: energy.sqrt().cpu() for name, energy in energies.items()}


def _input_energy(module: nn.Module, inputs: Tensor, *sizes: Tensor) -> Tensor:
    """Σx² of the input of each weight, broadcastable to the matrix (out, in · kh · kw).

    sizes: the other arguments of the layer's call, such as the output size of a transposed convolution.
    """
    squares = inputs.float().square()
    if isinstance(module, nn.Linear) or is_conv1d(module):
        return squares.flatten(0, -2).sum(0, keepdim=True)
    if not isinstance(module, nn.Conv2d):
        return _slope_energy(module, squares, *sizes)
    mode = "constant" if module.padding_mode == "zeros" else module.padding_mode
    # the module's own account of its padding: it has resolved "same" and "valid"
    padded = F.pad(squares.sum(0, keepdim=True), module._reversed_padding_repeated_twice, mode=mode)
    kernel, dilation, stride = _pair(module.kernel_size), _pair(module.dilation), _pair(module.stride)
    patches = F.unfold(padded, kernel, dilation=dilation, stride=stride)
    groups = patches.sum((0, 2)).view(module.groups, -1)
    return groups.repeat_interleave(module.out_channels // module.groups, 0)


def _slope_energy(module: nn.Module, squares: Tensor, *sizes: Tensor) -> Tensor:
    """The same of any convolution: ∂Σy/∂w of its outputs for the squares as inputs."""
    layer = deepcopy(module).float()
    with torch.enable_grad(), parametrize.cached():
        place = site(layer, "")
        weight = place.weight.requires_grad_()
        (energy,) = torch.autograd.grad(layer.forward(squares, *sizes).sum(), [weight])
    return place.turn(energy).flatten(1)


def _pair(values: tuple[int, ...]) -> tuple[int, int]:
    return values[0], values[1]


def _scoring_batches(context: PruneContext) -> Iterator[tuple[Tensor, Tensor]]:
    found = False
    for batch in islice(context.batches(), SCORING_BATCHES):
        found = True
        yield batch
    if not found:
        raise ValueError("this score needs training batches, and there are none")
