"""Pruners that are wrong in one way each, for the checks that must find them."""

import os
import random
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from benchsuite import ChannelPruner, LayerPruner
from benchsuite.testing import cost
from benchsuite.testing.samples import context_of


@dataclass(frozen=True)
class Sound(LayerPruner):
    """Keep the largest weights of each layer; of equals the last."""

    nested: ClassVar[bool] = True

    sparsity: float = 0.5
    """Share of each layer's weights that goes."""

    def scores(self, weight, context):
        return weight.abs()

    def mask(self, weight, context):
        keep = torch.ones(weight.numel(), dtype=torch.bool)
        order = self.scores(weight, context).flatten().argsort(stable=True)
        keep[order[: self.pruned(weight.numel())]] = False
        return keep.view(weight.shape)

    def pruned(self, count):
        return min(round(self.sparsity * count), max(count - 1, 1))


@dataclass(frozen=True)
class FloatMasks(Sound):
    """Gives masks of 0.0 and 1.0."""

    def mask(self, weight, context):
        return super().mask(weight, context).float()


@dataclass(frozen=True)
class MasksElsewhere(Sound):
    """Gives masks on a device that has no data."""

    def mask(self, weight, context):
        return super().mask(weight, context).to("meta")


@dataclass(frozen=True)
class ScoresInPlace(Sound):
    """Takes the magnitudes in place."""

    def scores(self, weight, context):
        return weight.abs_()


@dataclass(frozen=True)
class RoundsAtThreeQuarters(Sound):
    """Prunes a few weights too few at one level."""

    nested: ClassVar[bool] = False

    def pruned(self, count):
        return super().pruned(count) - (5 if self.sparsity == 0.75 else 0)


@dataclass(frozen=True)
class Threshold(Sound):
    """Keeps what is above the k-th magnitude: all equals go."""

    def mask(self, weight, context):
        magnitudes = weight.abs()
        return magnitudes > magnitudes.flatten().sort().values[max(self.pruned(weight.numel()), 1) - 1]


@dataclass(frozen=True)
class AllForNothing(Sound):
    """Keeps what is above the k-th magnitude, which is the largest where k = 0."""

    nested: ClassVar[bool] = False

    def mask(self, weight, context):
        return super().mask(weight, context) & (self.pruned(weight.numel()) > 0)


@dataclass(frozen=True)
class NeedsTwoLayers(Sound):
    """Looks at the second layer of those it is shown."""

    def masks(self, layers, context):
        _ = list(layers)[1]
        return super().masks(layers, context)


@dataclass(frozen=True)
class NotNested(Sound):
    """Keeps the smallest weights where few stay."""

    def scores(self, weight, context):
        return -weight.abs() if self.sparsity > 0.7 else weight.abs()


@dataclass(frozen=True)
class EmptiesLayers(Sound):
    """Ranks the weights of all layers together."""

    scope: ClassVar[str] = "network"

    def masks(self, layers, context):
        joined = torch.cat([weight.flatten() for weight in layers.values()])
        parts = self.mask(joined, context).split([weight.numel() for weight in layers.values()])
        return {name: part.view(layers[name].shape) for name, part in zip(layers, parts, strict=True)}


@dataclass(frozen=True)
class DecidesForAll(Sound):
    """Decides for every layer of the network, whatever it is shown."""

    def masks(self, layers, context):
        network = context.model
        return {
            name: self.mask(layer.weight.detach(), context)
            for name, layer in network.named_modules()
            if isinstance(layer, torch.nn.Linear | torch.nn.modules.conv._ConvNd)
        }


@dataclass(frozen=True)
class SharesTooMuch(Sound):
    """Shares its masks with prunings at other levels."""

    def masks(self, layers, context):
        return context.shared(("masks", *layers), lambda: super(SharesTooMuch, self).masks(layers, context))


@dataclass(frozen=True)
class TrustsTheData(Sound):
    """Ranks by scores that are NaN where the batches are."""

    def scores(self, weight, context):
        means = [inputs.square().mean() for inputs, _ in context.batches()]
        return weight.abs() * (1 + sum(means))


@dataclass(frozen=True)
class CountsOnABatch(Sound):
    """Takes the first batch for granted."""

    def scores(self, weight, context):
        next(context.batches())
        return weight.abs()


@dataclass(frozen=True)
class RescalesByNothing(Sound):
    """Divides by what is left, even if nothing is."""

    def rescale(self, weight, mask):
        return (weight.abs().sum() / (weight * mask).abs().sum()).expand(weight.shape)


