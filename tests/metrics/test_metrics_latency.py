"""Latency stops when its budget is used."""

import pytest
import torch
from torch import nn

from benchsuite.metrics import latency_ms


@pytest.mark.parametrize(("repeats", "budget", "passes"), [(20, 0.0, 3), (5, 60.0, 5), (1, 60.0, 3)])
def test_passes_are_bounded_below_and_above(repeats, budget, passes):
    model = nn.Linear(4, 4).train()
    calls = []
    model.register_forward_hook(lambda module, *_: calls.append(module.training))
    assert latency_ms(model, torch.zeros(1, 4), repeats, budget) > 0
    assert calls == [False] * (passes + 1)
    assert model.training
