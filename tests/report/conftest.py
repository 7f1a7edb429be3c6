"""Fixtures of the pages' tests."""

import pytest
from make_line import make as make_line


@pytest.fixture
def make():
    """`make(line, seed, …)`: the function of `make_line`."""
    return make_line
