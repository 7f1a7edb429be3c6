"""Numbers below the smallest normal one are zero while something is computed, and only then."""

import pytest
import torch

from benchsuite.execution.denormals import flush, flushed, flushing
from benchsuite.execution.session import Session
from benchsuite.execution.worker import computing
from benchsuite.isolation import Isolated

with flushing():
    pytestmark = pytest.mark.skipif(not flushed(), reason="this processor keeps denormals")

MANY = 1_000_000


def kept() -> int:
    """How many of many denormals come through a multiplication by one that two threads share."""
    torch.set_num_threads(2)
    denormals = torch.ones(MANY, dtype=torch.int32).view(torch.float32)
    return int((denormals * torch.ones(MANY)).view(torch.int32).count_nonzero())


def test_they_are_zero_within_the_context():
    assert not flushed()
    with flushing():
        assert flushed()
        with flushing():
            pass
        assert flushed()
    assert not flushed()


def test_they_are_zero_in_all_threads_of_a_process():
    with Isolated(flush) as isolated:
        assert isolated.call(kept) == 0
    with Isolated() as isolated:
        assert isolated.call(kept) == MANY


def test_what_computes_in_this_process_leaves_it_as_it_was(tmp_path):
    with computing(Session(home=tmp_path)):
        assert flushed()
    assert not flushed()
