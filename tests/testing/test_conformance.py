"""First-party plugins pass the kit that third parties' have to pass."""

import pytest

from benchsuite.registry import default_registry
from benchsuite.testing import Check, conformance

REQUIRED = {
    f"regularizer/{name.partition('[')[0]}": name
    for name in (
        "l1[strength=0.1]",
        "l1-prox[strength=0.1]",
        "trimmed-l1-prox[strength=0.1,k=2]",
        "l0-projection[k=3]",
        "bn-l1[strength=0.1]",
    )
}
"""Names that need fields."""
OTHER_PRUNERS = (
    "percentile[sparsity=0.9]",
    "unit[sparsity=0.75,score=wanda]",
    "weight[score=gradient]",
    "neff-row[score=taylor]",
    "neff-column[beta=0.5,renormalize=true,center=true]",
    "slimming[sparsity=0.25]",
)
QUANTIZERS = (
    "ste-symmetric[bits=2]",
    "ste-symmetric[bits=8,per_channel=true]",
    "ste-asymmetric[bits=1,per_channel=true]",
    "ste-asymmetric[bits=4]",
)
LARGE = {"resnet32", "resnet44", "resnet56", "resnet110", "vgg11-slim", "vgg19-slim"}
"""Models that a smaller one of the same class stands for, or that take seconds."""


def names(kind: str) -> list[str]:
    return [f"{kind}/{entry.name}" for entry in default_registry().entries(kind)]


@conformance(*names("pruner"), *OTHER_PRUNERS)
def test_pruners(check: Check) -> None:
    check()


@conformance(*QUANTIZERS)
def test_quantizers(check: Check) -> None:
    check()


@conformance(*(REQUIRED.get(name, name) for name in names("regularizer")))
def test_regularizers(check: Check) -> None:
    check()


@conformance(*(name for name in names("model") if name.removeprefix("model/") not in LARGE))
def test_models(check: Check) -> None:
    check()


@conformance("dataset/digits", "dataset/sparse-linear")
def test_datasets(check: Check) -> None:
    check()


@pytest.mark.data
@conformance("mnist", "mnist-4v9", "fashion-mnist")
def test_real_datasets(check: Check, real_data, monkeypatch) -> None:
    monkeypatch.setenv("BENCHSUITE_DATA", str(real_data("MNIST").parent))
    check()


def test_every_quantizer_is_among_them():
    assert {name.partition("[")[0] for name in QUANTIZERS} == {
        name.removeprefix("quantizer/") for name in names("quantizer")
    }
