"""The history of a training: a few numbers for each epoch."""

import torch
from torch import Tensor, nn

from benchsuite.chain import JSON
from benchsuite.metrics import batch_norms, sites
from benchsuite.store import Histogram

SMALL_SCALE = 1e-3
"""A BatchNorm scale below it counts as gone (Liu et al. 2017)."""
FEW_WEIGHTS = 16
"""Up to so many weights of a network are followed one by one."""
_DIGITS = 9


class History:
    """Collects `train_loss` and `train_accuracy` over the batches as they were trained on; where the network has
    BatchNorm, `bn_sparsity`, the share of its scales |γ| below 0.001; where it has at most 16 weights, `weights`.
    """

    def __init__(self, model: nn.Module) -> None:
        self.epochs: dict[str, list[JSON]] = {}
        self._scales = [norm.get_parameter("weight") for norm in batch_norms(model).values()]
        self._model = model if few_weights(model) else None
        self._batches: list[tuple[Tensor, Tensor | None, int]] = []

    def batch(self, loss: Tensor, outputs: Tensor, labels: Tensor) -> None:
        """Take note of a batch; waits for nothing."""
        classified = outputs.dim() > 1 and outputs.shape[1] > 1 and not labels.is_floating_point()
        correct = (outputs.detach().argmax(1) == labels).sum() if classified else None
        self._batches.append((loss.detach(), correct, len(labels)))

    def epoch(self) -> float:
        """End an epoch, and return the mean loss over its examples."""
        examples = sum(size for _, _, size in self._batches)
        mean = sum(float(loss) * size for loss, _, size in self._batches) / examples
        self._add("train_loss", mean)
        hits = [int(correct) for _, correct, _ in self._batches if correct is not None]
        if hits:
            self._add("train_accuracy", 100 * sum(hits) / examples)
        if self._scales:
            scales = torch.cat([scale.detach().flatten() for scale in self._scales]).abs()
            self._add("bn_sparsity", int((scales < SMALL_SCALE).count_nonzero()) / len(scales))
        if self._model is not None:
            self.epochs.setdefault("weights", []).append([_short(weight) for weight in solution(self._model)])
        self._batches.clear()
        return mean

    def _add(self, name: str, value: float) -> None:
        self.epochs.setdefault(name, []).append(_short(value))


def few_weights(model: nn.Module) -> bool:
    """Whether the network is so small that its weights are its result."""
    return sum(site.weight.numel() for site in sites(model).values()) <= FEW_WEIGHTS


def solution(model: nn.Module) -> tuple[float, ...]:
    """Return all weights that compression acts on, in order, as they are stored; a zero has no sign."""
    return tuple(float(weight) + 0.0 for site in sites(model).values() for weight in site.weight.detach().flatten())


def scale_histogram(model: nn.Module, bins: int = 40) -> Histogram:
    """Return the distribution of the BatchNorm scales |γ|, in equal bins from 0 to the largest."""
    scales = torch.cat([norm.get_parameter("weight").detach().flatten() for norm in batch_norms(model).values()]).abs()
    top = float(scales.max()) if bool(scales.isfinite().all()) and float(scales.max()) > 0 else 1.0
    counts = torch.histc(scales.cpu().float(), bins=bins, min=0, max=top)
    return Histogram(tuple(_short(top * bin / bins) for bin in range(bins + 1)), tuple(map(int, counts)))


def _short(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")
