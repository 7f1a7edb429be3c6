"""Networks that diverged: NaN and infinite weights are found after each step, before anything is counted or ranked."""

from collections.abc import Iterator
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from benchsuite.errors import DivergedError
from benchsuite.metrics import parameters

_BEHIND = (".parametrizations", ".original")
"""What the name of a weight has more, where it is behind a mask or a quantization."""
_STATISTICS = ("running_mean", "running_var")
"""Buffers that training changes. Others may hold infinity for a reason, such as the mask of an attention."""


def check_finite(model: nn.Module) -> None:
    """Errors: DivergedError if a weight, a bias or a running statistic is NaN or infinite."""
    name = not_finite(model)
    if name:
        raise DivergedError(f"diverged: {name} holds NaN or infinity; a lower learning rate may help")


def not_finite(model: nn.Module) -> str | None:
    """The first tensor of the model that holds NaN or infinity, as trained or as it acts; None if all are finite."""
    with torch.no_grad():
        for name, tensor in chain(_trained(model), _effective(model)):
            if not bool(tensor.isfinite().all()):
                return name
    return None


def _trained(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The parameters and running statistics themselves: a quantizer may refuse to act on such that are not finite."""
    for name, parameter in model.named_parameters():
        for part in _BEHIND:
            name = name.replace(part, "")
        yield name, parameter
    for name, buffer in model.named_buffers():
        if name.rpartition(".")[2] in _STATISTICS:
            yield name, buffer


def _effective(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The parameters as they act, where that is another thing."""
    if any(parametrize.is_parametrized(module) for module in model.modules()):
        yield from parameters(model).items()
