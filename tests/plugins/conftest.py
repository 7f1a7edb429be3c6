"""What several tests of plugins need: no network, a home."""

import urllib.request
from pathlib import Path
from urllib.error import URLError

import pytest


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
