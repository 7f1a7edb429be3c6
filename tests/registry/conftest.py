"""What every test of the registry needs: a plugin's source, and the first-party plugins out of the way."""

import pytest

PRUNERS = '''
from dataclasses import dataclass

from benchsuite import Pruner, hookimpl


@dataclass(frozen=True)
class Some(Pruner):
    """Keep some weights.

    More about it.
    """

    sparsity: float = 0.5
    """How many go."""

    def masks(self, layers, context):
        return {}


@hookimpl
def benchsuite_pruners():
    return {"some": Some}
'''


@pytest.fixture
def pruners() -> str:
    """The source of a plugin that registers the pruner "some"."""
    return PRUNERS


@pytest.fixture(autouse=True)
def _only_installed_by_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCHSUITE_BLOCK", "benchsuite")
