"""The networks that checks compress: small, seeded, with the data to train them."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchsuite.api import PruneContext
from benchsuite.execution.data import Examples
from benchsuite.metrics import batch_norms

Batches = list[tuple[Tensor, Tensor]]

_EXAMPLES, _BATCH = 32, 16


@dataclass(frozen=True)
class Sample:
    """A network, and what goes in and comes out."""

    name: str
    build: Callable[[], nn.Module]
    shape: tuple[int, ...]
    """Of one input."""
    classes: int = 4

    def network(self) -> nn.Module:
        """The same at every call: random weights, and BatchNorms as if trained, no two of their scales alike."""
        with torch.random.fork_rng([]):
            torch.manual_seed(0)
            network = self.build()
            for norm in batch_norms(network).values():
                for name in ("weight", "bias", "running_mean", "running_var"):
                    getattr(norm, name).data.uniform_(0.5, 1.5)
        return network.eval()

    def examples(self) -> Examples:
        """Normal random inputs with random labels."""
        generator = torch.Generator().manual_seed(1)
        inputs = torch.randn(_EXAMPLES, *self.shape, generator=generator)
        return Examples(inputs, torch.randint(self.classes, (_EXAMPLES,), generator=generator))

    def inputs(self) -> Tensor:
        """All of them, in order."""
        return self.examples().images

    def batches(self, dtype: torch.dtype = torch.float32) -> Batches:
        """The examples in two batches."""
        examples = self.examples()
        return list(
            zip(*(torch.split(one, _BATCH) for one in (examples.images.to(dtype), examples.labels)), strict=True)
        )


def context_of(network: nn.Module, batches: Batches) -> PruneContext:
    """A context as the harness makes it for pruning `network`."""

    def copies() -> Iterator[tuple[Tensor, Tensor]]:
        return ((inputs.clone(), labels.clone()) for inputs, labels in batches)

    return PruneContext(
        generator=torch.Generator().manual_seed(0),
        batches=copies,
        copy_model=partial(deepcopy, network),
        loss=cross_entropy,
        device=next(network.parameters()).device,
    )


class Residual(nn.Module):
    """A block whose first convolution can lose channels, while a sum ties those of its second."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.stem_bn = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.conv1, self.bn1 = nn.Conv2d(8, 10, 3, padding=1, bias=False), nn.BatchNorm2d(10)
        self.conv2, self.bn2 = nn.Conv2d(10, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8)
        self.fc = nn.Linear(8, 4)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 4)."""
        stem = self.stem_bn(self.stem(images)).tanh()
        block = self.bn2(self.conv2(self.bn1(self.conv1(stem)).tanh()))
        logits: Tensor = self.fc((stem + block).tanh().mean((2, 3)))
        return logits


class UsedTwice(nn.Module):
    """One layer that is called at two places."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.shared, self.last = nn.Linear(9, 8), nn.Linear(8, 8), nn.Linear(8, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 4)."""
        once = self.shared(self.first(inputs).tanh()).tanh()
        logits: Tensor = self.last(self.shared(once).tanh())
        return logits


def _chain(**modules: nn.Module) -> nn.Module:
    return nn.Sequential(OrderedDict(modules))


def _plain() -> nn.Module:
    return _chain(
        conv1=nn.Conv2d(3, 8, 3, padding=1),
        bn1=nn.BatchNorm2d(8),
        act1=nn.Tanh(),
        conv2=nn.Conv2d(8, 12, 3, padding=1, bias=False),
        bn2=nn.BatchNorm2d(12),
        act2=nn.Tanh(),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc1=nn.Linear(12, 16),
        act3=nn.Tanh(),
        fc2=nn.Linear(16, 4),
    )


def _narrow() -> nn.Module:
    return _chain(
        one_row=nn.Linear(9, 1),
        one_weight=nn.Linear(1, 1),
        one_column=nn.Linear(1, 8),
        act=nn.Tanh(),
        last=nn.Linear(8, 4),
    )


def _pointwise() -> nn.Module:
    return _chain(
        conv=nn.Conv2d(3, 8, 1), act=nn.Tanh(), pool=nn.AdaptiveAvgPool2d(1), flatten=nn.Flatten(), fc=nn.Linear(8, 4)
    )


def _grouped() -> nn.Module:
    return _chain(
        depthwise=nn.Conv2d(4, 4, 3, groups=4),
        act1=nn.Tanh(),
        grouped=nn.Conv2d(4, 8, 3, groups=2),
        act2=nn.Tanh(),
        pool=nn.AdaptiveAvgPool2d(1),
        flatten=nn.Flatten(),
        fc=nn.Linear(8, 4),
    )


PLAIN = Sample("a plain convolutional network", _plain, (3, 6, 6))
RESIDUAL = Sample("a residual network", Residual, (3, 6, 6))
NARROW = Sample("layers of one row, one column and one weight", _narrow, (9,))
POINTWISE = Sample("a 1×1 convolution", _pointwise, (3, 6, 6))
GROUPED = Sample("depthwise and grouped convolutions", _grouped, (4, 6, 6))
SHARED = Sample("a layer that is called twice", UsedTwice, (9,))
ONE_DIMENSIONAL = Sample(
    "a one-dimensional convolution",
    lambda: _chain(conv=nn.Conv1d(2, 6, 3), act=nn.Tanh(), flatten=nn.Flatten(), fc=nn.Linear(36, 4)),
    (2, 8),
)
THREE_DIMENSIONAL = Sample(
    "a three-dimensional convolution",
    lambda: _chain(conv=nn.Conv3d(2, 6, 3), act=nn.Tanh(), flatten=nn.Flatten(), fc=nn.Linear(48, 4)),
    (2, 4, 4, 4),
)
