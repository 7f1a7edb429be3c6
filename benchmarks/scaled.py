"""What the experiments about pixels share: an installed data set in another scaling."""

from dataclasses import dataclass
from typing import cast

from benchsuite import Dataset
from benchsuite.registry import Registry
from benchsuite.registry.fields import class_of


def with_scaled(registry: Registry, dataset: str, mean: float, std: float) -> Registry:
    """The registry with `scaled-DATASET`: its pixels, in [0, 1], less the mean and divided by std."""
    images = cast("type[Dataset]", class_of(registry.get("dataset", dataset).factory))
    fields = {"mean": (mean,), "std": (std,), "__doc__": images.__doc__, "__module__": __name__}
    return registry.add("dataset", f"scaled-{dataset}", dataclass(frozen=True)(type("Scaled", (images,), fields)))
