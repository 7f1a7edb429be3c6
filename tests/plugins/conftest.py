"""A context such as the harness gives to pruners."""

import copy
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn

from benchsuite import PruneContext

MakeContext = Callable[..., PruneContext]


@pytest.fixture
def make_context() -> MakeContext:
    def make(
        seed: int = 0, model: nn.Module | None = None, batches: Sequence[tuple[Tensor, Tensor]] = ()
    ) -> PruneContext:
        network = model or nn.Identity()
        return PruneContext(
            torch.Generator().manual_seed(seed),
            lambda: iter(batches),
            lambda: copy.deepcopy(network),
            nn.functional.cross_entropy,
            torch.device("cpu"),
        )

    return make
