"""The functions for notebooks and other tools: on any network with Linear or convolutional layers."""

import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from itertools import chain
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchsuite.api import ChannelPruner, PruneContext, Pruner, Quantizer
from benchsuite.arguments import (
    Batches,
    check_example,
    check_model,
    check_name,
    check_options,
    check_plugin,
    check_pruning,
    failing_on,
    names,
    pairs,
    seeds_of,
)
from benchsuite.errors import ConfigError
from benchsuite.execution import decide
from benchsuite.execution.adopted import adopt
from benchsuite.execution.channels import remove_channels
from benchsuite.execution.committed import Committed, default_baselines
from benchsuite.execution.compress import add_masks, fold, weights_of
from benchsuite.execution.limits import Limits
from benchsuite.execution.measuring import bits_of, verify_grids
from benchsuite.execution.results import uncovered
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session, filtered
from benchsuite.execution.worker import computing
from benchsuite.metrics import mark_grid, measure_model
from benchsuite.metrics.counts import coverage
from benchsuite.metrics.covered import too_little
from benchsuite.metrics.evaluation import evaluating
from benchsuite.metrics.layers import check_weights, own_modules
from benchsuite.registry import Kind, default_registry
from benchsuite.sites import site
from benchsuite.store import Record, Store

_SKIP = 'layers to leave alone, such as ["first", "last"] or names of modules'
_ONLY = 'filters, such as ["pruner=neff-*"]'
_ADD = (
    'registered names, such as ["unit"] or ["unit[sparsity=0.6]"]; a plugin that no installed distribution registers '
    "goes to prune or quantize, and `benchsuite new` writes a distribution for it"
)


def get(kind: Kind, name: str = "", **fields: object) -> object:
    """Return the configured plugin of that kind and name. Errors: ConfigError with the nearest valid name."""
    registry = default_registry()
    return registry.get(kind, check_name(kind, name, registry)).create(fields)


def prune(
    model: nn.Module,
    pruner: str | Pruner | ChannelPruner,
    *,
    skip: str | Sequence[str] | None = None,
    seed: int = 0,
    batches: Batches | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    example_input: Tensor | None = None,
    **fields: object,
) -> nn.Module:
    """Return a pruned copy of the model: plain modules with zeros in place, or smaller ones where channels are removed.

    The model itself is not changed.

    pruner: a registered name with its `fields`, or a configured plugin. skip: layers to leave alone, "first",
    "last" or names; by default what the pruner says. batches, loss: for data-driven pruners, pairs of inputs and
    labels on the model's device. example_input: for pruners that remove channels, a batch of one or more inputs.
    Errors: ConfigError for an unknown name, field or layer; PluginError if the pruner breaks its contract.
    """
    check_model(model)
    check_pruning(seed, loss)
    method = _configured("pruner", pruner, fields)
    assert isinstance(method, Pruner | ChannelPruner), "checked"
    pruned = _plain(model)
    plain = deepcopy(pruned)
    device = next(chain(model.parameters(), [torch.empty(0)])).device

    def training_batches() -> Iterator[tuple[Tensor, Tensor]]:
        if batches is None:
            raise ConfigError(f"{type(method).__name__} looks at data: give batches=[(inputs, labels), …]")
        return pairs(batches)

    context = PruneContext(
        generator=torch.Generator().manual_seed(seed),
        batches=training_batches,
        copy_model=lambda: deepcopy(plain),
        loss=loss,
        device=device,
    )
    skipped = method.skip if skip is None else names("skip", skip, _SKIP)
    if isinstance(method, ChannelPruner):
        if example_input is None:
            raise ConfigError(f"{type(method).__name__} removes channels: give example_input=, a batch of inputs")
        example = check_example(example_input)[:1]
        with failing_on(example), evaluating(pruned), torch.no_grad():
            pruned(example)
        remove_channels(pruned, method, skipped, example, context)
        return pruned
    masks, _ = decide.decide(pruned, method, skipped, context)
    add_masks(pruned, masks, method)
    return fold(pruned)


