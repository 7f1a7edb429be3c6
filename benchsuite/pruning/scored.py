"""The pruner that is a composition: score × grouping × budget."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal, get_args

from benchsuite.api import PruneContext, Pruner
from benchsuite.pruning.budgets import Budget

if TYPE_CHECKING:
    from torch import Tensor

    from benchsuite.pruning.selection import Ranking

Grouping = Literal["column", "row", "layer"]
ScoreName = Literal["magnitude", "gradient", "taylor", "wanda"]


@dataclass(frozen=True)
class ScoredPruner(Pruner):
    """Keeps the weights of largest score in each group, as many as the budget says.

    A Conv2d weight is read as the matrix (out, in · kh · kw). With `scope` "network" all layers are one group;
    with `element` "unit" the score of a row is the L2 norm of its weights' scores.
    """

    grouping: ClassVar[Grouping] = "layer"
    """Within a layer: along a column (dim 0 varies), along a row (dim 1 varies), or all of it."""
    centered: ClassVar[bool] = False
    """Whether the mean of each group is subtracted before scoring; a property where a field decides."""

    score: ScoreName = field(default="magnitude", kw_only=True)
    """What makes a weight matter; all but "magnitude" look at training batches."""

    def __post_init__(self) -> None:
        if self.score not in get_args(ScoreName):
            raise ValueError(f'score must be one of {", ".join(get_args(ScoreName))}, not "{self.score}"')
        self.budget  # noqa: B018  # a level out of range is refused at construction

    @property
    @abstractmethod
    def budget(self) -> Budget:
        """How many stay."""

    def verify(self, ranking: "Ranking", keep: "Tensor") -> None:
        """Called with every decision; raises if a theorem of the method does not hold."""

    def masks(self, layers: "Mapping[str, Tensor]", context: PruneContext) -> "Mapping[str, Tensor]":
        masks: dict[str, Tensor] = {}
        for names in self.pools(layers):
            ranking = self._ranking(names, layers, context)
            keep = self.budget.keep(ranking)
            self.verify(ranking, keep)
            masks |= self._ungroup(keep, {name: layers[name] for name in names})
        return masks

    def pools(self, layers: "Mapping[str, Tensor]") -> list[tuple[str, ...]]:
        """The layers that are compared with each other."""
        return [tuple(layers)] if self.scope == "network" else [(name,) for name in layers]

    def grouped(self, matrices: "Mapping[str, Tensor]") -> "Tensor":
        """Matrices (out, in) of one pool as (groups, n)."""
        import torch

        if self.element == "unit":
            matrices = {
                name: torch.linalg.vector_norm(values, dim=1, dtype=torch.float64) for name, values in matrices.items()
            }
        elif self.grouping != "layer":
            (values,) = matrices.values()
            return values if self.grouping == "row" else values.t()
        flat = [values.reshape(1, -1) for values in matrices.values()]
        return flat[0] if len(flat) == 1 else torch.cat(flat, dim=1)

    def scores(self, values: "Tensor") -> "Tensor":
        """Grouped signed values as scores: their distance from zero, or from their group's mean."""
        import numpy as np
        import torch

        # numpy's large arrays take huge pages, which fault far less often than torch's
        array = values.numpy()
        if not self.centered:
            return torch.from_numpy(np.abs(array))
        centers = values.mean(1, dtype=torch.float64, keepdim=True).to(values.dtype).numpy()
        deviations = array - centers
        return torch.from_numpy(np.abs(deviations, out=deviations))

    def _ranking(self, names: tuple[str, ...], layers: "Mapping[str, Tensor]", context: PruneContext) -> "Ranking":
        from benchsuite.pruning.scores import SCORES
        from benchsuite.pruning.selection import Ranking

        def rank() -> Ranking:
            pool = {name: SCORES[self.score](name, layers, context) for name in names}
            try:
                return Ranking(self.scores(self.grouped(pool)))
            except ValueError as error:
                culprit = next(name for name, value in pool.items() if not value.isfinite().all())
                raise ValueError(f"layer {culprit} has NaN or infinite scores") from error

        key = ("ranking", self.score, self.centered, self.element, self.grouping, names)
        return context.shared(key, rank)

    def _ungroup(self, keep: "Tensor", layers: "Mapping[str, Tensor]") -> "dict[str, Tensor]":
        if self.grouping == "column":
            keep = keep.t()
        sizes = [len(weight) if self.element == "unit" else weight.numel() for weight in layers.values()]
        parts = keep.reshape(-1).split_with_sizes(sizes)
        shapes = {
            name: (len(weight), *[1] * (weight.dim() - 1)) if self.element == "unit" else weight.shape
            for name, weight in layers.items()
        }
        return {
            name: part.view(shapes[name]).expand(weight.shape).contiguous()
            for part, (name, weight) in zip(parts, layers.items(), strict=True)
        }
