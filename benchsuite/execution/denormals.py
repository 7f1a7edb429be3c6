"""While benchsuite computes, numbers below the smallest normal one (1.2e-38 in float32) count as zero.

An optimizer's moments decay to such numbers where gradients have ended, and a processor takes far longer over each: an
epoch of a wide MLP came to take twice its time. Beside a weight they are too small to count.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch


def flushed() -> bool:
    """Whether this thread counts them as zero."""
    return sys.float_info.min / 2 == 0.0


def flush() -> None:
    """From now on, in this thread and those that it starts; without effect on a processor that cannot."""
    torch.set_flush_denormal(True)


@contextmanager
def flushing() -> Iterator[None]:
    """Flush within the context; afterwards as before."""
    before = flushed()
    flush()
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
