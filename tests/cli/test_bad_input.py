"""What bad input gets, at the command line: the exit code, a sentence that says what to do, and no traceback."""

import json
from pathlib import Path

import pytest

ROWS = '[[rows]]\nsteps = [{prune = "percentile", sparsity = 0.5}]\n'

UNKNOWN = {
    "pruner": (
        '[[rows]]\nsteps = [{prune = "percentil", sparsity = 0.5}]',
        ['small.toml, rows[0].steps[0]: unknown pruner "percentil"', 'did you mean "percentile"?'],
    ),
    "quantizer": (
        '[[rows]]\nsteps = [{quantize = "ste-symetric", bits = 4}]',
        ["small.toml, rows[0].steps[0]", 'did you mean "ste-symmetric"?'],
    ),
    "verb": ('[[rows]]\nsteps = [{prun = "percentile"}]', ["small.toml, rows[0].steps[0]", '"prune"']),
    "field": (
        '[[rows]]\nsteps = [{finetune = 1}, {prune = "percentile", sparsty = 0.5}]',
        ["small.toml, rows[0].steps[1]", '"sparsty"', 'did you mean "sparsity"?'],
    ),
    "value": (
        '[[rows]]\nsteps = [{prune = "percentile", sparsity = "half"}]',
        ["small.toml, rows[0].steps[0]: pruner \"percentile\": sparsity: should be a valid number (got 'half')"],
    ),
    "range": (
        '[[rows]]\nsteps = [{prune = "percentile", sparsity = 1.5}]',
        ['small.toml, rows[0].steps[0]: pruner "percentile": sparsity must be'],
    ),
    "key of a row": (f'{ROWS}labl = "x"', ["small.toml, rows[0].labl: unknown key", 'did you mean "label"?']),
    "schedule": (
        '[[rows]]\nsteps = [{prune = "percentile", sparsity = 0.5, schedule = "linaer", epochs = 1}]',
        ['small.toml, rows[0].steps[0]: unknown schedule "linaer"', 'did you mean "linear"?'],
    ),
    "recipe": (
        "[[rows]]\nsteps = [{finetune = 1, lrr = 1.0}]",
        ['small.toml, rows[0].steps[0]: unknown key "lrr"', 'did you mean "lr"?'],
    ),
}


def refused(result, *parts: str) -> None:
    assert result.code == 2, result.err
    assert result.err.splitlines()[-1].startswith("benchsuite: ")
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


@pytest.mark.parametrize("command", ["run", "plan"])
@pytest.mark.parametrize(("rows", "parts"), UNKNOWN.values(), ids=UNKNOWN)
def test_unknown_names_in_rows(benchsuite, rows, parts, command):
    refused(benchsuite(command, benchsuite.board(rows)), *parts)
    assert not (benchsuite.folder / "results").exists()


CHANGED = {
    "model": ('name = "mlp"', 'name = "mpl"', ["small.toml, dense", 'unknown model "mpl"', 'did you mean "mlp"?']),
    "data set": ('"digits"', '"digit"', ["small.toml, dense", 'unknown dataset "digit"', 'did you mean "digits"?']),
    "field of the model": ("hidden", "hiden", ['unknown field "hiden"', 'did you mean "hidden"?']),
    "metric": ("seeds", 'rank_by = "acuracy"\nseeds', ["small.toml, board.rank_by", 'did you mean "accuracy"?']),
    "section": ("[dense]", "[dens]", ["small.toml, ", "dens"]),
    "key of the board": ("title", "titel", ["small.toml, board."]),
    "no TOML": ("[dense]", "[dense", ["small.toml: not valid TOML"]),
    "seeds": ("[0]", '["a"]', ["small.toml, board.seeds[0]"]),
}


@pytest.mark.parametrize(("old", "new", "parts"), CHANGED.values(), ids=CHANGED)
def test_unknown_names_elsewhere(benchsuite, old, new, parts):
    name = benchsuite.board()
    path = benchsuite.folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    refused(benchsuite("plan", name), *parts)


