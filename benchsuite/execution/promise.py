"""The promise of a pruner with a field `sparsity`: that the network lacks that share of its weights or units."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from benchsuite.api import PruneContext, Pruner
from benchsuite.errors import PluginError
from benchsuite.pruning import ScoredPruner

_ROUNDING = 1e-12
"""Of promised sparsity × elements, a product of floats, relative to the elements."""
_MOST_TIED = 0.05
"""Of the elements: ties of more miss the level at which a row is compared, whatever their reason."""


@dataclass(frozen=True)
class Earlier:
    """What was pruned of a network before."""

    masks: Mapping[str, Tensor]
    final: bool = True
    """False on the way of a schedule, which may start below what was pruned before."""


@dataclass(frozen=True)
class _Share:
    """What is pruned of a layer, or of the network: elements that are there, pruned, and pruned before."""

    name: str
    there: int
    pruned: int
    before: int
    layers: tuple[str, ...]

    def excess(self, promised: float, final: bool) -> float:
        """Elements pruned beyond the promise, negative for too few; 0 within one element of it."""
        wanted = promised * self.there
        excess = self.pruned - (wanted if final else max(wanted, self.before))
        return 0.0 if abs(excess) <= 1 + _ROUNDING * self.there else excess


def hold(
    pruner: Pruner,
    layers: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    earlier: Earlier,
    context: PruneContext,
) -> dict[str, float]:
    """Hold the pruner to the sparsity that it promises, if it promises one, counting what was pruned earlier.

    More than one element away from the promise is too much, but for a few elements that tie at the threshold and so
    were kept or pruned together. Returns the number of these ties, where there are some, as a fact for the record.
    Errors: PluginError for a broken promise, and for a unit that is pruned in part.
    """
    if pruner.element == "unit":
        _require_whole_units(masks)
    promised = getattr(pruner, "sparsity", None)
    if not isinstance(promised, int | float):
        return {}
    frozen = earlier.masks
    kept = {name: _kept(_effective(masks[name], frozen.get(name)), pruner) for name in layers}
    kept_before = {name: _kept(mask, pruner) for name, mask in frozen.items() if name in layers}
    ties = 0
    for share in _shares(pruner, kept, kept_before):
        excess = share.excess(float(promised), earlier.final)
        if excess:
            tied = _tied(pruner, share, excess, layers, kept, kept_before, context)
            if abs(excess) > min(tied, _MOST_TIED * share.there):
                raise PluginError(_broken(share, float(promised), tied, pruner, kept))
            ties += tied
    return {"threshold_ties": ties} if ties else {}


def _require_whole_units(masks: Mapping[str, Tensor]) -> None:
    for name, mask in masks.items():
        rows = mask.flatten(1)
        if not torch.equal(rows.any(dim=1), rows.all(dim=1)):
            raise PluginError(f"layer {name}: a unit is kept or pruned as a whole, and some are kept in part")


def _effective(mask: Tensor, frozen: Tensor | None) -> Tensor:
    return mask if frozen is None else mask.to(frozen.device) & frozen


def _kept(mask: Tensor, pruner: Pruner) -> Tensor:
    """The elements that stay, in one dimension."""
    return mask.flatten(1).any(dim=1) if pruner.element == "unit" else mask.reshape(-1)


def _shares(pruner: Pruner, kept: Mapping[str, Tensor], kept_before: Mapping[str, Tensor]) -> list[_Share]:
    """One of each layer or, where the pruner's scope is the network, one of all."""
    single = [_Share(name, len(one), _zeros(one), _zeros(kept_before.get(name)), (name,)) for name, one in kept.items()]
    if pruner.scope == "layer":
        return single
    totals = (sum(one.there for one in single), sum(one.pruned for one in single), sum(one.before for one in single))
    return [_Share("the network", *totals, tuple(kept))]


def _zeros(kept: Tensor | None) -> int:
    return 0 if kept is None else len(kept) - int(kept.count_nonzero())


def _tied(
    pruner: Pruner,
    share: _Share,
    excess: float,
    layers: Mapping[str, Tensor],
    kept: Mapping[str, Tensor],
    kept_before: Mapping[str, Tensor],
    context: PruneContext,
) -> int:
    """Elements on the wrong side of the promise that have the value of the threshold; 0 where there is no threshold.

    Those pruned before are not ranked again: they have no side to choose.
    """
    values = torch.cat([_ranked(name, layers, pruner, context) for name in share.layers])
    stays = torch.cat([kept[name].cpu() for name in share.layers])
    open_before = torch.cat(
        [kept_before[name].cpu() if name in kept_before else _all(kept[name]) for name in share.layers]
    )
    staying, going = values[stays], values[~stays & open_before]
    if len(staying) and len(going) and going.max() > staying.min():
        return 0
    side = going if excess > 0 else staying
    if not len(side):
        return 0
    return int((side == (going.max() if excess > 0 else staying.min())).count_nonzero())


def _all(kept: Tensor) -> Tensor:
    return torch.ones(len(kept), dtype=torch.bool)


def _ranked(name: str, layers: Mapping[str, Tensor], pruner: Pruner, context: PruneContext) -> Tensor:
    """What a pruner compares: magnitudes or, of a composition, its score, as computed here; of units the L2 norm."""
    values = layers[name].flatten(1)
    if isinstance(pruner, ScoredPruner):
        from benchsuite.pruning.scores import SCORES

        values = SCORES[pruner.score](name, layers, context)
    if pruner.element == "unit":
        values = torch.linalg.vector_norm(values, dim=1, dtype=torch.float64)
    return values.abs().reshape(-1).cpu()


def _broken(share: _Share, promised: float, tied: int, pruner: Pruner, kept: Mapping[str, Tensor]) -> str:
    told = f"{share.pruned} of {share.there}"
    told += f", {share.before} of them before" if share.before else ""
    told += f", {tied} tied at the threshold" if tied > 1 else ""
    message = f"{share.name}: asked for {promised:.3f}, delivered {share.pruned / share.there:.3f} ({told})"
    if share.before:
        return f"{message}: what was pruned before stays pruned, and counts"
    total = _Share("", sum(map(len, kept.values())), sum(map(_zeros, kept.values())), 0, ())
    if pruner.scope == "layer" and len(kept) > 1 and not total.excess(promised, final=True):
        return f'{message}, though over all layers it is right: a pruner that ranks them together has scope = "network"'
    return message
