"""The steps of a chain, carried out: the only place that trains, prunes and quantizes a network."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from benchsuite.api import ChannelPruner, Model, PruneContext, Pruner, Quantizer, Recipe, Regularizer
from benchsuite.chain import JSON, Chain, Finetune, Prune, Quantize, Train, Use
from benchsuite.errors import DivergedError, PluginError
from benchsuite.execution.channels import Channels, remove_channels
from benchsuite.execution.checkpoint import apply_checkpoint, load_checkpoint
from benchsuite.execution.compress import Mask, add_masks, add_part, quantizing, weights_of, zero
from benchsuite.execution.data import DataSource
from benchsuite.execution.decide import Levels, decide, quantize
from benchsuite.execution.finite import check_finite, not_finite
from benchsuite.execution.guard import deciding, seeded
from benchsuite.execution.scheduler import OnEpoch
from benchsuite.execution.shrink import ChannelGraph
from benchsuite.execution.training import train
from benchsuite.metrics import LayerCounts, prunable, select
from benchsuite.registry import Registry
from benchsuite.sites import Site, site

T = TypeVar("T")


@dataclass
class State:
    """A network after some steps, and what else they left."""

    model: nn.Module
    facts: dict[str, float] = field(default_factory=dict)
    """From the audits of its prunings."""
    removals: list[Channels] = field(default_factory=list)
    """The channels kept at each physical pruning."""
    history: dict[str, list[JSON]] = field(default_factory=dict)
    """Of the last step's training."""
    train_seconds: float = 0.0


