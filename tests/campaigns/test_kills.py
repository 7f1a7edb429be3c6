"""A sample of the campaign of kills: one signal to each process of a run."""

import signal
from pathlib import Path

import pytest
from kills import Kill, Place, faults, undisturbed


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    records, _ = undisturbed(tmp_path_factory.mktemp("undisturbed"))
    return records


@pytest.mark.parametrize(
    "kill",
    [
        Kill(signal.SIGTERM, "command", 0.5),
        Kill(signal.SIGKILL, "worker", 0.5),
        Kill(signal.SIGKILL, "server", 0.1),
        Kill(signal.SIGKILL, "group", 0.2),
    ],
    ids=lambda kill: f"{kill.signal.name} to the {kill.target}",
)
def test_after_a_kill_the_next_run_completes_and_nothing_is_left(tmp_path: Path, expected, kill):
    _, told = faults(Place(tmp_path), kill, expected)
    assert told == []
