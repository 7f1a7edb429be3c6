"""Runs that share a store: each chain is computed by one of them, and no run waits while there is something to do."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from make_record import make_record
from tiny_board import engine_at, plan_rows, registry_with

from benchsuite.chain import Chain
from benchsuite.execution.causes import cause
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.settled import Settled
from benchsuite.execution.turns import Turns
from benchsuite.plan import Plan
from benchsuite.store import MACHINE, Failure, Record, Store

TUNED = {"steps": [{"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}], "control": False}
PRUNED = {"steps": [{"prune": "percentile", "sparsity": 0.8}], "control": False}


@pytest.fixture
def planned() -> Plan:
    return plan_rows(registry_with(), TUNED, PRUNED)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path)
    store.open()
    return store


def result(chain: Chain) -> Record:
    """Return the record of a chain that succeeded."""
    return replace(make_record(), chain=chain)


def row(planned: Plan, method_setting: str) -> Chain:
    (chain,) = [cell.chain for cell in planned.cells if cell.role == "row" and method_setting in cell.setting]
    return chain


@contextmanager
def held_elsewhere(store: Store, key: str) -> Iterator[None]:
    """As by another process."""
    file = os.open(store.home / "locks" / f"{key}.lock", os.O_CREAT | os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)


def test_what_a_chain_builds_on_comes_first_and_each_is_computed_once(planned: Plan, store: Store):
    computed: list[str] = []

    def compute(chain: Chain) -> Record:
        computed.append(chain.key)
        return result(chain)

    turns = Turns(store, Settled(store, "never"), compute)
    tuned = row(planned, "sparsity 0.5")
    for _ in range(2):
        assert turns.record(tuned).key == tuned.key
    assert computed == [tuned.root.key, tuned.key]


def test_what_another_run_computes_is_not_waited_for(planned: Plan, store: Store):
    turns = Turns(store, Settled(store, "never"), result)
    tuned = row(planned, "sparsity 0.5")
    for key in (tuned.root.key, tuned.key):
        with held_elsewhere(store, key):
            assert turns.attempt(tuned) is None
    record = turns.attempt(tuned)
    assert record is not None
    assert record.status == "ok"


@pytest.mark.parametrize("rerun", ["never", "failed"])
def test_the_record_that_appears_while_a_run_waits_is_taken(planned: Plan, store: Store, rerun):
    dense = row(planned, "sparsity 0.5").root
    turns = Turns(store, Settled(store, rerun), lambda chain: pytest.fail("computed twice"))
    found: list[Record] = []
    with held_elsewhere(store, dense.key):
        waiting = threading.Thread(target=lambda: found.append(turns.record(dense)))
        waiting.start()
        store.put(result(dense), {})
    waiting.join(60)
    assert [one.status for one in found] == ["ok"]


@pytest.mark.parametrize(
    ("error", "computed"),
    [(Failure("ValueError: no"), False), (Failure("killed", cause=MACHINE), True)],
    ids=["the plugin", "the machine"],
)
def test_a_failure_sticks_where_it_is_the_plugins(planned: Plan, store: Store, error, computed):
    dense = row(planned, "sparsity 0.5").root
    store.put(replace(result(dense), status="failed", error=error), {})
    turns = Turns(store, Settled(store, "never"), result)
    assert turns.record(dense).status == ("ok" if computed else "failed")


def test_a_cell_that_another_run_has_in_hand_is_left_for_later(planned: Plan, tmp_path: Path):
    engine = engine_at(registry_with(), tmp_path)
    rows = [cell for cell in planned.cells if cell.role == "row"]
    order: list[str] = []
    store = Store(tmp_path)
    dense = rows[0].chain.root
    engine.record(dense)
    outcomes = run_cells(planned.board, planned.cells, engine, lambda cell: None)
    with held_elsewhere(store, rows[0].key):
        order += [next(outcomes).cell.key for _ in range(len(planned.cells) - 1)]
    order += [outcome.cell.key for outcome in outcomes]
    assert order[-1] == rows[0].key
    assert sorted(order) == sorted(cell.key for cell in planned.cells)


def test_what_builds_on_a_loss_is_as_little_final(planned: Plan, tmp_path: Path):
    engine = engine_at(registry_with(), tmp_path)
    pruned = row(planned, "sparsity 0.8")
    lost = replace(engine.draft(pruned.root), error=Failure("its process was killed", cause=MACHINE))
    engine.settled.add(lost)
    record = engine.record(pruned)
    assert (record.status, record.is_final) == ("skipped", False)
    again = engine_at(registry_with(), tmp_path)
    assert again.record(pruned).status == "ok"


def raised_from(error: BaseException) -> BaseException:
    outer = ValueError("no mask")
    outer.__cause__ = error
    return outer


@pytest.mark.parametrize(
    ("error", "by_machine"),
    [
        (ValueError("no"), False),
        (OSError("the moon is full"), False),
        (FileNotFoundError(2, "No such file"), False),
        (OSError(28, "No space left on device"), True),
        (OSError(24, "Too many open files"), True),
        (MemoryError(), True),
        (
            RuntimeError("[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
            True,
        ),
        (RuntimeError("can't start new thread"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (raised_from(MemoryError()), True),
        (raised_from(KeyError("a")), False),
        (SystemExit(1), False),
    ],
    ids=repr,
)
def test_the_cause_is_the_machine_where_it_lacked_something(error, by_machine):
    assert cause(error) == (MACHINE if by_machine else None)
