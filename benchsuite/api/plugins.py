"""The plugin types: a plugin decides, the harness acts.

Every plugin is a frozen dataclass whose fields are its hyperparameters. Nothing here imports torch,
so that a command which touches no tensor starts at once.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeVar

from benchsuite.api.data import DataInfo
from benchsuite.api.recipe import Recipe

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

T = TypeVar("T")


@dataclass
class PruneContext:
    """What a pruner may use besides the weights."""

    generator: "torch.Generator"
    """Seeded, on the CPU; the only source of randomness."""
    batches: "Callable[[], Iterator[tuple[Tensor, Tensor]]]"
    """Training batches `(inputs, labels)`, normalised, on `device`; for data-driven pruners."""
    copy_model: "Callable[[], nn.Module]"
    loss: "Callable[[Tensor, Tensor], Tensor]"
    """The model's training loss: `(outputs, labels)` to a scalar."""
    device: "torch.device"
    removable: "Mapping[str, str | None]" = field(default_factory=dict)
    """For channel pruners: layers whose output channels can be removed, each with the BatchNorm that scales them."""
    _shared: dict[Hashable, object] = field(default_factory=dict, repr=False)

    @property
    def model(self) -> "nn.Module":
        """A fresh copy of the network, which the plugin may do anything to."""
        return self.copy_model()

    def shared(self, key: Hashable, compute: Callable[[], T]) -> T:
        """`compute()`, done once for all prunings of the same weights: a sweep sorts a layer once."""
        if key not in self._shared:
            self._shared[key] = compute()
        return self._shared[key]  # type: ignore[return-value]  # what `compute` of this key returned


@dataclass(frozen=True)
class Pruner(ABC):
    """Says which weights stay.

    A field `sparsity` is a promise: the harness fails the cell if what is delivered is more than one
    element away, per layer or, where `scope` is "network", in total.
    """

    scope: ClassVar[Literal["layer", "network"]] = "layer"
    """Within what the promised sparsity holds."""
    element: ClassVar[Literal["weight", "unit"]] = "weight"
    """What is removed as one piece: a weight, or all incoming weights of an output unit."""
    skip: ClassVar[tuple[str, ...]] = ()
    """Layers left alone unless the board says otherwise: "first", "last" or names."""
    nested: ClassVar[bool] = False
    """Whether a higher sparsity keeps a subset of what a lower one keeps."""
    may_empty: ClassVar[bool] = False
    """Whether a layer may lose all its weights."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    @abstractmethod
    def masks(self, layers: "Mapping[str, Tensor]", context: PruneContext) -> "Mapping[str, Tensor]":
        """A bool tensor per layer, of its shape, on any device: True = keep.

        layers: detached copies of the prunable weights in model order, outputs in dim 0; not to be changed.
        """

    def rescale(self, weight: "Tensor", mask: "Tensor") -> "Tensor | None":
        """Factors for the kept weights, broadcastable to `weight`'s shape; None leaves them as they are."""
        return None

    def audit(self, layers: "Mapping[str, Tensor]", masks: "Mapping[str, Tensor]") -> Mapping[str, float]:
        """Facts about the decision for the record; raises if a theorem of the method does not hold."""
        return {}


@dataclass(frozen=True)
class LayerPruner(Pruner):
    """A pruner that treats every layer alone."""

    @abstractmethod
    def mask(self, weight: "Tensor", context: PruneContext) -> "Tensor":
        """The mask of one layer: bool, of `weight`'s shape, True = keep."""

    def masks(self, layers: "Mapping[str, Tensor]", context: PruneContext) -> "Mapping[str, Tensor]":
        return {name: self.mask(weight, context) for name, weight in layers.items()}


@dataclass(frozen=True)
class ChannelPruner(ABC):
    """Says which output channels stay; the harness removes the others physically.

    What a channel takes along (its filter, its BatchNorm, the input slices that read it) is the harness's business.
    A field `sparsity` is a promise over the removable channels of the layers that have a BatchNorm or are named;
    at least one channel stays in each layer.
    """

    skip: ClassVar[tuple[str, ...]] = ()
    """Layers that keep all channels unless the board says otherwise: "first", "last" or names."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    @abstractmethod
    def channels(self, model: "nn.Module", context: PruneContext) -> "Mapping[str, Tensor]":
        """A bool tensor (output channels,) per layer, True = keep; layers left out keep all.

        model: a copy, of plain modules. Only layers of `context.removable` may lose channels.
        """

    def check(self, model: "nn.Module") -> None:
        """Called before anything is trained; raises ValueError if the method cannot work on such a network."""


@dataclass(frozen=True)
class Quantizer(ABC):
    """Puts weights on a grid of at most 2**bits values.

    Subclasses have a field `bits: int`. With `granularity` "channel" the grid is one per output channel
    (dim 0). The harness keeps zeros zero and lets the gradient pass straight through.
    """

    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    @property
    def granularity(self) -> Literal["tensor", "channel"]:
        """Within what the number of distinct values is counted."""
        return "tensor"

    @abstractmethod
    def quantize(self, weight: "Tensor") -> "Tensor":
        """The weights on the grid, computed from `weight` alone: same shape and dtype."""

    def parametrization(self, weight: "Tensor") -> "nn.Module | None":
        """A module mapping float weights to quantized ones, where the quantizer has state to learn.

        None: the harness wraps `quantize` in the straight-through estimator.
        """
        return None


@dataclass(frozen=True)
class Regularizer:
    """Acts on the weights during training; each method does nothing unless overridden."""

    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    def after_backward(self, model: "nn.Module") -> None:
        """Called between backward and the optimizer's step: may change gradients."""

    def after_step(self, model: "nn.Module", lr: float) -> None:
        """Called after the optimizer's step of learning rate `lr`: may change weights."""


@dataclass(frozen=True)
class Model(ABC):
    """An architecture and the recipe that trains it."""

    recipe: ClassVar[Recipe]
    default_dataset: ClassVar[str] = "digits"
    """The data set on which `benchsuite info` counts its parameters and MACs."""
    expected_failures: ClassVar[Mapping[str, str]] = {}
    """Checks of the conformance kit that this plugin is known to fail, each with the reason."""

    @abstractmethod
    def build(self, data: DataInfo) -> "nn.Module":
        """A freshly initialised network for inputs (N, channels, height, width) of `data`."""

    def loss(self, outputs: "Tensor", labels: "Tensor") -> "Tensor":
        """The training loss, a scalar: mean cross-entropy of logits (N, classes)."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, labels)

    def training_recipe(self) -> Recipe:
        """The recipe for training from scratch; a subclass may let it depend on its fields."""
        return self.recipe

    def finetuning_recipe(self) -> Recipe:
        """The recipe for fine-tuning: the training recipe at a tenth of its rate, held constant."""
        recipe = self.training_recipe()
        return replace(recipe, lr=recipe.lr / 10, schedule="constant", milestones=())
