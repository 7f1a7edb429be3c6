"""All metrics that need no data, at once."""

import pytest
import torch

import benchsuite.metrics
from benchsuite.metrics import dense_bytes, measure_model, size_bytes


def test_a_model_is_measured_whole(mlp):
    metrics, layers = measure_model(mlp, torch.zeros(1, 784))
    assert metrics == {
        "sparsity": 0,
        "param_sparsity": 0,
        "nonzeros": 52_544,
        "parameters": 52_650,
        "macs": 52_544,
        "effective_macs": 52_544,
        "bits_per_weight": 32,
        "covered": 1,
        "size_bytes": size_bytes(mlp),
        "compression": dense_bytes(mlp) / size_bytes(mlp),
    }
    assert [layer.name for layer in layers] == ["0", "2", "4"]
    assert all(0 < layer.neff < layer.weights for layer in layers)


def test_known_macs_and_bits_are_taken(mlp):
    metrics, layers = measure_model(mlp, torch.zeros(1, 784), bits={"2": 2}, macs={"0": 1, "2": 2, "4": 3})
    assert metrics["macs"] == 6
    assert [layer.bits for layer in layers] == [32, 2, 32]


def test_measuring_computes_a_masked_weight_once_and_changes_nothing(mlp, mask_layer):
    mask = mask_layer(mlp[0], torch.zeros(64, 784))
    before = {name: value.clone() for name, value in mlp.state_dict().items()}
    mask.calls = 0
    metrics, _ = measure_model(mlp, torch.zeros(1, 784))
    assert mask.calls == 1
    assert metrics["sparsity"] == pytest.approx(50_176 / 52_544)
    assert mlp.training
    assert all(torch.equal(value, before[name]) for name, value in mlp.state_dict().items())


def test_the_package_has_every_name_it_promises_and_no_other():
    assert all(callable(getattr(benchsuite.metrics, name)) for name in benchsuite.metrics.__all__)
    with pytest.raises(AttributeError, match="no attribute 'perplexity'"):
        _ = benchsuite.metrics.perplexity
