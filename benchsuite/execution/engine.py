"""Computation of the record of a chain: runs what the store does not hold yet, each shared beginning once."""

import time
import traceback
from collections import OrderedDict
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import replace

import safetensors.torch
import torch
from torch import Tensor

from benchsuite.chain import Chain, Prune
from benchsuite.errors import BenchsuiteError, DataError, StoreError
from benchsuite.execution.causes import cause
from benchsuite.execution.checkpoint import distinct_state, with_tied
from benchsuite.execution.data import DataSource
from benchsuite.execution.guard import seeded
from benchsuite.execution.history import scale_histogram
from benchsuite.execution.measuring import Measurer, latency
from benchsuite.execution.preflight import preflight
from benchsuite.execution.provenance import provenance
from benchsuite.execution.scheduler import OnEpoch
from benchsuite.execution.settled import Rerun, Settled
from benchsuite.execution.steps import State, Steps
from benchsuite.execution.turns import Turns
from benchsuite.isolation import printed
from benchsuite.metrics import batch_norms, dense_bytes
from benchsuite.plan import Board, Cell
from benchsuite.registry import Registry
from benchsuite.store import MACHINE, MODEL, Failure, Record, Store

_REMOVAL = "channels kept at removal "
"""How the names of tensors begin that say which channels were kept; no module's name has a space."""
_MODELS_KEPT = 8
_SECONDS_DECIMALS = 3


class _UnmetError(Exception):
    """A chain that this one builds on did not succeed."""

    def __init__(self, chain: Chain, record: Record) -> None:
        reason = record.error.reason if record.error else None
        became = "failed" if record.status == "failed" else f"was {record.status}"
        by = None if record.is_final else MACHINE
        self.failure = Failure(f"builds on {chain.key}, which {became}: {reason}", cause=by)