def quantize(
    model: nn.Module, quantizer: str | Quantizer, *, skip: str | Sequence[str] = (), **fields: object
) -> nn.Module:
    """Return a copy of the model that holds the quantized values themselves; zeros stay zero.

    `measure` counts the bits of its weights as long as these are left on the grid, also in copies of the model, in
    another dtype or pruned; in another model that only loads its state dict it counts those of the dtype.
    Errors: ConfigError for an unknown name, field or layer; PluginError if the quantizer breaks its contract or
    changes no weight.
    """
    check_model(model)
    method = _configured("quantizer", quantizer, fields)
    assert isinstance(method, Quantizer), "checked"
    quantized = _plain(model)
    skipped = names("skip", skip, _SKIP)
    decide.quantize(quantized, method, skipped)
    plain = fold(quantized)
    weights = weights_of(plain, skipped, copies=False)
    verify_grids(weights, dict.fromkeys(weights, method))
    for name in weights:
        place = site(plain, name)
        mark_grid(place.module, bits_of(method), place.parameter)
    return plain


def measure(model: nn.Module, example_input: Tensor) -> dict[str, int | float]:
    """Return the metrics that need no data: sparsity, parameters, MACs, bits, bytes, compression and the share covered.

    `covered` is the share of the weights that compression can reach; `sparsity` is over these alone.
    `bits_per_weight` is the mean over the weights: the bits that `quantize` left, else those of the dtype, 16 in bf16.
    The scales of a grid are not among them, but in `size_bytes`. `compression` is against the network in float32.
    example_input: a batch of one or more inputs, on the model's device; MACs are per example.
    """
    check_model(model)
    example = check_example(example_input)
    with failing_on(example):
        counts, _ = measure_model(model, example)
    return counts


def run(
    board: str | Path | Mapping[str, object],
    *,
    seeds: Iterable[int] | None = None,
    only: str | Sequence[str] = (),
    add: str | Sequence[str] = (),
    baselines: str | Path | None = None,
    from_scratch: bool = False,
    isolated: bool = False,
    timeout: float | None = None,
    memory: float | None = None,
    **options: object,
) -> list[Record]:
    """Run a board as `benchsuite run` does; nothing is written but the store.

    Returns the records of its cells, sorted by key. board: its name, its TOML file, or a dict of what such a file
    holds. add: registered plugins to put on the board, each NAME[field=value,…], beside
    the committed records, which are not run again. baselines: the folder of these (default: installed with the suite).
    from_scratch: train dense networks, too, whose weights are committed there. isolated: run the cells in a
    worker process, as the command line does, in which each record may take `timeout` seconds and `memory` GiB, or
    what `Limits` says by default; else in this process, without limits. options: of Session (device_name, rerun,
    strict, home, data_root).
    """
    check_options(options, [*inspect.signature(run).parameters, *inspect.signature(Session).parameters], run)
    only, add = names("only", only, _ONLY), names("add", add, _ADD)
    session = Session(**options)  # type: ignore[arg-type]  # checked there
    planned = session.plan(session.board(board), seeds_of(seeds), added=add, fetch=True)
    folder = Path(baselines or default_baselines())
    committed = Committed.of(planned.board.board.name, folder) if add else Committed({})
    cells, taken = committed.beside(planned, filtered(planned.cells, only))
    if not from_scratch:
        store = Store(session.home)
        store.open()
        for problem in adopt(cells, store, session.rerun, folder).problems:
            warnings.warn(problem, stacklevel=2)
    with computing(session, Limits(timeout, memory) if isolated else None) as computer:
        outcomes = run_cells(planned.board, cells, computer, lambda _: None)
        records = sorted([*taken, *(outcome.record for outcome in outcomes)], key=lambda record: record.key)
    for problem in uncovered(records):
        warnings.warn(problem, stacklevel=2)
    return records


def _plain(model: nn.Module) -> nn.Module:
    """Return a copy of plain modules, after a warning where compression would leave much of the model alone."""
    check_weights(model)
    share, left_out = coverage(model)
    if problem := too_little(share):
        warnings.warn(f"{problem}; left as they are: {', '.join(left_out)}", stacklevel=3)
    with evaluating(model):
        plain = fold(model)
    for name, module in own_modules(model):
        plain.get_submodule(name).training = module.training
    return plain


def _configured(kind: Kind, plugin: object, fields: Mapping[str, object]) -> object:
    if isinstance(plugin, str):
        return get(kind, plugin, **fields)
    if fields and not isinstance(plugin, type):
        raise ConfigError(
            f"{', '.join(fields)}: fields go with a name, and this {kind} is configured already: {plugin}"
        )
    check_plugin(kind, plugin)
    return plugin
