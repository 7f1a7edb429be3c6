"""Regularizers, models and data sets that are wrong in one way each, for the checks that must find them."""

from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from benchsuite import DataInfo, Dataset, ImageData, Model, Recipe, Regularizer
from benchsuite.metrics import prunable, trained_weight


@dataclass(frozen=True)
class SoundDecay(Regularizer):
    """Shrink the weights that are trained a little after each step."""

    strength: float = 0.01
    """Of the shrinking."""

    def after_step(self, model, lr):
        with torch.no_grad():
            for layer in prunable(model).values():
                weight = trained_weight(layer)
                if weight.requires_grad:
                    weight.mul_(1 - lr * self.strength)


@dataclass(frozen=True)
class DividesByWeights(SoundDecay):
    """Adds a gradient of 1 / w."""

    def after_backward(self, model):
        for layer in prunable(model).values():
            weight = trained_weight(layer)
            if weight.grad is not None:
                weight.grad.add_(self.strength / weight.detach())


@dataclass(frozen=True)
class ShrinksStatistics(SoundDecay):
    """Shrinks buffers, too."""

    def after_step(self, model, lr):
        for buffer in model.buffers():
            if buffer.is_floating_point():
                buffer.mul_(0.9)


@dataclass(frozen=True)
class ShrinksWhatIsFrozen(SoundDecay):
    """Shrinks every weight."""

    def after_step(self, model, lr):
        with torch.no_grad():
            for layer in prunable(model).values():
                trained_weight(layer).mul_(1 - lr * self.strength)


@dataclass(frozen=True)
class LosesMaskedLayers(SoundDecay):
    """Looks for a plain parameter, which a masked layer has not."""

    def after_step(self, model, lr):
        for layer in prunable(model).values():
            layer.get_parameter("weight").detach()


class Network(nn.Sequential):
    """Two layers on the flattened image."""

    def __init__(self, data):
        super().__init__(nn.Flatten(), nn.Linear(data.features, 8), nn.Tanh(), nn.Linear(8, data.classes))


@dataclass(frozen=True)
class SoundNetwork(Model):
    """A small network."""

    recipe: ClassVar[Recipe] = Recipe(lr=0.1)

    def build(self, data):
        return Network(data)


class OneColumn(Network):
    def forward(self, images):
        return super().forward(images)[:, 0]


@dataclass(frozen=True)
class LosesADimension(SoundNetwork):
    """Gives (N,) for (N, classes)."""

    def build(self, data):
        return OneColumn(data)

    def loss(self, outputs, labels):
        return (outputs - labels).square().mean()


@dataclass(frozen=True)
class LossOfEach(SoundNetwork):
    """Gives the loss of each example."""

    def loss(self, outputs, labels):
        return nn.functional.cross_entropy(outputs, labels, reduction="none")


@dataclass(frozen=True)
class LogarithmOfZero(SoundNetwork):
    """Takes the logarithm of what may be 0."""

    def loss(self, outputs, labels):
        return -(outputs.softmax(1)[:, labels] * 0).log().mean()


@dataclass(frozen=True)
class SeededElsewhere(SoundNetwork):
    """Draws its weights with numpy."""

    def build(self, data):
        network = Network(data)
        drawn = np.random.random(8).astype(np.float32)
        network[1].bias.data.copy_(torch.from_numpy(drawn))
        return network


@dataclass(frozen=True)
class DivergesAtOnce(SoundNetwork):
    """Has a learning rate that no network survives."""

    recipe: ClassVar[Recipe] = Recipe(lr=1e38, momentum=0.9)

    def loss(self, outputs, labels):
        return 1e6 * super().loss(outputs, labels)


@dataclass(frozen=True)
class LearnsNothing(SoundNetwork):
    """Has a loss that does not depend on the network."""

    def loss(self, outputs, labels):
        return 0 * super().loss(outputs, labels)


class Shifted(Network):
    def __init__(self, data):
        super().__init__(data)
        self.shift = torch.randn(data.classes)

    def forward(self, images):
        return super().forward(images) + self.shift


@dataclass(frozen=True)
class KeepsAnAttribute(SoundNetwork):
    """Depends on a tensor that is in no state dict."""

    def build(self, data):
        return Shifted(data)


class Centred(Network):
    def forward(self, images):
        return super().forward(images - images.mean(0))


@dataclass(frozen=True)
class LooksAtTheBatch(SoundNetwork):
    """Subtracts the mean of the batch, in evaluation, too."""

    def build(self, data):
        return Centred(data)


class WithASpare(Network):
    def __init__(self, data):
        super().__init__(data)
        self.spare = nn.Linear(2, 2)

    def forward(self, images):
        return self[3](self[2](self[1](self[0](images))))


@dataclass(frozen=True)
class HasAnUnusedLayer(SoundNetwork):
    """Has a layer that is never called."""

    def build(self, data):
        return WithASpare(data)


@dataclass(frozen=True)
class SoundImages(Dataset):
    """Random images."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=4, width=4, classes=3)

    def load(self, root, split):
        generator = torch.Generator().manual_seed(("train", "test").index(split))
        images = torch.randint(256, (30, 1, 4, 4), generator=generator, dtype=torch.uint8)
        return ImageData(images, torch.randint(3, (30,), generator=generator))

    def files(self, root):
        return []


@dataclass(frozen=True)
class LabelsFromOne(SoundImages):
    """Counts its classes from 1."""

    def load(self, root, split):
        data = super().load(root, split)
        return ImageData(data.images, data.labels + 1)


@dataclass(frozen=True)
class FloatImages(SoundImages):
    """Scales its images itself."""

    def load(self, root, split):
        data = super().load(root, split)
        return ImageData(data.images / 255, data.labels)


@dataclass(frozen=True)
class NoSpread(SoundImages):
    """Has a standard deviation of 0."""

    std: ClassVar[tuple[float, ...]] = (0.0,)


@dataclass(frozen=True)
class OneSplit(SoundImages):
    """Has one split under two names."""

    def load(self, root, split):
        return super().load(root, "train")


@dataclass(frozen=True)
class DrawsAnew(SoundImages):
    """Shuffles at every loading."""

    def load(self, root, split):
        data = super().load(root, split)
        order = torch.from_numpy(np.random.default_rng().permutation(len(data.labels)))
        return ImageData(data.images[order], data.labels[order])


@dataclass(frozen=True)
class CountsItsFingerprints(SoundImages):
    """Has another fingerprint each time."""

    counter: ClassVar[count] = count()

    def fingerprint(self, root):
        return str(next(self.counter))
