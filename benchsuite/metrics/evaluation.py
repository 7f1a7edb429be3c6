"""The state in which a model is measured."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.utils import parametrize


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Evaluation mode, parametrized weights computed once; afterwards each module is in its own mode again."""
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        with parametrize.cached():
            yield
    finally:
        for module in training:
            module.training = True
