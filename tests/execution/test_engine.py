"""From chains to records: one planned cell, one record, whatever happened; shared beginnings once."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import safetensors.torch
import torch
from tiny_board import Net, engine_at, plan_rows, registry_with, run
from torch import nn

from benchsuite import LayerPruner, Model, Quantizer, Recipe
from benchsuite.errors import ConfigError
from benchsuite.execution.results import merge_results
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session
from benchsuite.store import Failure, read_lines


@dataclass(frozen=True)
class Unchanging(Quantizer):
    bits: int = 8

    def quantize(self, weight):
        return weight.clone()


@dataclass(frozen=True)
class TooFine(Quantizer):
    bits: int = 2

    def quantize(self, weight):
        return (weight * 100).round() / 100


@dataclass(frozen=True)
class BitsMissing(Quantizer):
    def quantize(self, weight):
        return weight.round(decimals=1)


@dataclass(frozen=True)
class Raising(LayerPruner):
    sparsity: float = 0.5

    def mask(self, weight, context):
        raise RuntimeError("no mask today")


@dataclass(frozen=True)
class Exiting(LayerPruner):
    def mask(self, weight, context):
        raise SystemExit(0)


@dataclass(frozen=True)
class Unspeakable(LayerPruner):
    def mask(self, weight, context):
        raise ValueError("lone surrogate \udc80")


FAILING = {
    "quantizer_unchanging": (Unchanging, "quantization changed no weight"),
    "quantizer_too_fine": (TooFine, "layer fc1: 36 distinct non-zero values at 2 bits"),
    "quantizer_bits_missing": (BitsMissing, "quantizer BitsMissing has no field bits: int"),
    "pruner_raising": (Raising, "RuntimeError: no mask today"),
    "pruner_exiting": (Exiting, "SystemExit: 0"),
    "pruner_unspeakable": (Unspeakable, "ValueError: lone surrogate "),
}


def test_failing_plugins_cost_exactly_their_own_cells(tmp_path):
    registry = registry_with(**{name: plugin for name, (plugin, _) in FAILING.items()})
    names = {name: name.partition("_")[2].replace("_", "-") for name in FAILING}
    rows = [
        {"steps": [{"quantize" if name.startswith("quantizer") else "prune": names[name]}], "control": False}
        for name in FAILING
    ]
    fine = {"steps": [{"prune": "percentile", "sparsity": 0.5}]}
    planned = plan_rows(registry, *rows, fine)
    records = run(planned, engine_at(registry, tmp_path))
    assert len({record.key for record in records.values()}) == len(planned.cells)
    for name, (_, reason) in FAILING.items():
        record = records[f"{names[name]}, seed 0"]
        assert record.status == "failed"
        assert record.error.reason.startswith(reason)
        assert "Traceback (most recent call last)" in record.error.traceback
    assert 'raise RuntimeError("no mask today")' in records["raising, seed 0"].error.traceback
    others = [record for name, record in records.items() if name.partition(" ")[0] in ("dense", "random")]
    assert [record.status for record in [*others, records["percentile sparsity 0.5, seed 0"]]] == ["ok"] * 3
    again = run(planned, engine_at(registry, tmp_path))
    assert {name: record.text for name, record in again.items()} == {
        name: record.text for name, record in records.items()
    }


def test_a_layer_to_skip_that_is_not_there_is_refused_before_anything_is_trained(tmp_path):
    registry = registry_with()
    nowhere = {"steps": [{"prune": "percentile", "sparsity": 0.4, "skip": ["nowhere"]}]}
    engine = engine_at(registry, tmp_path)
    trained = []
    engine.steps.on_epoch = lambda *epoch: trained.append(epoch)
    with pytest.raises(
        ConfigError, match=r'"percentile sparsity 0\.4" on .*: skip: no layer matches "nowhere"; known: '
    ):
        run(plan_rows(registry, nowhere), engine)
    assert not trained


def test_what_builds_on_a_failure_is_skipped_and_says_on_which(tmp_path):
    registry = registry_with(pruner_raising=Raising)
    planned = plan_rows(
        registry,
        {
            "label": "all",
            "steps": [
                {"prune": "raising", "schedule": "linear", "epochs": 1},
                {"evaluate": "before tuning"},
                {"finetune": 1},
                {"evaluate": "tuned"},
                {"finetune": 2},
            ],
        },
    )
    records = run(planned, engine_at(registry, tmp_path))
    own = {name: record for name, record in records.items() if name.startswith("all")}
    before, tuned, last = own.values()
    assert (before.status, tuned.status, last.status) == ("failed", "skipped", "skipped")
    told = f"builds on {before.key}, which failed: RuntimeError: no mask today"
    assert tuned.error == Failure(told)
    assert last.error == Failure(f"builds on {tuned.key}, which was skipped: {told}")
    controls = [record for name, record in records.items() if name.startswith("random")]
    assert {record.status for record in controls} == {"skipped"}
    assert {record.error.reason.partition(": ")[2].partition(",")[0] for record in controls} >= {
        f"builds on {before.key}"
    }


def test_a_failed_dense_training_skips_its_rows_and_no_others(tmp_path):
    @dataclass(frozen=True)
    class Untrainable(Net):
        def loss(self, outputs, labels):
            raise ValueError("no loss")

    registry = registry_with(model_untrainable=Untrainable)
    planned = plan_rows(registry, {"steps": [{"quantize": "ste-symmetric", "bits": 4}]}, model=["untrainable", "net"])
    found = [
        (cell.role, cell.chain.training.model.name, outcome.status)
        for cell, outcome in zip(planned.cells, records_in_order(planned, engine_at(registry, tmp_path)), strict=True)
    ]
    assert found == [
        ("dense", "untrainable", "failed"),
        ("row", "untrainable", "skipped"),
        ("dense", "net", "ok"),
        ("row", "net", "ok"),
    ]


def records_in_order(planned, engine):
    by_key = {one.cell.key: one.record for one in run_cells(planned.board, planned.cells, engine, lambda _: None)}
    return [by_key[cell.key] for cell in planned.cells]


def trained_epochs(planned, engine) -> list[tuple[str, int]]:
    seen = []
    engine.steps.on_epoch = lambda chain, epoch, epochs: seen.append((chain.key, epoch))
    assert {record.status for record in run(planned, engine).values()} == {"ok"}
    return seen


SWEEP = (
    {"steps": [{"prune": "percentile", "sparsity": [0.3, 0.6]}, {"finetune": 2}], "label": "tuned"},
    {
        "steps": [
            {"prune": "percentile", "sparsity": 0.3},
            {"finetune": 2},
            {"quantize": "ste-symmetric", "bits": [2, 3]},
        ]
    },
)


def test_equal_beginnings_are_trained_once(tmp_path):
    registry = registry_with()
    planned = plan_rows(registry, *SWEEP, seeds=(0, 1), recipe={"epochs": 3})
    seen = trained_epochs(planned, engine_at(registry, tmp_path))
    assert len(seen) == len(set(seen))
    # by seed: the dense training; two levels and their random controls, tuned
    assert len(seen) == 2 * (3 + (2 + 2) * 2)
    assert trained_epochs(planned, engine_at(registry, tmp_path)) == []
    more = plan_rows(registry, *SWEEP, {"steps": [{"finetune": 1}]}, seeds=(0, 1), recipe={"epochs": 3})
    assert len(trained_epochs(more, engine_at(registry, tmp_path))) == 2


def test_rerun(tmp_path):
    registry = registry_with(quantizer_unchanging=Unchanging)
    planned = plan_rows(registry, {"steps": [{"quantize": "unchanging"}]})
    first = run(planned, engine_at(registry, tmp_path))
    for rerun, fresh in (("never", []), ("failed", ["unchanging, seed 0"]), ("all", list(first))):
        engine = engine_at(registry, tmp_path, rerun=rerun)
        outcomes = list(run_cells(planned.board, planned.cells, engine, lambda _: None))
        assert [one.cell.name for one in outcomes if one.fresh] == fresh
        assert [one.record.status for one in outcomes] == ["ok", "failed"]


def test_the_same_seed_gives_the_same_records_in_any_order(tmp_path):
    registry = registry_with()
    planned = plan_rows(registry, *SWEEP, model="conv")
    one = records_in_order(planned, engine_at(registry, tmp_path / "one"))
    engine = engine_at(registry, tmp_path / "two")
    other = {cell.key: engine.record(cell.chain) for cell in reversed(planned.cells)}
    for record in one:
        assert record.metrics == other[record.key].metrics
        assert record.layers == other[record.key].layers


class LearnedGrid(nn.Module):
    """±scale, the scale learned."""

    def __init__(self, weight):
        super().__init__()
        self.scale = nn.Parameter(weight.abs().mean())

    def forward(self, weight):
        signs = torch.where(weight >= 0, 1.0, -1.0)
        return torch.where(weight == 0, 0.0, signs * self.scale) + (weight - weight.detach())


@dataclass(frozen=True)
class Learned(Quantizer):
    bits: int = 1

    def quantize(self, weight):
        raise AssertionError("the learned module is asked")

    def parametrization(self, weight):
        return LearnedGrid(weight)


def test_a_learned_quantizer_through_save_and_load(tmp_path):
    registry = registry_with(quantizer_learned=Learned)
    prune = {"prune": "percentile", "sparsity": 0.4}
    planned = plan_rows(
        registry, {"steps": [prune, {"quantize": "learned"}, {"evaluate": "before"}, {"finetune": 2}], "control": False}
    )
    engine = engine_at(registry, tmp_path)
    before, after = (
        record
        for record, cell in zip(records_in_order(planned, engine), planned.cells, strict=True)
        if cell.role == "row"
    )
    assert (before.status, after.status) == ("ok", "ok")
    chain = planned.cells[-1].chain
    stored = safetensors.torch.load_file(tmp_path / "store" / chain.key / "model.safetensors")
    scale = next(tensor for name, tensor in stored.items() if name == "fc1.parametrizations.weight.1.scale")
    initial = engine._recent[planned.cells[-2].key].model.fc1.parametrizations.weight[1].scale
    assert scale != initial
    loaded = engine_at(registry, tmp_path)._state(chain).model
    assert torch.equal(loaded.fc1.weight.unique(), torch.stack([-scale, torch.zeros(()), scale]))
    assert after.metrics.number("sparsity") == before.metrics.number("sparsity")
    assert after.metrics.number("bits_per_weight") == 1


@dataclass(frozen=True)
class Tied(Model):
    """Two layers that share their weight; a list for a field."""

    recipe: ClassVar[Recipe] = Net.recipe
    widths: list[int] | None = None

    def build(self, data):
        model = nn.Sequential(nn.Flatten(), nn.Linear(36, 36), nn.Linear(36, 36), nn.Linear(36, 3))
        model[2].weight = model[1].weight
        return model


def test_a_model_with_a_shared_weight(tmp_path):
    registry = registry_with(model_tied=Tied)
    steps = [{"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}]
    planned = plan_rows(registry, {"steps": steps}, model={"name": "tied", "widths": [[1, 2]]})
    records = records_in_order(planned, engine_at(registry, tmp_path))
    assert [(record.status, record.error) for record in records] == [("ok", None)] * 3
    again = engine_at(registry, tmp_path)
    state = again._state(planned.cells[0].chain)
    assert torch.equal(state.model[1].weight, state.model[2].weight)


def test_the_macs_are_those_of_the_data_set(tmp_path):
    registry = registry_with()
    planned = plan_rows(registry, dataset={"name": "dots", "side": [6, 12]}, model="conv")
    small, large = records_in_order(planned, engine_at(registry, tmp_path))
    fully_connected = 4 * 3
    assert small.metrics.number("macs") == 6 * 6 * 4 * 9 + fully_connected
    assert large.metrics.number("macs") == 12 * 12 * 4 * 9 + fully_connected


def test_merged_results_have_their_places_of_today(tmp_path):
    registry = registry_with()
    last = {"steps": [{"prune": "percentile", "sparsity": 0.5}], "label": "old label", "control": False}
    planned = plan_rows(registry, last)
    engine, file = engine_at(registry, tmp_path), tmp_path / "tiny.jsonl"
    merge_results(file, planned, [one.record for one in run_cells(planned.board, planned.cells, engine, print)])
    first = {"steps": [{"quantize": "ste-symmetric", "bits": 4}]}
    edited = plan_rows(registry, first, {**last, "label": "new label"})
    (cell,) = [one for one in edited.cells if one.method == "ste-symmetric"]
    merge_results(file, edited, [one.record for one in run_cells(edited.board, [cell], engine, print)])
    places = {(record.place.line, record.place.method) for record in read_lines(file)}
    assert places == {(0, "dense"), (1, "ste-symmetric"), (2, "new label")}
    assert sorted(record.key for record in read_lines(file)) == [record.key for record in read_lines(file)]
    shorter = plan_rows(registry, first)
    merge_results(file, shorter, [])
    assert {record.place.method for record in read_lines(file)} == {"dense", "ste-symmetric"}


def test_records_say_in_their_title_what_was_changed_of_the_board(tmp_path):
    session = Session(device_name="cpu", home=tmp_path, data_root=tmp_path)
    changes = ("rows=[]", "dense.model.hidden=[4]", "dense.recipe.epochs=1")
    planned = session.plan(session.board("quick", changes), seeds=[0])
    (record,) = run(planned, session.engine).values()
    assert record.place.title == " · ".join(["Quick: an MLP on 8×8 digits", *changes])
    assert (record.cost.epochs, record.metrics.number("parameters")) == (1, 64 * 4 + 4 + 4 * 10 + 10)


def test_a_row_of_random_masks_that_empty_a_layer_has_its_control(tmp_path):
    @dataclass(frozen=True)
    class Emptying(LayerPruner):
        def mask(self, weight, context):
            return torch.full(weight.shape, len(weight) != 3)

    registry = registry_with(pruner_emptying=Emptying)
    records = run(plan_rows(registry, {"steps": [{"prune": "emptying"}]}), engine_at(registry, tmp_path))
    control = records["random as emptying, seed 0"]
    assert (control.status, control.error) == ("ok", None)
    assert [layer.zeros for layer in control.layers] == [0, 24]