def test_unknown_names_on_the_command_line(benchsuite):
    refused(benchsuite("run", "quik"), 'unknown leaderboard "quik"; did you mean "quick"?')
    refused(benchsuite("run", "nowhere.toml"), "leaderboard nowhere.toml: cannot be read: No such file")
    refused(benchsuite("info", "percentil"), 'unknown name "percentil"; did you mean "percentile"?')
    refused(benchsuite("list", "pruners"), 'unknown kind "pruners"; did you mean "pruner"?')
    refused(benchsuite("plan", "quick", "--only", "prunner=x"), 'did you mean "pruner"?')
    refused(benchsuite("plan", "quick", "--only", "pruner"), "give KEY=PATTERN")
    for seeds in ("a", "1-", "3-1", "", "0,,1", "0-x"):
        refused(benchsuite("plan", "quick", "--seeds", seeds), f"--seeds {seeds}")


FAILING = '''
from dataclasses import dataclass

import torch

from benchsuite import LayerPruner, Pruner, Quantizer, hookimpl


@dataclass(frozen=True)
class Failing(Pruner):
    """Breaks its contract."""

    how: str
    sparsity: float = 0.9

    def masks(self, layers, context):
        if self.how == "raises":
            raise RuntimeError("the pruner is out of ideas")
        if self.how == "exits":
            raise SystemExit(0)
        masks = {name: torch.rand(w.shape, generator=context.generator) > self.sparsity for name, w in layers.items()}
        if self.how == "shape":
            return {name: mask.t() for name, mask in masks.items()}
        if self.how == "dtype":
            return {name: mask.float() for name, mask in masks.items()}
        if self.how == "nan":
            return {name: torch.where(mask, 1.0, torch.nan) for name, mask in masks.items()}
        if self.how == "mutates":
            for weight in layers.values():
                weight.mul_(-1)
        exact = {name: torch.arange(w.numel()).view(w.shape) >= round(0.9 * w.numel()) for name, w in layers.items()}
        return {name: exact[name].t() for name in exact} if self.how == "transposes" else (
            exact if self.how != "misses" else {name: mask | (torch.arange(mask.numel()).view(mask.shape) < 15)
                                                for name, mask in exact.items()})

    def rescale(self, weight, mask):
        return torch.full_like(weight, torch.nan) if self.how == "nan factors" else None


@dataclass(frozen=True)
class FailingGrid(Quantizer):
    """Breaks its contract."""

    how: str
    bits: int = 2

    def quantize(self, weight):
        if self.how == "nan":
            return weight / 0 * 0
        if self.how == "mutates":
            return weight.clamp_(0, 0)
        if self.how == "too many":
            return weight * 0.5
        if self.how == "shape":
            return weight.mean()
        if self.how == "dtype":
            return weight.double().round(decimals=1)
        return weight


@hookimpl
def benchsuite_pruners():
    return {"failing": Failing}


@hookimpl
def benchsuite_quantizers():
    return {"failing-grid": FailingGrid}
'''

PRUNERS = {
    "raises": "RuntimeError: the pruner is out of ideas",
    "exits": "SystemExit: 0",
    "shape": "the mask of layer fc1 has shape (64, 8), its weight (8, 64)",
    "dtype": "the mask of layer fc1 is torch.float32, not torch.bool",
    "nan": "the mask of layer fc1 is torch.float32, not torch.bool",
    "nan factors": "rescale: NaN or infinite factors",
    "mutates": "the pruner changed the weights of layer fc1 that it was shown",
    "misses": "fc1: asked for 0.900, delivered 0.871 (446 of 512)",
}
GRIDS = {
    "nothing": "quantization changed no weight",
    "nan": "layer fc1 has NaN or infinite weights after quantization",
    "mutates": "the quantizer changed the weights of layer fc1 that it was shown",
    "too many": "distinct non-zero values at 2 bits",
    "shape": "the quantized weight is () of torch.float32, the weight (8, 64) of torch.float32",
    "dtype": "the quantized weight is (8, 64) of torch.float64, the weight (8, 64) of torch.float32",
}


