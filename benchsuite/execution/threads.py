"""How many threads a piece of work is worth."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

_MACS_WORTH_A_THREAD = 10_000_000
"""Half a millisecond. Below it a second thread saves little, and on a busy machine the wait for it costs far more."""


@contextmanager
def fitting_threads(macs: float) -> Iterator[None]:
    """One thread for work so small that more would wait for each other; macs: of one forward pass."""
    threads = torch.get_num_threads()
    if macs < _MACS_WORTH_A_THREAD:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
