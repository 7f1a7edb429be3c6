"""Checkpoint files: what is read, what is refused, and what must fit."""

import os
import pickle
from hashlib import sha256
from pathlib import Path

import pytest
import safetensors.torch
import torch
from tiny_board import engine_at, plan_rows, registry_with, run
from torch import nn

from benchsuite.errors import ConfigError, DataError
from benchsuite.execution.checkpoint import apply_checkpoint, digest, load_checkpoint

PUBLIC = (
    Path(os.environ.get("BENCHSUITE_TEST_DATA", Path(__file__).parents[3] / "shared" / "data"))
    / "checkpoints"
    / "resnet20-12fca82f.th"
)


class Code:
    """Leaves a file behind where it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))


def filled(value=0.25):
    return {name: torch.full_like(tensor, value) for name, tensor in network().state_dict().items()}


@pytest.fixture
def checkpoint(tmp_path):
    return tmp_path / "weights.pt"


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_wrappers_and_prefixes_of_torch_files(prefix, wrapped, legacy, checkpoint):
    state = {f"{prefix}{name}": tensor for name, tensor in filled().items()}
    content = {"epoch": 3, "state_dict": state} if wrapped else state
    torch.save(content, checkpoint, _use_new_zipfile_serialization=not legacy)
    model = network()
    apply_checkpoint(model, load_checkpoint(checkpoint), checkpoint)
    assert all((tensor == 0.25).all() for tensor in model.parameters())
    assert digest(checkpoint) == sha256(checkpoint.read_bytes()).hexdigest()


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_safetensors_by_suffix_or_content(suffix, tmp_path):
    path = tmp_path / f"weights.{suffix}"
    safetensors.torch.save_file({f"module.{name}": tensor for name, tensor in filled().items()}, path)
    found = load_checkpoint(path)
    assert all(torch.equal(found[name], tensor) for name, tensor in filled().items())
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=rf"weights\.{suffix} is damaged"):
        load_checkpoint(path)


def test_a_prefix_of_some_names_only_is_a_part_of_them(checkpoint):
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, checkpoint)
    assert set(load_checkpoint(checkpoint)) == {"module.a", "b"}


@pytest.mark.parametrize("save", ["zip", "legacy", "pickle"])
def test_pickled_code_is_refused_and_not_run(save, checkpoint, tmp_path):
    content = {"state_dict": filled(), "extra": Code(tmp_path / "trace")}
    if save == "pickle":
        checkpoint.write_bytes(pickle.dumps({"extra": Code(tmp_path / "trace")}))
    else:
        torch.save(content, checkpoint, _use_new_zipfile_serialization=save == "zip")
    with pytest.raises(DataError, match=r"weights\.pt is refused: it holds pickled code"):
        load_checkpoint(checkpoint)
    assert not (tmp_path / "trace").exists()


def test_a_pickled_module_is_refused(checkpoint):
    torch.save(network(), checkpoint)
    with pytest.raises(DataError, match="refused"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("part", [0, 0.001, 0.1, 0.5, 0.99])
def test_a_file_cut_off_is_named(part, legacy, checkpoint):
    torch.save(filled(), checkpoint, _use_new_zipfile_serialization=not legacy)
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[: int(part * len(data))])
    with pytest.raises(DataError, match=r"weights\.pt is damaged, cut off or no file of torch"):
        load_checkpoint(checkpoint)


def test_a_file_of_something_else_is_named(checkpoint):
    checkpoint.write_text("<html>404</html>")
    with pytest.raises(DataError, match="no file of torch"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("content", [[torch.zeros(1)], {}, {"state_dict": {"a": 1}}, {"state_dict": {}}, {3: 4}])
def test_what_is_no_state_dict_is_told(content, checkpoint):
    torch.save(content, checkpoint)
    with pytest.raises(DataError, match=r"holds no tensors by name|not a tensor"):
        load_checkpoint(checkpoint)


@pytest.mark.parametrize("read", [load_checkpoint, digest])
def test_a_missing_file_is_named(read, checkpoint):
    with pytest.raises(DataError, match=r"weights\.pt cannot be read"):
        read(checkpoint)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"3.weight": None}, "missing: 3.weight$"),
        ({"4.weight": torch.zeros(1)}, "unexpected: 4.weight$"),
        ({"3.weight": torch.zeros(3, 9)}, r"of another shape: 3.weight \(3, 9\) instead of \(3, 8\)$"),
        (dict.fromkeys(["0.weight", "0.bias", "1.weight", "1.bias"]), r"0.weight, 0.bias, 1.weight and 1 more$"),
    ],
)
def test_another_architecture_is_told_and_changes_nothing(change, message, checkpoint):
    tensors = {name: tensor for name, tensor in (filled() | change).items() if tensor is not None}
    model = network()
    with pytest.raises(ConfigError, match=f"{checkpoint.name} is of another architecture: .*{message}"):
        apply_checkpoint(model, tensors, checkpoint)
    assert all(
        torch.equal(ours, theirs) for ours, theirs in zip(model.parameters(), network().parameters(), strict=True)
    )


def test_the_counter_of_batch_norm_may_be_missing(checkpoint):
    tensors = {name: tensor for name, tensor in filled().items() if not name.endswith("num_batches_tracked")}
    model = network()
    apply_checkpoint(model, tensors, checkpoint)
    assert model[1].num_batches_tracked == 0


def test_a_board_starts_from_the_weights_of_a_file(tmp_path):
    registry = registry_with()
    trained = plan_rows(registry, recipe={"epochs": 3}).cells[0].chain
    engine = engine_at(registry, tmp_path / "one")
    dense = engine.record(trained)
    file = tmp_path / "weights.pt"
    torch.save({"state_dict": engine._state(trained).model.state_dict()}, file)

    rows = {"steps": [{"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}]}
    planned = plan_rows(registry, rows, weights=str(file))
    records = run(planned, engine_at(registry, tmp_path / "two"))
    assert {record.status for record in records.values()} == {"ok"}
    again = records["dense net, seed 0"]
    measured = ("loss", "accuracy", "correct", "parameters", "size_bytes")
    assert [again.metrics.number(name) for name in measured] == [dense.metrics.number(name) for name in measured]
    assert (again.cost.epochs, again.history) == (0, {})
    assert records["percentile sparsity 0.5, 1 epoch, seed 0"].cost.epochs == 1
    assert not list(tmp_path.glob(f"two/store/{again.key}/model*"))
    file.rename(tmp_path / "moved.pt")
    moved = plan_rows(registry, rows, weights=str(tmp_path / "moved.pt"))
    taken_over = run(moved, engine_at(registry, tmp_path / "two"))
    assert [record.text for record in taken_over.values()] == [record.text for record in records.values()]


def test_a_board_whose_checkpoint_does_not_fit_is_refused(checkpoint, tmp_path):
    torch.save(filled(), checkpoint)
    planned = plan_rows(registry_with(), weights=str(checkpoint))
    with pytest.raises(ConfigError, match=r"weights\.pt is of another architecture"):
        run(planned, engine_at(registry_with(), tmp_path))


@pytest.mark.data
@pytest.mark.skipif(not PUBLIC.is_file(), reason=f"{PUBLIC} is absent: set BENCHSUITE_TEST_DATA")
def test_the_public_checkpoint():
    assert digest(PUBLIC).startswith("12fca82f")
    tensors = load_checkpoint(PUBLIC)
    assert len(tensors) == 97
    assert tensors["layer1.0.conv1.weight"].shape == (16, 16, 3, 3)