@dataclass(frozen=True)
class AuditsNaN(Sound):
    """Reports a fact that is no number."""

    def audit(self, layers, masks):
        return {"margin": float("nan")}


@dataclass(frozen=True)
class Squeezes(Sound):
    """Counts on two dimensions after a squeeze."""

    def scores(self, weight, context):
        _, _ = weight.squeeze().shape[:2]
        return weight.abs()


@dataclass(frozen=True)
class SqueezesKernels(Sound):
    """Gives a 1×1 convolution the mask of a matrix."""

    def mask(self, weight, context):
        mask = super().mask(weight, context)
        return mask[..., 0, 0] if weight.shape[2:] == (1, 1) else mask


@dataclass(frozen=True)
class CountsOnInChannels(Sound):
    """Makes masks of (out, in, …) of the module, which is not the weight's shape where there are groups."""

    def masks(self, layers, context):
        network = context.model
        for name, weight in layers.items():
            module = network.get_submodule(name)
            assert weight.shape[1] == getattr(module, "in_channels", weight.shape[1])
        return super().masks(layers, context)


@dataclass(frozen=True)
class CountsOnImages(Sound):
    """Unpacks the weight of every convolution as that of an image's."""

    def scores(self, weight, context):
        if weight.dim() > 2:
            _, _, _, _ = weight.shape
        return weight.abs()


@dataclass(frozen=True)
class CountsOnOneCall(Sound):
    """Keeps the inputs of each layer under its name, and counts on one call of each."""

    def masks(self, layers, context):
        network, seen = context.model, set()

        def keep(name):
            assert name not in seen
            seen.add(name)

        for name in layers:
            network.get_submodule(name).register_forward_pre_hook(lambda *_, name=name: keep(name))
        for inputs, _ in list(context.batches())[:1]:
            network(inputs)
        return super().masks(layers, context)


@dataclass(frozen=True)
class DividesByTheSum(Sound):
    """Ranks shares of the layer's sum."""

    def scores(self, weight, context):
        if weight.abs().sum() == 0:
            raise ZeroDivisionError("the weights add up to 0")
        return weight.abs()


@dataclass(frozen=True)
class SumsInHalfPrecision(Sound):
    """Adds up in float16."""

    def scores(self, weight, context):
        if not weight.abs().half().sum().isfinite():
            raise OverflowError("the weights add up to infinity")
        return weight.abs()


@dataclass(frozen=True)
class SquaresTinyWeights(Sound):
    """Divides by the norm of the weights, which is 0 where their squares are."""

    def scores(self, weight, context):
        if weight.any() and weight.square().sum() == 0:
            raise ZeroDivisionError("the norm is 0")
        return weight.abs()


@dataclass(frozen=True)
class ForgetsTheType(Sound):
    """Multiplies with a tensor of the default dtype."""

    def scores(self, weight, context):
        _ = weight.flatten(1) @ torch.ones(weight[0].numel())
        return weight.abs()


@dataclass(frozen=True)
class ViewsFlat(Sound):
    """Counts on weights that are contiguous."""

    def scores(self, weight, context):
        return weight.abs().view(-1)


@dataclass(frozen=True)
class SeedsItself(Sound):
    """Takes its randomness from the system."""

    nested: ClassVar[bool] = False

    def scores(self, weight, context):
        return torch.from_numpy(np.random.default_rng().random(weight.numel()))


@dataclass(frozen=True)
class DependsOnTheFolder(Sound):
    """Decides by the folder that it is started in."""

    def scores(self, weight, context):
        return weight.abs() if len(os.getcwd()) > 1 else -weight.abs()


@dataclass(frozen=True)
class DrawsGlobally(Sound):
    """Draws from torch's generator, and puts it back."""

    nested: ClassVar[bool] = False

    def scores(self, weight, context):
        with torch.random.fork_rng([]):
            return torch.rand(weight.numel())


@dataclass(frozen=True)
class ShiftsRandomness(Sound):
    """Draws from python's generator for nothing."""

    def scores(self, weight, context):
        random.random()
        return weight.abs()


@dataclass(frozen=True)
class ShiftsNumpy(Sound):
    """Seeds numpy's generator."""

    def scores(self, weight, context):
        np.random.seed(0)
        return weight.abs()


@dataclass(frozen=True)
class ChangesPrecision(Sound):
    """Sets how precise matrix products are."""

    def scores(self, weight, context):
        torch.set_float32_matmul_precision("high")
        return weight.abs()


