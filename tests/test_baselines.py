"""The committed results: as a run wrote them, and of the boards and plugins as they are now."""

from pathlib import Path

import pytest

from benchsuite.execution.parents import faults_of_checkpoints
from benchsuite.execution.session import Session
from benchsuite.plan import plan
from benchsuite.registry import default_registry
from benchsuite.store.verify import read_verified

BASELINES = Path(__file__).parents[1] / "baselines"


@pytest.mark.parametrize("path", sorted(BASELINES.glob("*.jsonl")), ids=lambda path: path.stem)
def test_the_records_are_those_that_a_run_would_make_now(path):
    records = read_verified(path, path.stem)
    fingerprints = {record.provenance["data"]["fingerprint"] for record in records}
    assert len(fingerprints) == 1
    planned = plan(Session().board(path.stem), default_registry(), lambda _: fingerprints.copy().pop())
    assert {record.key for record in records} == {cell.key for cell in planned.cells}


def test_the_committed_networks_are_those_of_the_records():
    assert list(faults_of_checkpoints(BASELINES)) == []
