"""Tied weights on a board: one tensor in every record, in the store, and again when it is loaded."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import safetensors.torch
import torch
from tiny_board import engine_at, plan_rows, registry_with
from torch import nn

from benchsuite import ConfigError, Model, Recipe
from benchsuite.execution.checkpoint import apply_checkpoint, distinct_state, with_tied
from benchsuite.metrics import weights_digest
from benchsuite.metrics.digests import state_digest
from benchsuite.store import MODEL

PARAMETERS = 36 * 36 + 36 + 36 + 36 * 3 + 3


class Tied(nn.Module):
    """Two layers that share a weight, and one that has two names."""

    def __init__(self):
        super().__init__()
        self.a, self.b, self.head = nn.Linear(36, 36), nn.Linear(36, 36), nn.Linear(36, 3)
        self.again = self.a
        self.b.weight = self.a.weight

    def forward(self, x):
        return self.head(self.b(self.again(x.flatten(1)).relu()).relu())


@dataclass(frozen=True)
class TiedModel(Model):
    """A network with tied weights."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="adam", lr=1e-2, epochs=1, batch_size=32)

    def build(self, data):
        return Tied()


ROWS = [
    {"label": "pruned", "steps": [{"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}]},
    {"label": "quantized", "steps": [{"quantize": "ste-symmetric", "bits": 4}, {"finetune": 1}]},
    {"label": "skipped", "steps": [{"prune": "percentile", "sparsity": 0.5, "skip": ["b"]}]},
]


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    registry = registry_with(model_tied=TiedModel)
    planned = plan_rows(registry, *ROWS, model="tied")
    home = tmp_path_factory.mktemp("tied")
    engine = engine_at(registry, home)
    names = [cell.method if cell.role == "row" else cell.name for cell in planned.cells]
    records = {name: (cell, engine.record(cell.chain)) for name, cell in zip(names, planned.cells, strict=True)}
    return engine, records, lambda: engine_at(registry, home)


def test_every_cell_has_the_parameters_of_the_dense_network(board):
    _, records, _ = board
    for name, (_, record) in records.items():
        assert (record.status, name and record.metrics["parameters"]) == ("ok", PARAMETERS)
        assert [layer["name"] for layer in record.layers] == ["a", "head"]


def test_a_network_comes_back_from_the_store_tied_and_equal(board):
    _, records, restarted = board
    for cell, record in records.values():
        if not cell.chain.step.epochs_trained:
            continue
        model = restarted()._state(cell.chain).model
        assert torch.equal(model.a.weight, model.b.weight)
        assert len(list(model.parameters())) == 5
        assert weights_digest(model) == record.metrics["weights_sha256"]


def test_the_stored_dense_network_has_the_digest_of_its_record(board):
    engine, records, _ = board
    cell, record = next((cell, record) for cell, record in records.values() if cell.role == "dense")
    content = safetensors.torch.load_file(engine._store.file(cell.chain.key, MODEL))
    assert set(content) == {"a.weight", "a.bias", "b.bias", "head.weight", "head.bias"}
    assert state_digest(content) == record.metrics["weights_sha256"]


def test_skipping_one_of_tied_layers_skips_the_weight(board):
    _, records, _ = board
    record = records["skipped"][1]
    assert [layer["zeros"] for layer in record.layers] == [0, 54]


@pytest.mark.parametrize("saved", [["a.weight"], ["b.weight"], ["again.weight"], ["a.weight", "b.weight"]])
def test_a_checkpoint_needs_a_tied_tensor_under_one_of_its_names(saved, tmp_path):
    source, model = Tied(), Tied()
    names = {"a.bias", "b.bias", "head.weight", "head.bias", *saved}
    tensors = {name: tensor for name, tensor in source.state_dict().items() if name in names}
    apply_checkpoint(model, tensors, tmp_path / "tied.pt")
    assert weights_digest(model) == weights_digest(source)
    assert model.a.weight is model.b.weight


def test_a_checkpoint_without_the_tied_tensor_is_refused(tmp_path):
    tensors = {name: one for name, one in Tied().state_dict().items() if not name.endswith("weight")}
    with pytest.raises(ConfigError, match=r"missing: a\.weight"):
        apply_checkpoint(Tied(), tensors, tmp_path / "tied.pt")


def test_a_state_without_ties_is_itself():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    state = distinct_state(model)
    assert list(state) == list(model.state_dict()) == list(with_tied(model, state))
