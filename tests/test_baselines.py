"""The committed results: as a run wrote them, and of the boards and plugins as they are now."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from benchsuite.execution.parents import faults_of_checkpoints
from benchsuite.execution.session import Session
from benchsuite.plan import plan
from benchsuite.registry import default_registry
from benchsuite.registry.equal_sources import EARLIER
from benchsuite.registry.kinds import KINDS
from benchsuite.registry.provenance import source_digest
from benchsuite.store.integrity import read_verified

ROOT = Path(__file__).parents[1]
BASELINES = ROOT / "baselines"
BOARDS = (ROOT / "docs" / "boards.md").read_text(encoding="utf-8")
NOT_RUN = re.compile(r"Not run yet: ([^.]*)\.")


def not_run(board: str) -> list[str]:
    """The models and rows, as patterns, that the board's description says have no results yet."""
    section = BOARDS.partition(f"### `{board}`\n")[2].partition("\n#")[0]
    return [pattern for told in NOT_RUN.findall(section) for pattern in re.findall(r"`([^`]+)`", told)]


@pytest.mark.parametrize("path", sorted(BASELINES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_records_are_those_that_a_run_would_make_now(path):
    records = read_verified(path, path.stem)
    fingerprints = {record.provenance.data.fingerprint for record in records}
    assert len(fingerprints) == 1
    planned = plan(Session().board(path.stem), default_registry(), lambda _: fingerprints.copy().pop())
    names = {one.key: (one.chain.training.model.name, f"{one.method} {one.setting}") for one in planned.cells}
    missing = {
        pattern: {key for key, told in names.items() if any(fnmatchcase(name, pattern) for name in told)}
        for pattern in not_run(path.stem)
    }
    assert all(missing.values())
    assert {record.key for record in records} == names.keys() - set().union(*missing.values())


def test_the_committed_networks_are_those_of_the_records():
    assert list(faults_of_checkpoints(BASELINES)) == []


def test_each_source_declared_equal_is_one_that_there_is():
    registry = default_registry()
    factories = [entry.factory for kind in KINDS for entry in registry.entries(kind)]
    assert set(EARLIER.values()) <= set(map(source_digest, factories))
