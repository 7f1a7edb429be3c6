"""LeCun's sparse C3: a convolution whose output maps each see some of the input maps."""

from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

CONNECTIONS: dict[str, tuple[tuple[int, ...], ...]] = {
    "three": ((0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5)),
    "four": (
        *((0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5)),
        *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    ),
    "six": ((0, 1, 2, 3, 4, 5),),
}
"""The input maps of each output map, in the order of the outputs, by how many they are.

Source: LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", table I.
"""
INPUTS = 6
KERNEL = 5


class _SameFanIn(nn.Conv2d):
    """The output maps that see equally many inputs: a grouped convolution of the inputs of each in turn."""

    inputs: Tensor

    def __init__(self, maps: tuple[tuple[int, ...], ...]) -> None:
        inputs = list(chain.from_iterable(maps))
        super().__init__(len(inputs), len(maps), KERNEL, groups=len(maps))
        self.register_buffer("inputs", torch.tensor(inputs), persistent=False)

    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input.index_select(1, self.inputs))


class SparseC3(nn.Module):
    """6 input maps to 16 output maps by 60 kernels of 5×5.

    Its layers have no weight where there is no connection, so that they are pruned, quantized and counted as they
    are. In training they act as one dense convolution with zeros in between, which gives the same outputs: on a
    CPU the gradients of grouped convolutions so small take five times as long.
    """

    positions: Tensor
    """Of each of the 60 kernels among the 16 · 6 of the dense convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.three, self.four, self.six = (_SameFanIn(maps) for maps in CONNECTIONS.values())
        maps = list(chain.from_iterable(CONNECTIONS.values()))
        positions = [INPUTS * output + number for output, inputs in enumerate(maps) for number in inputs]
        self.register_buffer("positions", torch.tensor(positions), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (N, 6, H, W) to (N, 16, H − 4, W − 4)."""
        if self.training:
            return conv2d(images, *self.dense())
        return torch.cat([self.three(images), self.four(images), self.six(images)], dim=1)

    def dense(self) -> tuple[Tensor, Tensor]:
        """Weight (16, 6, 5, 5), 0 where there is no connection, and bias (16,) of the dense convolution."""
        layers = (self.three, self.four, self.six)
        kernels = torch.cat([layer.weight.flatten(0, 1) for layer in layers])
        bias = torch.cat([layer.bias for layer in layers if layer.bias is not None])
        weight = kernels.new_zeros(len(bias) * INPUTS, KERNEL, KERNEL).index_copy(0, self.positions, kernels)
        return weight.view(-1, INPUTS, KERNEL, KERNEL), bias