@dataclass(frozen=True)
class Prints(Sound):
    """Says what it does."""

    def scores(self, weight, context):
        print("pruning", tuple(weight.shape))
        return weight.abs()


@dataclass(frozen=True)
class ReachesTheNetwork(Sound):
    """Works on the network itself, not on a copy."""

    def scores(self, weight, context):
        context.copy_model.args[0].train()
        return weight.abs()


@dataclass(frozen=True)
class ChangesTheNetwork(Sound):
    """Counts in a buffer of the network itself."""

    def scores(self, weight, context):
        for name, buffer in context.copy_model.args[0].named_buffers():
            if name == "bn1.running_mean":
                buffer.add_(1)
        return weight.abs()


class Undecorated(Sound):
    """Is no dataclass of its own."""


@dataclass(frozen=True)
class HoldsASet(Sound):
    """Has a field that no board can write."""

    layers: frozenset[str] = frozenset()
    """Which are meant."""


@dataclass(frozen=True)
class Undocumented(Sound):
    """Has a field without a sentence."""

    secret: int = 1


@dataclass(frozen=True)
class Undescribed(Sound):
    __doc__ = ""


@dataclass(frozen=True)
class DoesNotPickle(Sound):
    """Cannot be sent."""

    def __reduce__(self):
        raise TypeError("not to be sent")


@dataclass(frozen=True)
class CountsItsMakings(Sound):
    """Is another each time it is made."""

    made: int = 0
    """How often."""

    def __post_init__(self):
        object.__setattr__(self, "made", self.made + 1)


@dataclass(frozen=True)
class HashedByPlace(Sound):
    """Has a hash of its own."""

    __hash__ = object.__hash__


@dataclass(frozen=True)
class TakesNotes(Sound):
    """Remembers that it was used."""

    def scores(self, weight, context):
        object.__setattr__(self, "seen", True)
        return weight.abs()


@dataclass(frozen=True)
class Slow(Sound):
    """Decides three times as often as the check allows before it answers: too slow on any machine."""

    def scores(self, weight, context):
        if weight.numel() > 1_000_000:
            for _ in range(3 * cost.TIMES):
                cost.Magnitude().masks({"layer": weight}, context_of(torch.nn.Linear(1, 1), ()))
        return weight.abs()


@dataclass(frozen=True)
class Lavish(Sound):
    """Keeps a hundred copies of large layers."""

    def scores(self, weight, context):
        copies = weight.expand(100 if weight.numel() > 1_000_000 else 1, *weight.shape).clone()
        return copies[0].abs()


@dataclass(frozen=True)
class SoundChannels(ChannelPruner):
    """Keep the filters of largest norm in each layer."""

    sparsity: float = 0.5
    """Share of the channels of each removable layer that goes; one always stays."""

    def channels(self, model, context):
        kept = {}
        for name in context.removable:
            norms = model.get_parameter(f"{name}.weight").detach().flatten(1).norm(dim=1)
            kept[name] = torch.ones(len(norms), dtype=torch.bool)
            kept[name][norms.argsort()[: self.removed(len(norms))]] = False
        return kept

    def removed(self, count):
        return min(int(self.sparsity * count), count - 1)


@dataclass(frozen=True)
class Indices(SoundChannels):
    """Gives the numbers of the channels."""

    def channels(self, model, context):
        return {name: mask.nonzero().flatten() for name, mask in super().channels(model, context).items()}


@dataclass(frozen=True)
class TooManyChannels(SoundChannels):
    """Removes too many at one level."""

    def removed(self, count):
        return super().removed(count) + (2 if self.sparsity == 0.75 else 0)


@dataclass(frozen=True)
class ThresholdOfScales(SoundChannels):
    """Removes what is at or below the threshold of the BatchNorm scales of each layer."""

    def channels(self, model, context):
        kept = super().channels(model, context)
        for name, norm in context.removable.items():
            if norm and self.sparsity > 0:
                scales = model.get_parameter(f"{norm}.weight").detach()
                kept[name] = scales > scales.sort().values[self.removed(len(scales)) - 1]
                kept[name][scales.argmax()] = True
        return kept


@dataclass(frozen=True)
class NoChannelLeft(SoundChannels):
    """Removes all of a layer at high levels."""

    def removed(self, count):
        return count if self.sparsity > 0.9 else super().removed(count)


@dataclass(frozen=True)
class CountsOnTheFirst(SoundChannels):
    """Takes the first convolution for granted."""

    def channels(self, model, context):
        _ = context.removable["conv1"]
        return super().channels(model, context)
