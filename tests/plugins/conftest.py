"""What several tests of plugins need: a context as the harness gives it, real data, no network, a home."""

import copy
import os
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.error import URLError

import pytest
import torch
from torch import Tensor, nn

from benchsuite import PruneContext

DATA = Path(os.environ.get("BENCHSUITE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))

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


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """The path of a real file or folder; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"{name} is not in {DATA}: set BENCHSUITE_TEST_DATA")
        return DATA / name

    return find


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every download fails at once."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError("there is no network")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty BENCHSUITE_HOME."""
    monkeypatch.setenv("BENCHSUITE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"