class Steps:
    """Runs steps with the plugins of one registry, on one device."""

    def __init__(self, registry: Registry, data: DataSource, device: torch.device) -> None:
        self.on_epoch: OnEpoch | None = None
        self._registry = registry
        self._data = data
        self._device = device
        self._shared: tuple[str, PruneContext] | None = None

    def build(self, chain: Chain) -> nn.Module:
        """Return the chain's network as freshly initialised for its seed, or as its checkpoint has it.

        Errors: DataError, ConfigError for a checkpoint that cannot be read or does not fit.
        """
        training = chain.training
        with seeded(chain.root.random_stream()):
            model = self.architecture(chain).build(self._data.info(training.dataset)).to(self._device).eval()
        if training.weights_file:
            apply_checkpoint(model, load_checkpoint(training.weights_file), training.weights_file)
        return model

    def rebuild(self, chain: Chain, removals: Sequence[Channels]) -> nn.Module:
        """Return a network of the structure that the chain's steps leave, ready to load their state.

        removals: the channels kept at each physical pruning.
        """
        model, waiting = self.build(chain), iter(removals)
        for step in chain.steps:
            if isinstance(step, Prune) and step.physical:
                ChannelGraph(model, self._example(chain)).remove(next(waiting))
            elif isinstance(step, Prune):
                for name, weight in weights_of(model, step.skip).items():
                    add_part(model, site(model, name), Mask(torch.ones_like(weight, dtype=torch.bool)))
            elif isinstance(step, Quantize):
                quantizer = self.plugin(step.quantizer, Quantizer)
                for name, weight in weights_of(model, step.skip).items():
                    add_part(model, site(model, name), quantizing(quantizer, weight))
        return model

    def architecture(self, chain: Chain) -> Model:
        """Return the plugin that builds the chain's network."""
        return self.plugin(chain.training.model, Model)

    def quantizers(self, chain: Chain, model: nn.Module) -> dict[str, Quantizer]:
        """Return the quantizers of the layers whose weights the chain quantizes."""
        quantizers: dict[str, Quantizer] = {}
        for step in chain.steps:
            if isinstance(step, Quantize):
                quantizers |= dict.fromkeys(select(model, step.skip), self.plugin(step.quantizer, Quantizer))
        return quantizers

    def run(self, chain: Chain, state: State, reference: Iterable[LayerCounts] | None = None) -> None:
        """Run the chain's last step on the state that the steps before left, in place.

        reference: counts per layer of the outcome that a pruning is matched to.
        Errors: DivergedError for a network that is left with NaN or infinite weights.
        """
        try:
            self._run(chain, state, reference)
        except DivergedError:
            raise
        except Exception as error:  # a loss, a pruner or a quantizer may be the first to refuse them
            if (name := not_finite(state.model)) is None:
                raise
            raise DivergedError(f"diverged: {name} holds NaN or infinity ({error})") from error
        check_finite(state.model)

    def _run(self, chain: Chain, state: State, reference: Iterable[LayerCounts] | None) -> None:
        step = chain.step
        state.history = {}
        if isinstance(step, Train | Finetune):
            self._train(chain, state, step.recipe)
        elif isinstance(step, Quantize):
            with deciding():
                quantize(state.model, self.plugin(step.quantizer, Quantizer), step.skip)
        elif isinstance(step, Prune) and step.recipe:
            self._prune_by_schedule(chain, state, step, step.recipe)
        elif isinstance(step, Prune) and step.physical:
            remover = self.plugin(step.pruner, ChannelPruner)
            levels = _removed_levels(reference, prunable(state.model)) if reference is not None else None
            context, example = self._context(chain, state.model), self._example(chain)
            with deciding():
                state.removals.append(remove_channels(state.model, remover, step.skip, example, context, levels))
        elif isinstance(step, Prune):
            pruner = self.plugin(step.pruner, Pruner)
            levels = _levels(reference, select(state.model, step.skip)) if reference is not None else None
            context = self._sharing_context(chain, state.model)
            with deciding():
                masks, facts = decide(state.model, pruner, step.skip, context, levels)
                add_masks(state.model, masks, pruner)
            state.facts |= facts

    def _example(self, chain: Chain) -> Tensor:
        return self._data.examples(chain.training.dataset, "test").example()

    def _train(
        self, chain: Chain, state: State, recipe: Recipe, before_epoch: Callable[[int], None] | None = None
    ) -> None:
        def begin(epoch: int) -> None:
            if self.on_epoch:
                self.on_epoch(chain, epoch, recipe.epochs)
            if before_epoch:
                before_epoch(epoch)

        use = chain.training.regularizer
        regularizer = self.plugin(use, Regularizer) if use else None
        examples = self._data.examples(chain.training.dataset, "train")
        loss = self.architecture(chain).loss
        started = time.perf_counter()
        stream = chain.random_stream()
        with seeded(stream):
            state.history = train(state.model, loss, examples, recipe, stream, regularizer, begin)
        state.train_seconds += time.perf_counter() - started

    def _prune_by_schedule(self, chain: Chain, state: State, step: Prune, recipe: Recipe) -> None:
        """Prune before each epoch, to a level that rises; weights may grow back until the last pruning."""
        pruner = self.plugin(step.pruner, Pruner)

        def prune(epoch: int) -> None:
            at = replace(pruner, sparsity=_scheduled(step, pruner, epoch / recipe.epochs))  # type: ignore[call-arg]  # planned with one
            context = self._context(chain, state.model)
            with deciding():
                masks, facts = decide(state.model, at, step.skip, context, final=epoch == recipe.epochs)
                if epoch < recipe.epochs:
                    zero(state.model, masks, at)
                else:
                    add_masks(state.model, masks, at)
                    state.facts |= facts

        self._train(chain, state, recipe, prune)

    def _sharing_context(self, chain: Chain, model: nn.Module) -> PruneContext:
        """Return a context that shares rankings with the other prunings of the same network."""
        fresh = self._context(chain, model)
        parent = chain.parent.key if chain.parent else ""
        if self._shared is None or self._shared[0] != parent:
            self._shared = parent, fresh
        return replace(fresh, _shared=self._shared[1]._shared)

    def _context(self, chain: Chain, model: nn.Module) -> PruneContext:
        recipe, dataset, seed = chain.training.recipe, chain.training.dataset, chain.random_stream()
        masking = chain.first_masking  # whose stream the later ones share, so that random masks are nested

        def batches() -> Iterator[tuple[Tensor, Tensor]]:
            examples = self._data.examples(dataset, "train")
            return examples.shuffled(recipe.batch_size, torch.Generator().manual_seed(seed))

        return PruneContext(
            generator=torch.Generator().manual_seed(masking.random_stream() if masking else seed),
            batches=batches,
            copy_model=lambda: deepcopy(model),
            loss=self.architecture(chain).loss,
            device=self._device,
        )

    def plugin(self, use: Use, kind: type[T]) -> T:
        """Return the plugin that a chain names, configured. Errors: PluginError if it is of another kind."""
        plugin = self._registry.get(use.kind, use.name).create(use.settings())
        if not isinstance(plugin, kind):
            raise PluginError(f"{use.name} is no {kind.__name__}")
        return plugin


def _levels(reference: Iterable[LayerCounts], layers: Mapping[str, Site]) -> Levels:
    sparsity = {counts.name: counts.sparsity for counts in reference}
    if unknown := [name for name in layers if name not in sparsity]:
        raise PluginError(
            f"the record of the row to match has no layer {unknown[0]}, which older versions left alone: "
            "compute it again with --rerun all"
        )
    return {name: sparsity[name] for name in layers}


def _removed_levels(reference: Iterable[LayerCounts], layers: Mapping[str, nn.Module]) -> Levels:
    """Return the share of each layer's output channels that the reference has lost."""
    left = {counts.name: counts.shape[0] for counts in reference}
    return {name: 1 - left[name] / len(layer.get_parameter("weight")) for name, layer in layers.items()}


def _scheduled(step: Prune, pruner: Pruner, part: float) -> float:
    """Return the sparsity after a part t of the schedule: linear s·t, cubic s·(1 − (1 − t)³) (Zhu & Gupta 2017)."""
    final = float(pruner.sparsity)  # type: ignore[attr-defined]  # planned with one
    return final * part if step.schedule == "linear" else final * (1 - (1 - part) ** 3)