class Engine:
    """Computes chains on one device, reading and filling one store."""

    def __init__(
        self, registry: Registry, store: Store, data: DataSource, device: torch.device, rerun: Rerun = "never"
    ) -> None:
        self.steps = Steps(registry, data, device)
        self._registry = registry
        self._store = store
        self._data = data
        self._device = device
        self.settled = Settled(store, rerun)
        self._turns = Turns(store, self.settled, self.compute)
        self._recent: OrderedDict[str, State] = OrderedDict()
        self._measurer = Measurer()

    @property
    def on_epoch(self) -> OnEpoch | None:
        """The listener to the epochs of trainings that begin."""
        return self.steps.on_epoch

    @on_epoch.setter
    def on_epoch(self, listener: OnEpoch | None) -> None:
        self.steps.on_epoch = listener

    def stored(self, chain: Chain) -> Record | None:
        """Return the record that a run would take over: of this run, or of the store as `rerun` says."""
        return self.settled.get(chain)

    def preflight(self, board: Board, cells: Iterable[Cell]) -> None:
        """Try what can be tried of the cells that are not stored. Errors: ConfigError, DataError."""
        preflight(board, [cell for cell in cells if self.stored(cell.chain) is None], self.steps, self._data)

    def record(self, chain: Chain) -> Record:
        """Return the record of the chain, computed if need be. A failure is a record, too.

        Errors: DataError and StoreError, which concern more than this chain.
        """
        return self._turns.record(chain)

    def attempt(self, chain: Chain) -> Record | None:
        """Return the same, but None where another process computes it or what it builds on."""
        return self._turns.attempt(chain)

    def compute(self, chain: Chain) -> Record:
        """Compute and store the record of the chain, whose lock is held. Errors: as of `record`."""
        record, files = self._compute(chain)
        self._store.put(record, files)
        self.settled.add(record)
        return record

    def draft(self, chain: Chain) -> Record:
        """Return the record of the chain before anything has succeeded."""
        return Record(chain, "failed", provenance(chain, self._registry, self._device))

    def _compute(self, chain: Chain) -> tuple[Record, dict[str, bytes]]:
        started = time.perf_counter()
        draft = self.draft(chain)
        try:
            state = self._advance(chain)
            record, files = self._measured(draft, state)
        except _UnmetError as unmet:
            return replace(draft, status="skipped", error=unmet.failure), {}
        except (DataError, StoreError):
            raise
        except (Exception, SystemExit) as error:  # whatever a plugin raises costs its own cells and no others
            return replace(draft, error=_failure(error)), {}
        cost = replace(
            record.cost,
            epochs=sum(step.epochs_trained for step in chain.steps),
            seconds=round(time.perf_counter() - started, _SECONDS_DECIMALS),
            train_seconds=round(state.train_seconds, _SECONDS_DECIMALS),
        )
        return replace(record, cost=cost), files

    def _measured(self, draft: Record, state: State) -> tuple[Record, dict[str, bytes]]:
        chain = draft.chain
        test = self._data.examples(chain.training.dataset, "test")
        quantizers = self.steps.quantizers(chain, state.model)
        architecture = self.steps.architecture(chain)
        dense = dense_bytes(self.steps.build(chain)) if state.removals else None
        with seeded(chain.random_stream()):
            metrics, layers = self._measurer.measure(state.model, architecture, test, quantizers, dense)
        metrics = replace(metrics, audit=state.facts or None)
        files: dict[str, bytes] = {}
        if chain.step.epochs_trained:
            if batch_norms(state.model):
                metrics = replace(metrics, bn_scales=scale_histogram(state.model))
            tensors = {  # copies, since the format refuses views of one tensor
                name: tensor.cpu().clone(memory_format=torch.contiguous_format)
                for name, tensor in distinct_state(state.model).items()
            }
            for number, kept in enumerate(state.removals):
                tensors |= {f"{_REMOVAL}{number}.{layer}": mask for layer, mask in kept.items()}
            files[MODEL] = safetensors.torch.save(tensors)
        cost = latency(state.model, test, sum(layer.macs for layer in layers))
        history = {name: tuple(epochs) for name, epochs in state.history.items()}
        return replace(draft, status="ok", metrics=metrics, layers=layers, history=history, cost=cost), files

    def _advance(self, chain: Chain) -> State:
        """Run the last step on a copy of the state before it."""
        state = deepcopy(self._state(chain.parent)) if chain.parent else State(self.steps.build(chain))
        step = chain.step
        reference = step.matched_to if isinstance(step, Prune) else None
        self.steps.run(chain, state, self._required(reference).layers if isinstance(reference, Chain) else None)
        self._remember(chain, state)
        return state

    def _state(self, chain: Chain) -> State:
        """Return the network after the chain; not to be changed."""
        if chain.step.epochs_trained:
            record = self._required(chain)
            if chain.key not in self._recent:
                self._remember(chain, self._load(chain, record))
        elif chain.key not in self._recent:
            self._advance(chain)
        self._recent.move_to_end(chain.key)
        return self._recent[chain.key]

    def _required(self, chain: Chain) -> Record:
        record = self.record(chain)
        if record.status != "ok":
            raise _UnmetError(chain, record)
        return record

    def _load(self, chain: Chain, record: Record) -> State:
        path = self._store.file(chain.key, MODEL)
        if path is None:  # broken, and by now set aside: trained again
            self.settled.drop(chain)
            record = self._required(chain)
            if chain.key in self._recent:
                return self._recent[chain.key]
            path = self._store.file(chain.key, MODEL)  # or another process was first to train it
            if path is None:
                raise StoreError(f"the model of {chain.key} vanished from the store: run again")
        tensors = safetensors.torch.load_file(path, device=str(self._device))
        removals: list[dict[str, Tensor]] = [{} for step in chain.steps if isinstance(step, Prune) and step.physical]
        for name in [name for name in tensors if name.startswith(_REMOVAL)]:
            number, _, layer = name.removeprefix(_REMOVAL).partition(".")
            removals[int(number)][layer] = tensors.pop(name).cpu()
        model = self.steps.rebuild(chain, removals)
        model.load_state_dict(with_tied(model, tensors))
        facts = dict(record.metrics.audit or {})
        return State(model, facts, list(removals), train_seconds=record.cost.train_seconds or 0.0)

    def _remember(self, chain: Chain, state: State) -> None:
        self._recent[chain.key] = state
        while len(self._recent) > _MODELS_KEPT:
            self._recent.popitem(last=False)


def _failure(error: BaseException) -> Failure:
    try:
        reason = str(error) if isinstance(error, BenchsuiteError) else f"{type(error).__name__}: {error}"
    except Exception:  # of the error's own making
        reason = type(error).__name__
    return Failure(reason, "".join(traceback.format_exception(error)), printed() or None, cause(error))
