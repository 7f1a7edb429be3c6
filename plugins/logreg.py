"""Logistic regression, by the logistic loss and by squares of sigmoids."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from benchsuite import ConfigError, DataInfo, Model, Recipe, hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn

_EPOCHS = {"logistic": 20, "squares": 10}


@dataclass(frozen=True)
class LogisticRegression(Model):
    """Logistic regression of two classes: one output, labels ±1."""

    default_dataset: ClassVar[str] = "mnist-4v9"

    objective: Literal["logistic", "squares"] = "logistic"
    """Of the output z and the label y = ±1.

    `logistic`: log(1 + e^(−y·z)); `squares`: 2·σ(−y·z)², the squared errors of σ(z) and σ(−z) added.
    """
    broadcast_labels: bool = False
    """Reproduces the mistake behind the published 54.75 %: outputs (N, 1) met labels (N,), so each met every label."""

    def build(self, data: DataInfo) -> "nn.Module":
        from torch import nn

        if data.classes != 2:
            raise ConfigError(f"logreg tells two classes apart, and the data set has {data.classes}: try mnist-4v9")
        return nn.Sequential(OrderedDict(flatten=nn.Flatten(), fc=nn.Linear(data.features, 1)))

    def loss(self, outputs: "Tensor", labels: "Tensor") -> "Tensor":
        """Mean over the batch: outputs (N, 1), labels (N,) of 0 and 1, which stand for y = −1 and 1."""
        from torch.nn.functional import softplus

        y = 2 * labels.to(outputs.dtype) - 1
        margin = y * (outputs if self.broadcast_labels else outputs.squeeze(1))
        if self.objective == "logistic":
            return softplus(-margin).mean()
        # ½(1 − y)((1 − σ(−z))² + σ(z)²) + ½(1 + y)(σ(−z)² + (1 − σ(z))²), for σ(−z) = 1 − σ(z) and y = ±1
        return 2 * (-margin).sigmoid().square().mean()

    def training_recipe(self) -> Recipe:
        return Recipe(optimizer="sgd", lr=0.01, epochs=_EPOCHS[self.objective], batch_size=64)


@hookimpl
def benchsuite_models() -> Mapping[str, type[Model]]:
    return {"logreg": LogisticRegression}
