"""The engine in a process of its own, within limits: what hangs, crashes or takes all memory costs its own cells."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from types import TracebackType
from typing import TYPE_CHECKING

from benchsuite.chain import Chain
from benchsuite.errors import ConfigError
from benchsuite.execution.limits import Limits
from benchsuite.execution.scheduler import Computer, OnEpoch
from benchsuite.execution.session import Session
from benchsuite.execution.settled import Settled
from benchsuite.execution.turns import Turns, needed
from benchsuite.isolation import AVAILABLE, Isolated, LostCallError, TimedOutError, tell
from benchsuite.plan import Board, Cell
from benchsuite.store import MACHINE, Failure, Record, Store

if TYPE_CHECKING:
    from benchsuite.execution.engine import Engine


@contextmanager
def computing(session: Session, limits: Limits | None = None) -> Iterator[Computer]:
    """Open the computer of the session's records: with limits a worker process, ended by the context; else its engine.

    Errors: ConfigError for limits where the system cannot hold a process to them.
    """
    if limits is None:
        from benchsuite.execution.denormals import flushing

        with flushing():
            yield session.engine
    elif AVAILABLE:
        with Worker(session, limits) as worker:
            yield worker
    else:
        raise ConfigError("this system cannot start workers: use --in-process")


class Worker:
    """Asks an engine in another process for one record at a time, and writes the records that it does not live to.

    The locks are held here: waiting for another run takes none of a record's time, and when the worker is lost nobody
    else has computed the record meanwhile.
    """

    def __init__(self, session: Session, limits: Limits) -> None:
        self.on_epoch: OnEpoch | None = None
        self._session = replace(session)  # without what it has opened
        self._limits = limits
        self._memory = limits.bytes()
        self._isolated = Isolated(_ready, self._session)

    def __enter__(self) -> "Worker":
        return self  # the process starts when something is asked of it, which may be never

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, at: TracebackType | None) -> None:
        self._isolated.close()

    @cached_property
    def _store(self) -> Store:
        store = Store(self._session.home)
        store.open()
        return store

    @cached_property
    def _settled(self) -> Settled:
        return Settled(self._store, self._session.rerun)

    @cached_property
    def _turns(self) -> Turns:
        return Turns(self._store, self._settled, self._computed)

    def stored(self, chain: Chain) -> Record | None:
        """Do as an engine."""
        return self._settled.get(chain)

    def preflight(self, board: Board, cells: Iterable[Cell]) -> None:
        """Do as an engine. Whatever the process dies of, the cells will meet again."""
        missing = [cell for cell in cells if self.stored(cell.chain) is None]
        if missing:
            with suppress(LostCallError):
                self._isolated.call(
                    _preflight, self._session, board, missing, timeout=self._limits.seconds(), memory=self._memory
                )

    def record(self, chain: Chain) -> Record:
        """Do as an engine: with what the chain builds on, each within limits of its own."""
        return self._turns.record(chain)

    def attempt(self, chain: Chain) -> Record | None:
        """Do as an engine."""
        return self._turns.attempt(chain)

    def _computed(self, chain: Chain) -> Record:
        draft: Record | None = None

        def hear(event: object) -> None:
            nonlocal draft
            if isinstance(event, Record):
                draft = event
            elif isinstance(event, _Epoch) and self.on_epoch:
                self.on_epoch(chain, event.number, event.of)

        try:
            return self._isolated.call(
                _record,
                self._session,
                chain,
                [record for link in needed(chain) if (record := self._settled.get(link))],
                timeout=self._limits.seconds(chain),
                memory=self._memory,
                on_event=hear,
            )
        except LostCallError as lost:
            cause = MACHINE if lost.by_machine else None
            failure = Failure(str(lost), lost.traceback or None, lost.output or None, cause)
            draft = draft or self._session.engine.draft(chain)  # its end came before its first word
            record = replace(draft, status="timeout" if isinstance(lost, TimedOutError) else "failed", error=failure)
            self._store.put(record, {})
            return record


@dataclass(frozen=True)
class _Epoch:
    """An epoch begins."""

    number: int
    of: int


@cache
def _engine(session: Session) -> "Engine":
    """The worker's one engine."""
    engine = session.engine
    engine.on_epoch = lambda _, number, of: tell(_Epoch(number, of))
    return engine


def _ready(session: Session) -> None:
    """Load the plugins, which takes longest; the store is opened when something is asked of it."""
    from benchsuite.execution.denormals import flush

    flush()
    assert session.registry


def _preflight(session: Session, board: Board, cells: Iterable[Cell]) -> None:
    _engine(session).preflight(board, cells)


def _record(session: Session, chain: Chain, settled: Iterable[Record]) -> Record:
    engine = _engine(session)
    engine.settled.trust(settled)
    tell(engine.draft(chain))
    return engine.compute(chain)