def test_broken_plugins_cost_their_own_cells(benchsuite, install_plugin):
    site = install_plugin("failing-methods", FAILING)
    board = benchsuite.board(
        f"""
[[rows]]
control = false
steps = [{{prune = "failing", how = {json.dumps(list(PRUNERS))}}}]

[[rows]]
steps = [{{quantize = "failing-grid", how = {json.dumps(list(GRIDS))}}}]

[[rows]]
steps = [{{prune = "percentile", sparsity = [0.5, 0.9]}}]
"""
    )
    result = benchsuite("run", board)
    assert result.code == 3
    assert "Traceback" not in result.err
    assert "A small board" in result.out
    records = benchsuite.results()
    for method, expected in (("failing how", PRUNERS), ("failing-grid how", GRIDS)):
        for how, reason in expected.items():
            record = records.pop(f"{method} {how}")
            assert record.status == "failed", how
            assert reason in record.error.reason
            assert record.error.traceback.startswith("Traceback (most recent call last):")
            assert f"failed: {method} {how}, seed 0: {record.error.reason}" in result.err
    assert (
        'raise RuntimeError("the pruner is out of ideas")' in benchsuite.results()["failing how raises"].error.traceback
    )
    assert len(records) == 1 + 2 * 2
    assert {record.status for record in records.values()} == {"ok"}
    # in a process of its own, as the shell sees it, and with everything in the store
    again = benchsuite.shell("run", board, "--json", site=site)
    assert again.code == 3, again.err
    assert sum(record["status"] == "failed" for record in again.facts) == len(PRUNERS) + len(GRIDS)


def test_a_broken_distribution_is_a_warning_and_strictly_an_error(benchsuite, install_plugin):
    install_plugin("broken-at-import", "raise OSError('no such device')")
    listed = benchsuite("list", "pruner")
    assert listed.code == 0
    assert (
        'warning: plugin "broken-at-import" (broken-at-import 1.0) failed to load: OSError: no such dev' in listed.err
    )
    for arguments in (["list"], ["info", "mlp"], ["plan", "quick"], ["run", "quick"]):
        strict = benchsuite(*arguments, "--strict-plugins")
        assert strict.code == 6
        assert strict.err.startswith('benchsuite: plugin "broken-at-import" (broken-at-import 1.0) failed to load')
        assert "Traceback" not in strict.err


def test_two_plugins_that_claim_one_name(benchsuite, install_plugin):
    for name in ("one-dist", "two-dist"):
        install_plugin(name, FAILING)
    rows = '[[rows]]\nsteps = [{prune = ["failing", "percentile"]}]'
    result = benchsuite("run", benchsuite.board(rows))
    assert result.code == 3
    records = benchsuite.results()
    assert {method: record.status for method, record in records.items()} == {
        "dense mlp": "ok",
        "failing": "failed",
        "random as failing": "skipped",
        "percentile": "ok",
        "random as percentile": "ok",
    }
    reason = records["failing"].error.reason
    assert all(part in reason for part in ("one-dist", "two-dist", "BENCHSUITE_BLOCK="))


CLAIMS_MLP = """
from benchsuite import hookimpl
from benchsuite_plugins.mlp import MLP

@hookimpl
def benchsuite_models():
    return {"mlp": MLP}
"""


def test_a_dense_network_that_two_plugins_claim_leaves_nothing_to_run(benchsuite, install_plugin):
    install_plugin("other-mlp", CLAIMS_MLP)
    refused(benchsuite("run", benchsuite.board()), "small.toml, dense.model", "other-mlp", "BENCHSUITE_BLOCK=")


# --- data


def idx_files(root: Path) -> None:
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for prefix, count in (("train", 60_000), ("t10k", 10_000)):
        (raw / f"{prefix}-images-idx3-ubyte").write_bytes(
            bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (count, 28, 28))
        )
        (raw / f"{prefix}-labels-idx1-ubyte").write_bytes(bytes([0, 0, 8, 1]) + count.to_bytes(4, "big"))


MNIST = """
[board]
name = "small"
title = "A small board"
seeds = [0]

[dense]
dataset = "mnist"
model = "mlp"
"""


def test_missing_data(benchsuite):
    board = benchsuite.board(text=MNIST)
    refused(benchsuite("plan", board, "--data", "nowhere"), "nowhere/MNIST/raw/", "is missing", "--data")


