"""Latency of a forward pass."""

import time
from statistics import median

import torch
from torch import Tensor, nn

from benchsuite.metrics.evaluation import evaluating

FEWEST = 3


def latency_ms(model: nn.Module, example_input: Tensor, repeats: int = 20, budget_seconds: float = 0.05) -> float:
    """Median milliseconds of a forward pass on `example_input`, after one that is not counted.

    At most `repeats` passes and at least three; none is begun once `budget_seconds` are used.
    The device is synchronised before each reading of the clock.
    """

    def now() -> float:
        if example_input.is_cuda:
            torch.cuda.synchronize(example_input.device)
        return time.perf_counter()

    passes: list[float] = []
    with evaluating(model), torch.inference_mode():
        model(example_input)
        began = now()
        while len(passes) < FEWEST or (len(passes) < repeats and now() - began < budget_seconds):
            start = now()
            model(example_input)
            passes.append(now() - start)
    return 1000 * median(passes)
