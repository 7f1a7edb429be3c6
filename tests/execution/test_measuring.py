"""A record's metrics are what methods.md §7 defines, counted here once more from the stored model."""

import numpy as np
import pytest
import torch
from tiny_board import TEST, engine_at, plan_rows, registry_with
from torch import nn

from benchsuite import PluginError, get
from benchsuite.execution.compress import Mask, add_part, fold, masks_of, weights_of
from benchsuite.execution.measuring import Measurer
from benchsuite.metrics import model_tensors, pack, prunable, unpack
from benchsuite.plan import Quantize

ROWS = [
    {"steps": [{"prune": "percentile", "sparsity": 0.7}]},
    {"label": "tuned", "steps": [{"prune": "global-percentile", "sparsity": 0.8}, {"finetune": 2}]},
    {"label": "cubic", "steps": [{"prune": "weight", "sparsity": 0.5, "schedule": "cubic", "epochs": 2}]},
    {"label": "units", "steps": [{"prune": "unit", "sparsity": 0.5}, {"finetune": 1}]},
    {"label": "effective", "steps": [{"prune": "neff-row", "beta": 0.8, "renormalize": True}]},
    {"label": "grid", "steps": [{"quantize": "ste-asymmetric", "bits": 3, "skip": ["first"]}, {"finetune": 1}]},
    {"label": "channels", "steps": [{"quantize": "ste-symmetric", "bits": 2, "per_channel": True}]},
    {
        "label": "both",
        "steps": [
            {"prune": "percentile", "sparsity": 0.6},
            {"finetune": 1},
            {"quantize": "ste-symmetric", "bits": 4, "skip": ["last"]},
            {"finetune": 1},
        ],
    },
]


class Measured:
    def __init__(self, folder, model):
        registry = registry_with()
        self.planned = plan_rows(registry, *ROWS, model=model, recipe={"epochs": 4})
        self.engine = engine_at(registry, folder)
        self.records = {cell.key: self.engine.record(cell.chain) for cell in self.planned.cells}
        self.store = folder / "store"

    def model(self, chain) -> nn.Module:
        return self.engine._state(chain).model

    def test(self):
        return self.engine._data.examples(self.planned.cells[0].chain.training.dataset, "test")


@pytest.fixture(scope="module", params=["net", "conv"])
def measured(request, tmp_path_factory) -> Measured:
    return Measured(tmp_path_factory.mktemp("measured"), request.param)


def test_every_cell_is_ok(measured):
    assert {(record.status, str(record.error)) for record in measured.records.values()} == {("ok", "None")}


def test_counts(measured):
    for cell in measured.planned.cells:
        numbers, layers = measured.records[cell.key].metrics.numbers, measured.records[cell.key].layers
        model = measured.model(cell.chain)
        weights = {name: weight.numpy() for name, weight in weights_of(model, ()).items()}
        zeros = {name: int((weight == 0).sum()) for name, weight in weights.items()}
        total = sum(weight.size for weight in weights.values())
        assert numbers["sparsity"] == sum(zeros.values()) / total
        assert numbers["nonzeros"] == total - sum(zeros.values())
        assert [(layer.name, layer.zeros, layer.weights) for layer in layers] == [
            (name, zeros[name], weight.size) for name, weight in weights.items()
        ]
        plain = fold(model)
        parameters = [parameter.detach().numpy() for parameter in plain.parameters()]
        assert numbers["parameters"] == sum(parameter.size for parameter in parameters)
        assert numbers["param_sparsity"] == pytest.approx(
            sum(int((parameter == 0).sum()) for parameter in parameters) / numbers["parameters"]
        )


def positions(name: str) -> int:
    return 6 * 6 if name == "conv" else 1


def test_multiply_accumulates(measured):
    for cell in measured.planned.cells:
        weights = weights_of(measured.model(cell.chain), ())
        numbers = measured.records[cell.key].metrics.numbers
        assert numbers["macs"] == sum(positions(name) * weight.numel() for name, weight in weights.items())
        assert numbers["effective_macs"] == sum(
            positions(name) * int(weight.count_nonzero()) for name, weight in weights.items()
        )


def test_bits(measured):
    for cell in measured.planned.cells:
        widths = dict.fromkeys(prunable(measured.model(cell.chain)), 32)
        names = list(widths)
        for step in cell.chain.steps:
            if isinstance(step, Quantize):
                skipped = {"first": names[0], "last": names[-1]}
                bits = step.quantizer.get("bits")
                widths |= {name: bits for name in names if name not in {skipped[one] for one in step.skip}}
        layers = measured.records[cell.key].layers
        assert {layer.name: layer.bits for layer in layers} == widths
        total = sum(layer.weights for layer in layers)
        assert measured.records[cell.key].metrics.number("bits_per_weight") == pytest.approx(
            sum(widths[layer.name] * layer.weights for layer in layers) / total
        )