def test_data_that_cannot_be_fetched(benchsuite, monkeypatch):
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")  # nobody listens there
    refused(benchsuite("run", benchsuite.board(text=MNIST)), "could not be downloaded", "MNIST/raw")
    assert not (benchsuite.home / "store").exists()


def test_truncated_data(benchsuite):
    idx_files(benchsuite.folder / "data")
    result = benchsuite("run", benchsuite.board(text=MNIST), "--data", "data")
    refused(result, "data/MNIST/raw/train-images-idx3-ubyte", "bytes", "delete it, and it is fetched again")


def test_data_of_another_kind(benchsuite):
    idx_files(benchsuite.folder / "data")
    wrong = benchsuite.folder / "data" / "MNIST" / "raw" / "train-images-idx3-ubyte"
    wrong.write_bytes(b"<html>not found</html>")
    refused(benchsuite("run", benchsuite.board(text=MNIST), "--data", "data"), str(wrong.name), "does not begin")


WRONG_DATA = '''
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchsuite import DataError, DataInfo, Dataset, ImageData, hookimpl


@dataclass(frozen=True)
class Shifting(Dataset):
    """Its file says how many examples there are."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=4, width=4, classes=2)

    def load(self, root, split):
        count = int((root / "count").read_text())
        labels = torch.arange(20) % 2
        return ImageData(torch.zeros(count, 1, 4, 4, dtype=torch.uint8), labels)

    def files(self, root):
        return [root / "count"]


@hookimpl
def benchsuite_datasets():
    return {"shifting": Shifting}
'''


def test_wrong_data_stop_the_run_and_leave_nothing(benchsuite, install_plugin):
    install_plugin("wrong-data", WRONG_DATA)
    board = benchsuite.board(ROWS)
    path = benchsuite.folder / board
    path.write_text(path.read_text(encoding="utf-8").replace("digits", "shifting"), encoding="utf-8")
    (benchsuite.folder / "count").write_text("19")
    refused(
        benchsuite("run", board, "--data", "."), "shifting, train: images have shape (19, 1, 4, 4), not (20, 1, 4, 4)"
    )
    assert not list((benchsuite.home / "store").iterdir())
    (benchsuite.folder / "count").write_text("20")
    assert benchsuite("run", board, "--data", ".").code == 0


# --- what cannot be written


def test_a_store_that_is_not_writable(benchsuite, monkeypatch):
    (benchsuite.folder / "file").write_text("no folder")
    monkeypatch.setenv("BENCHSUITE_HOME", str(benchsuite.folder / "file"))
    board = benchsuite.board(ROWS)
    refused(benchsuite("run", board), "the store", "file is not writable", "set BENCHSUITE_HOME")
    assert not (benchsuite.folder / "results").exists()


@pytest.mark.parametrize("output", ["file", "results"])
def test_results_that_cannot_be_written_or_read_show_before_any_training(benchsuite, output):
    (benchsuite.folder / "file").write_text("no folder")
    (benchsuite.folder / "results").mkdir()
    (benchsuite.folder / "results" / "small.jsonl").write_text("{}\n")
    refused(benchsuite("run", benchsuite.board(ROWS), "--output", output), f"{output}/small.jsonl")
    assert not list((benchsuite.home / "store").iterdir())
    assert (benchsuite.folder / "results" / "small.jsonl").read_text() == "{}\n"


LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0}))"


def test_a_full_disk_is_a_clear_error_and_corrupts_nothing(benchsuite):
    board = benchsuite.board(ROWS)
    full = benchsuite.shell("run", board, prelude=LIMIT.format(2000), PYTHONDONTWRITEBYTECODE="1")
    refused(full, "cannot be written", "make room")
    assert not list((benchsuite.home / "store").iterdir())
    assert not list((benchsuite.home / "aside").iterdir())
    assert benchsuite("run", board).code == 0
    assert {record.status for record in benchsuite.results().values()} == {"ok"}


def test_no_cuda(benchsuite):
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    refused(
        benchsuite("run", benchsuite.board(ROWS), "--device", "cuda"), "--device cuda: torch finds no CUDA device here"
    )
