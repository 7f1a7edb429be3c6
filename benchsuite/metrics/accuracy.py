"""Accuracy and loss on labelled batches, and per-example correctness as packed bits."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchsuite.errors import DataError
from benchsuite.metrics.evaluation import evaluating


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a model did on a data set."""

    correct: Tensor
    """Bool (N,), on the CPU, in the order of the examples."""
    loss: float
    """Mean over the examples; may be nan or inf."""
    diverged: int = 0
    """How many examples have an output that is NaN or infinite; none of them is correct."""

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy in percent: (number correct) / (number of examples)."""
        return 100 * int(self.correct.sum()) / len(self.correct)


def evaluate(
    model: nn.Module, loss: Callable[[Tensor, Tensor], Tensor], batches: Iterable[tuple[Tensor, Tensor]]
) -> Evaluation:
    """Run `model` over the batches in evaluation mode; its training mode is restored.

    loss: (outputs, labels) to the mean over the batch. batches: (inputs, labels) on the model's device, of any sizes.
    The predicted class is the largest output; a single output predicts the positive class where it is above 0,
    for labels 0/1 and ±1 alike. An example with a NaN or infinite output is wrong, whatever its label.
    Nothing waits for the device before the last batch.
    Errors: DataError if there is no example.
    """
    losses: list[Tensor] = []
    correct: list[Tensor] = []
    finite: list[Tensor] = []
    with evaluating(model), torch.inference_mode():
        for inputs, labels in batches:
            outputs = model(inputs)
            losses.append(_mean_loss(loss, outputs, labels))
            finite.append((outputs if outputs.dim() > 1 else outputs[:, None]).flatten(1).isfinite().all(1))
            if outputs.shape[1:].numel() == 1:
                right = (outputs.reshape(-1) > 0) == (labels.reshape(-1) > 0)
            else:
                right = outputs.argmax(1) == labels
            correct.append(right & finite[-1])
    sizes = torch.tensor([len(part) for part in correct], dtype=torch.float64)
    if not sizes.sum():
        raise DataError("there is no example to evaluate on: the data set is empty")
    mean = torch.stack(losses).cpu() @ sizes / sizes.sum()
    return Evaluation(torch.cat(correct).cpu(), float(mean), int((~torch.cat(finite)).count_nonzero()))


def _mean_loss(loss: Callable[[Tensor, Tensor], Tensor], outputs: Tensor, labels: Tensor) -> Tensor:
    """The loss in float64; nan where it refuses outputs that are not finite, as binary cross-entropy does."""
    try:
        return loss(outputs, labels).double()
    except Exception:
        if bool(outputs.isfinite().all()):
            raise
        return outputs.new_full((), torch.nan, dtype=torch.float64)


def pack_bits(correct: Tensor) -> bytes:
    """A bool tensor (N,) as ceil(N / 8) bytes, the first example in the highest bit."""
    return np.packbits(correct.cpu().numpy()).tobytes()