def test_accuracy_is_correct_over_examples_and_stored_by_example(measured):
    inputs, labels = measured.test().in_order()[0]
    for cell in measured.planned.cells:
        metrics = measured.records[cell.key].metrics
        numbers = metrics.numbers
        with torch.inference_mode():
            outputs = fold(measured.model(cell.chain)).eval()(inputs)
        correct = outputs.argmax(1) == labels
        assert (numbers["correct"], numbers["examples"]) == (int(correct.sum()), TEST)
        assert numbers["accuracy"] == 100 * numbers["correct"] / TEST
        assert np.array_equal(metrics.answers(), correct.numpy())
        assert numbers["loss"] == pytest.approx(float(nn.functional.cross_entropy(outputs, labels)), rel=1e-5)


def test_size_is_that_of_bytes_that_unpack_to_the_same_weights(measured):
    for cell in measured.planned.cells:
        plain = fold(measured.model(cell.chain))
        packed = pack(dict(sorted(model_tensors(plain).items())))
        numbers = measured.records[cell.key].metrics.numbers
        assert numbers["size_bytes"] == len(packed)
        unpacked = unpack(packed)
        for name, tensor in plain.state_dict().items():
            if not name.endswith("num_batches_tracked"):
                assert torch.equal(unpacked[name], tensor)
        dense = sum(tensor.numel() * 4 for tensor in unpacked.values())
        assert numbers["compression"] == dense / len(packed)


def test_neff_of_each_layer(measured):
    for cell in measured.planned.cells:
        for layer, weight in zip(
            measured.records[cell.key].layers, weights_of(measured.model(cell.chain), ()).values(), strict=True
        ):
            share = np.abs(weight.numpy().astype(np.float64))
            share /= share.sum()
            assert layer.neff == pytest.approx(1 / (share**2).sum())


def test_controls_have_the_zeros_of_their_rows_layer_by_layer(measured):
    compared = 0
    for cell in measured.planned.cells:
        if cell.control:
            row, control = (measured.records[key].layers for key in (cell.key, cell.control.key))
            masks, own = (masks_of(measured.model(chain)) for chain in (cell.control, cell.chain))
            for name, mask in masks.items():
                assert int(mask.count_nonzero()) == int(own[name].count_nonzero()), cell.name
                assert not torch.equal(mask, own[name])
            assert [layer.zeros for layer in control] == [layer.zeros for layer in row] or "both" in cell.method
            compared += 1
    assert compared == 6


def test_masks_are_those_that_training_began_with(measured):
    for cell in measured.planned.cells:
        model = measured.model(cell.chain)
        weights = weights_of(model, ())
        for name, mask in masks_of(model).items():
            assert not weights[name][~mask].any()


def test_costs(measured):
    for cell in measured.planned.cells:
        cost = measured.records[cell.key].cost
        assert cost.epochs == sum(step.epochs_trained for step in cell.chain.steps)
        assert cost.train_seconds >= 0  # of a fast machine, 0 to the millisecond
        assert cost.latency_ms > 0
        assert cost.latency_batch == 1


def test_provenance_names_every_plugin_of_the_chain(measured):
    for cell in measured.planned.cells:
        names = [plugin.name for plugin in measured.records[cell.key].provenance.plugins]
        steps = [one for one in cell.chain.steps if one.verb in ("prune", "quantize")]
        wanted = [(step.pruner if step.verb == "prune" else step.quantizer).name for step in steps]
        assert names == ["dots", cell.chain.training.model.name, *wanted]


def measure(measured, model, quantizers=None):
    architecture = get("model", "mlp")
    return Measurer().measure(model, architecture, measured.test(), quantizers or {})


def test_a_mask_that_does_not_hold_is_no_result(measured):
    model = fold(measured.model(measured.planned.cells[0].chain))
    name, layer = next(iter(prunable(model).items()))
    add_part(layer, layer, Mask(torch.zeros(layer.weight.shape, dtype=torch.bool)))
    add_part(layer, layer, nn.Hardtanh(0.5, 1.0))
    with pytest.raises(PluginError, match=f"layer {name}: {layer.weight.numel()} pruned weights are not zero"):
        measure(measured, model)


@pytest.mark.parametrize(("value", "reason"), [(torch.nan, "has NaN or infinite weights"), (None, "distinct non-zero")])
def test_a_grid_that_does_not_hold_is_no_result(measured, value, reason):
    model = fold(measured.model(measured.planned.cells[0].chain))
    name, layer = next(iter(prunable(model).items()))
    if value is not None:
        with torch.no_grad():
            layer.weight.flatten()[0] = value
    with pytest.raises(PluginError, match=f"layer {name}.*{reason}"):
        measure(measured, model, {name: get("quantizer", "ste-symmetric", bits=2)})


def test_measuring_changes_nothing(measured):
    model = measured.model(measured.planned.cells[-1].chain)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    measure(measured, model)
    fold(model)
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
