"""Regularizers: penalties and projections that make weights sparse while a network trains."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchsuite import Regularizer, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn


def _weights(model: "nn.Module") -> "list[Tensor]":
    """What trains of the Linear and convolutional weights, as the optimizer holds it, not as masks leave it."""
    from benchsuite.metrics import prunable, trained_weight

    weights = map(trained_weight, prunable(model).values())
    return [weight for weight in weights if weight.requires_grad]


@dataclass(frozen=True)
class Unregularized(Regularizer):
    """None: plain training, for boards that compare regularizers with it."""


@dataclass(frozen=True)
class _Penalty(Regularizer):
    """A penalty λ · Σ|·|."""

    strength: float
    """λ of the penalty."""

    def __post_init__(self) -> None:
        if not 0 <= self.strength < float("inf"):
            raise ValueError(f"strength must be a finite number of at least 0, not {self.strength}")


@dataclass(frozen=True)
class L1(_Penalty):
    """L1 by subgradient: λ · sign(w) is added to the gradient of each weight."""

    def after_backward(self, model: "nn.Module") -> None:
        for weight in _weights(model):
            _add_sign(weight, self.strength)


@dataclass(frozen=True)
class BatchNormL1(_Penalty):
    """L1 on the BatchNorm scales γ: λ · sign(γ) is added to their gradients (Liu et al. 2017, network slimming)."""

    def after_backward(self, model: "nn.Module") -> None:
        from benchsuite.metrics import batch_norms

        for norm in batch_norms(model).values():
            _add_sign(norm.get_parameter("weight"), self.strength)


@dataclass(frozen=True)
class L1Prox(_Penalty):
    """L1 by proximal steps: after each step every weight is soft-thresholded by lr · λ (ISTA)."""

    def after_step(self, model: "nn.Module", lr: float) -> None:
        import torch

        with torch.no_grad():
            for weight in _weights(model):
                weight.copy_(_soft(weight, lr * self.strength))


@dataclass(frozen=True)
class TrimmedL1Prox(_Penalty):
    """Trimmed L1 by proximal steps: soft-thresholds all but the k largest weights of each layer (Yun et al. 2019)."""

    k: int = 1
    """Weights of each layer that are free of the penalty."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_count(self.k)

    def after_step(self, model: "nn.Module", lr: float) -> None:
        import torch

        with torch.no_grad():
            for weight in _weights(model):
                weight.copy_(torch.where(_largest(weight, self.k), weight, _soft(weight, lr * self.strength)))


@dataclass(frozen=True)
class L0Projection(Regularizer):
    """L0 by projection: after each step only the k largest weights of each layer stay (iterative hard thresholding)."""

    k: int
    """Weights of each layer that stay."""

    def __post_init__(self) -> None:
        _require_count(self.k)

    def after_step(self, model: "nn.Module", lr: float) -> None:
        import torch

        with torch.no_grad():
            for weight in _weights(model):
                weight.masked_fill_(~_largest(weight, self.k), 0.0)


def _require_count(k: int) -> None:
    if k < 1:
        raise ValueError(f"k must be at least 1, not {k}")


def _add_sign(parameter: "Tensor", strength: float) -> None:
    if parameter.grad is not None:
        parameter.grad.add_(parameter.detach().sign(), alpha=strength)


def _soft(weight: "Tensor", threshold: float) -> "Tensor":
    """Soft-thresholding: sign(w) · max(|w| − t, 0), the proximal operator of t · Σ|w|."""
    return weight.sign() * (weight.abs() - threshold).clamp(min=0)


def _largest(weight: "Tensor", k: int) -> "Tensor":
    """Where the k largest magnitudes are; of equals the lower index."""
    import torch

    order = weight.detach().abs().flatten().argsort(descending=True, stable=True)
    largest = torch.zeros(weight.numel(), dtype=torch.bool, device=weight.device)
    largest[order[:k]] = True
    return largest.view(weight.shape)


@hookimpl
def benchsuite_regularizers() -> Mapping[str, type[Regularizer]]:
    return {
        "none": Unregularized,
        "l1": L1,
        "l1-prox": L1Prox,
        "trimmed-l1-prox": TrimmedL1Prox,
        "l0-projection": L0Projection,
        "bn-l1": BatchNormL1,
    }
