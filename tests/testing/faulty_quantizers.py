"""Quantizers that are wrong in one way each, for the checks that must find them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from benchsuite import Quantizer


@dataclass(frozen=True)
class SoundGrid(Quantizer):
    """Round to 2^bits − 1 values around zero, up to the largest magnitude."""

    bits: int = 3
    """Bits of one weight."""

    def steps(self):
        return 2 ** (self.bits - 1) - 1

    def largest(self, weight):
        return weight.abs().max()

    def quantize(self, weight):
        scale = self.largest(weight)
        return (weight / scale * self.steps()).round() / self.steps() * scale if scale > 0 else weight.clone()


@dataclass(frozen=True)
class OneBitMore(SoundGrid):
    """Makes steps for another bit."""

    def steps(self):
        return 2**self.bits - 1


@dataclass(frozen=True)
class ChangesNothing(SoundGrid):
    """Gives back what it gets."""

    def quantize(self, weight):
        return weight.clone()


@dataclass(frozen=True)
class Doubles(SoundGrid):
    """Comes back in float64."""

    def quantize(self, weight):
        return super().quantize(weight).double()


@dataclass(frozen=True)
class RoundsInPlace(SoundGrid):
    """Rounds the weight that it was shown."""

    def quantize(self, weight):
        return weight.copy_(super().quantize(weight))


@dataclass(frozen=True)
class ShrinksEachTime(SoundGrid):
    """Takes a scale a little below the largest weight, and clips."""

    def quantize(self, weight):
        return 0.9 * super().quantize(weight)


@dataclass(frozen=True)
class RemembersTheLargest(SoundGrid):
    """Never lowers its scale."""

    seen: ClassVar[list[float]] = [0.0]

    def largest(self, weight):
        self.seen[0] = max(self.seen[0], float(weight.abs().max()))
        return torch.tensor(self.seen[0], dtype=weight.dtype)


@dataclass(frozen=True)
class DividesByTheRange(SoundGrid):
    """Spreads its steps from the smallest weight to the largest, which may be equal."""

    def quantize(self, weight):
        least, span = weight.min(), weight.max() - weight.min()
        return ((weight - least) / span * 7).round() / 7 * span + least


class _Straight(torch.autograd.Function):
    @staticmethod
    def forward(_, weight, function):
        return function(weight.detach())

    @staticmethod
    def backward(_, gradient):
        return gradient, None


class Part(nn.Module):
    """Its own straight-through estimator."""

    def __init__(self, quantizer):
        super().__init__()
        self.quantizer = quantizer

    def forward(self, weight):
        return _Straight.apply(weight, self.quantizer.quantize)


@dataclass(frozen=True)
class SoundPart(SoundGrid):
    """Brings a module of its own."""

    def parametrization(self, weight):
        return Part(self)


@dataclass(frozen=True)
class NoZero(SoundPart):
    """Has no zero on its grid."""

    def quantize(self, weight):
        quantized = super().quantize(weight)
        return quantized + (quantized == 0) * self.largest(weight) / self.steps()


class Rounding(Part):
    """Rounds, and lets the gradient end."""

    def forward(self, weight):
        return self.quantizer.quantize(weight.detach()) + 0 * weight


@dataclass(frozen=True)
class StopsGradients(SoundGrid):
    """Rounds without an estimator."""

    def parametrization(self, weight):
        return Rounding(self)


class KeptScale(Part):
    """A scale from before the training, and no clipping."""

    def __init__(self, quantizer, weight):
        super().__init__(quantizer)
        self.register_buffer("step", weight.abs().max() / quantizer.steps())

    def forward(self, weight):
        return _Straight.apply(weight, lambda one: (one / self.step).round() * self.step if self.step > 0 else one)


@dataclass(frozen=True)
class KeepsItsScale(SoundGrid):
    """Computes its scale once."""

    def parametrization(self, weight):
        return KeptScale(self, weight)


class KnownByPlace(Part):
    """Is on only where it was made."""

    places: ClassVar[set[int]] = set()

    def __init__(self, quantizer):
        super().__init__(quantizer)
        self.places.add(id(self))

    def forward(self, weight):
        return super().forward(weight) if id(self) in self.places else weight


@dataclass(frozen=True)
class LostInCopies(SoundGrid):
    """Keeps by its address what is to be quantized."""

    def parametrization(self, weight):
        return KnownByPlace(self)
