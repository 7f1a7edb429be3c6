"""Physical removal of channels: what may go, that outputs stay, chains with it, and breaches of the contract."""

import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from tiny_board import engine_at, plan_rows, registry_with, run
from torch import nn

import benchsuite
from benchsuite import ChannelPruner, ConfigError, DataInfo, PluginError
from benchsuite.execution.shrink import ChannelGraph
from benchsuite.metrics import dense_bytes, layer_macs, prunable
from benchsuite_plugins.convnet import ConvNet
from benchsuite_plugins.resnet import ResNet
from benchsuite_plugins.vgg import VGG

CIFAR, DIGITS = DataInfo(3, 32, 32, 10), DataInfo(1, 8, 8, 10)
NETWORKS = {
    "vgg11": (VGG(depth=11), CIFAR),
    "vgg19": (VGG(), CIFAR),
    "resnet20": (ResNet(), CIFAR),
    "convnet": (ConvNet(), DIGITS),
}


def randomised(name: str) -> tuple[nn.Module, torch.Tensor]:
    """A network as no initialisation leaves it, in evaluation mode, and inputs for it."""
    torch.manual_seed(3)
    architecture, info = NETWORKS[name]
    network = architecture.build(info).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias, std=0.2)
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return network, torch.randn(3, info.channels, info.height, info.width)


def slimmed(network: nn.Module, inputs: torch.Tensor, sparsity: float) -> nn.Module:
    return benchsuite.prune(network, "slimming", sparsity=sparsity, example_input=inputs)


def parameters(network: nn.Module, _: torch.Tensor) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def macs(network: nn.Module, inputs: torch.Tensor) -> int:
    return sum(layer_macs(network, inputs).values())


def kept_by_hand(network: nn.Module, norms: dict[str, str], sparsity: float) -> dict[str, torch.Tensor]:
    """By layer: |γ| above the ⌊s·n⌋-th of all sorted, counted from 0; the largest where none is."""
    scales = {layer: network.get_submodule(norm).weight.detach().abs() for layer, norm in norms.items()}
    every = sorted(float(scale) for values in scales.values() for scale in values)
    threshold = every[int(sparsity * len(every) + 1e-9)]
    return {
        layer: torch.tensor([float(one) > threshold or one == values.max() for one in values])
        for layer, values in scales.items()
    }


@pytest.mark.parametrize(
    ("name", "sparsity"),
    [
        *(("vgg11", s) for s in (0.3, 0.9)),
        ("vgg19", 0.5),
        *(("resnet20", s) for s in (0.5, 0.99)),
        *(("convnet", s) for s in (0.2, 0.5, 0.99)),
    ],
)
def test_a_slimmed_network_gives_what_it_gave_with_those_scales_and_shifts_at_zero(name, sparsity):
    network, inputs = randomised(name)
    before = deepcopy(network.state_dict())
    norms = ChannelGraph(deepcopy(network), inputs[:1]).removable
    keep = kept_by_hand(network, norms, sparsity)
    small = slimmed(network, inputs, sparsity)

    assert all(torch.equal(before[key], tensor) for key, tensor in network.state_dict().items())
    layers = prunable(small)
    assert {layer: len(layers[layer].weight) for layer in norms} == {
        layer: int(one.sum()) for layer, one in keep.items()
    }
    for layer, norm in norms.items():
        assert small.get_submodule(norm).num_features == len(layers[layer].weight) >= 1
    removed, total = (sum(int(count(one)) for one in keep.values()) for count in (lambda one: (~one).sum(), len))
    last = sum(int(one.sum()) == 1 for one in keep.values())
    assert int(sparsity * total) + 1 - last <= removed <= int(sparsity * total) + 1

    zeroed = deepcopy(network)
    for layer, norm in norms.items():
        with torch.no_grad():
            zeroed.get_submodule(norm).weight[~keep[layer]] = 0
            zeroed.get_submodule(norm).bias[~keep[layer]] = 0
    with torch.no_grad():
        whole, expected, found = (one(inputs) for one in (network, zeroed, small))
    assert not torch.equal(expected, whole)
    assert float((found - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.abs().max()))

    for count in (parameters, macs):
        assert count(small, inputs) < count(network, inputs)


def test_at_least_one_channel_stays_in_every_layer():
    network, inputs = randomised("vgg11")
    small = slimmed(network, inputs, 0.99)
    widths = [layer.out_channels for layer in prunable(small).values() if isinstance(layer, nn.Conv2d)]
    assert min(widths) == 1
    assert sum(widths) <= 2752 * 0.01 + len(widths)
    assert small(inputs).isfinite().all()


def test_the_channel_list_of_vgg_rebuilds_a_slimmed_one():
    network, inputs = randomised("vgg19")
    small = slimmed(network, inputs, 0.7)
    channels = tuple(layer.out_channels for layer in prunable(small).values() if isinstance(layer, nn.Conv2d))
    rebuilt = VGG(channels=channels).build(CIFAR).eval()
    assert {key: tensor.shape for key, tensor in rebuilt.state_dict().items()} == {
        key: tensor.shape for key, tensor in small.state_dict().items()
    }
    rebuilt.load_state_dict(small.state_dict())
    assert torch.equal(rebuilt(inputs), small(inputs))


def test_of_a_residual_network_only_channels_inside_blocks_can_go():
    for depth in (8, 20):
        network = ResNet(depth=depth).build(CIFAR)
        blocks = [f"layer{stage}.{number}" for stage in (1, 2, 3) for number in range((depth - 2) // 6)]
        expected = {f"{block}.conv1": f"{block}.bn1" for block in blocks}
        assert ChannelGraph(network, torch.zeros(1, 3, 32, 32)).removable == expected


class HeadFirst(nn.Module):
    """Its output layer is the first it names; one convolution feeds a grouped one; one parameter is in no layer."""

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)
        self.conv = nn.Conv2d(1, 8, 3)
        self.bn = nn.BatchNorm2d(8)
        self.scale = nn.Parameter(torch.rand(1, 8, 1, 1))
        self.wide = nn.Conv2d(8, 8, 1)
        self.grouped = nn.Conv2d(8, 8, 1, groups=2)
        self.single = nn.Conv2d(8, 8, 1, groups=8)
        self.last = nn.Conv2d(8, 6, 1)
        self.unused = nn.Linear(2, 2)

    def forward(self, images):
        features = self.wide((self.bn(self.conv(images)) * self.scale).relu())
        features = self.last(self.single(self.grouped(features).relu()))
        return self.head(features.mean((2, 3)))


def test_outputs_grouped_and_unused_layers_keep_their_channels():
    network, images = HeadFirst(), torch.zeros(1, 1, 6, 6)
    assert ChannelGraph(network, images).removable == {"conv": "bn", "last": None}
    small = benchsuite.prune(network, "random-channels", sparsity=0.5, example_input=images)
    assert (small.conv.out_channels, small.last.out_channels, tuple(small.scale.shape)) == (4, 3, (1, 4, 1, 1))
    assert small(images).shape == (1, 3)


def test_tracing_and_removal_leave_modes_and_frozen_parameters():
    network, inputs = randomised("convnet")
    network.train()
    network.bn2.eval()
    network.requires_grad_(False)
    network.fc.requires_grad_(True)
    with torch.no_grad():
        small = slimmed(network, inputs, 0.5)
    assert small.conv1.out_channels < 16
    for one in (network, small):
        assert {name for name, parameter in one.named_parameters() if parameter.requires_grad} == {
            "fc.weight",
            "fc.bias",
        }
        assert [module.training for module in (one, one.bn1, one.bn2)] == [True, True, False]


def test_skipped_layers_keep_their_channels():
    network, inputs = randomised("convnet")
    small = benchsuite.prune(network, "slimming", sparsity=0.9, skip=["first"], example_input=inputs)
    assert small.conv1.out_channels == 16
    assert small.conv2.out_channels + small.conv3.out_channels == 64 - 58
    with pytest.raises(ConfigError, match='no layer matches "conv9"'):
        benchsuite.prune(network, "slimming", skip=["conv9"], example_input=inputs)


def test_layers_without_scales_are_none_of_the_sparsity_of_slimming():
    network = nn.Sequential(
        *(nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Flatten()),
        *(nn.Linear(96, 40), nn.ReLU(), nn.Linear(40, 3)),
    )
    nn.init.normal_(network[1].weight)
    small = slimmed(network, torch.zeros(1, 1, 6, 6), 0.5)
    assert [tuple(layer.weight.shape) for layer in prunable(small).values()] == [(2, 1, 3, 3), (40, 32), (3, 40)]


@pytest.mark.parametrize(
    ("network", "pruner", "error", "message"),
    [
        (
            nn.Sequential(nn.Flatten(), nn.Linear(36, 8), nn.Linear(8, 3)),
            "slimming",
            ValueError,
            "has a BatchNorm scale",
        ),
        (nn.Sequential(nn.Flatten(), nn.Linear(36, 3)), "random-channels", PluginError, "no layer of this network"),
    ],
)
def test_a_network_in_which_nothing_can_be_removed(network, pruner, error, message):
    with pytest.raises(error, match=message):
        benchsuite.prune(network, pruner, example_input=torch.zeros(1, 1, 6, 6))


def test_a_network_that_diverged_is_told():
    network, inputs = randomised("convnet")
    network.bn2.weight.data[3] = torch.nan
    with pytest.raises(PluginError, match=r"bn2\.weight is NaN or infinite"):
        slimmed(network, inputs, 0.5)


class FixedWidth(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.fc = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 3)

    def forward(self, images):
        return self.fc(self.bn(self.conv(images)).mean((2, 3)) + torch.zeros(4))


def test_a_network_that_cannot_do_without_its_channels_is_told():
    with pytest.raises(PluginError, match="without the removed channels the network does not run"):
        benchsuite.prune(FixedWidth(), "random-channels", example_input=torch.zeros(1, 1, 6, 6))


# Chains with a removal, through the engine

CONVNET = {
    "model": {"name": "convnet", "widths": [8, 8, 8]},
    "regularizer": {"name": "bn-l1", "strength": 1e-3},
    "recipe": {"epochs": 2, "batch_size": 32},
}
SLIM = {"prune": "slimming", "sparsity": 0.5}
ROWS = (
    {"label": "slim", "steps": [SLIM, {"evaluate": "before"}, {"finetune": 2}]},
    {
        "label": "slim, mask",
        "steps": [SLIM, {"finetune": 2}, {"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}],
    },
    {
        "label": "slim, quantize",
        "control": False,
        "steps": [SLIM, {"finetune": 2}, {"quantize": "ste-symmetric", "bits": 4}, {"finetune": 1}],
    },
    {"label": "slim twice", "control": False, "steps": [SLIM, {"finetune": 2}, SLIM, {"finetune": 1}]},
)


def planned_rows():
    return plan_rows(registry_with(), *ROWS, **CONVNET)


@pytest.fixture(scope="module")
def slim_board(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    planned = planned_rows()
    return home, planned, run(planned, engine_at(registry_with(), home))


def shapes(record) -> dict[str, list[int]]:
    return {layer.name: list(layer.shape) for layer in record.layers}


def test_records_of_a_slimmed_chain(slim_board):
    _, _, records = slim_board
    assert {(name, record.status) for name, record in records.items()} == {(name, "ok") for name in records}
    dense, before, after = (records[f"{name}, seed 0"] for name in ("dense convnet", "slim before", "slim"))
    assert shapes(before) == shapes(after)
    assert sum(shape[0] for name, shape in shapes(after).items() if name != "fc") == 24 - 13
    for metric in ("parameters", "macs", "effective_macs", "nonzeros", "size_bytes"):
        assert before.metrics.number(metric) < dense.metrics.number(metric)
    assert before.metrics.number("sparsity") == 0
    assert after.cost.epochs == 2 + 2
    assert "bn_sparsity" in after.history
    assert sum(after.metrics.bn_scales.counts) == 24 - 13
    assert before.metrics.bn_scales is None


def test_compression_is_relative_to_the_dense_parent(slim_board):
    _, planned, records = slim_board
    parent = dense_bytes(engine_at(registry_with(), slim_board[0]).steps.build(planned.cells[0].chain))
    assert parent > 4 * records["dense convnet, seed 0"].metrics.number("parameters")
    for record in records.values():
        assert record.metrics.number("compression") == pytest.approx(
            parent / record.metrics.number("size_bytes"), rel=1e-12
        )


def test_the_control_removes_as_many_channels_of_each_layer_but_others(slim_board):
    home, planned, records = slim_board
    controls = {
        name.removeprefix("random as ").removesuffix(", seed 0"): record
        for name, record in records.items()
        if name.startswith("random")
    }
    assert set(controls) == {"slim before", "slim", "slim, mask"}
    for name, control in controls.items():
        row = records[f"{name}, seed 0"]
        assert shapes(control) == shapes(row)
        assert [layer.zeros for layer in control.layers] == [layer.zeros for layer in row.layers]
        assert control.cost.epochs == row.cost.epochs
    engine = engine_at(registry_with(), home)
    own, random = (
        engine._state(next(cell.chain for cell in planned.cells if cell.name == name)).removals[0]
        for name in ("slim, seed 0", "random as slim, seed 0")
    )
    assert {layer: int(mask.sum()) for layer, mask in own.items()} == {
        layer: int(mask.sum()) for layer, mask in random.items()
    }
    assert any(not torch.equal(own[layer], random[layer]) for layer in own)


def test_masks_and_grids_hold_on_a_slimmed_network(slim_board):
    _, _, records = slim_board
    masked, quantized, twice = (records[f"slim{name}, seed 0"] for name in (", mask", ", quantize", " twice"))
    assert masked.metrics.number("sparsity") == pytest.approx(0.5, abs=0.05)
    assert shapes(masked) == shapes(quantized) == shapes(records["slim, seed 0"])
    assert quantized.metrics.number("bits_per_weight") == 4
    assert quantized.metrics.number("compression") > records["slim, seed 0"].metrics.number("compression")
    assert 3 <= sum(shape[0] for name, shape in shapes(twice).items() if name != "fc") < 11


def outputs(home: Path) -> dict[str, list[float]]:
    """Of each chain that ends in training, as a fresh engine reloads it from the store."""
    engine = engine_at(registry_with(), home)
    torch.manual_seed(0)
    images = torch.randn(2, 1, 6, 6)
    found = {}
    for cell in planned_rows().cells:
        if cell.chain.step.epochs_trained:
            with torch.no_grad():
                found[cell.name] = engine._state(cell.chain).model(images).flatten().tolist()
    return found


def test_a_fresh_process_reloads_the_same_networks(slim_board, monkeypatch):
    home, planned, _ = slim_board
    here = outputs(home)
    assert len(here) == 1 + 4 + 2
    trained = engine_at(registry_with(), home, rerun="all")
    run(planned, trained)
    torch.manual_seed(0)
    images = torch.randn(2, 1, 6, 6)
    for cell in planned.cells:
        if cell.key in trained._recent and cell.name in here:
            with torch.no_grad():
                assert trained._recent[cell.key].model(images).flatten().tolist() == here[cell.name]
    code = f"import test_channels; print(test_channels.outputs(test_channels.Path({str(home)!r})))"
    there = subprocess.run(
        [sys.executable, "-c", code], cwd=Path(__file__).parent, capture_output=True, text=True, check=True
    )
    assert there.stdout == f"{here}\n"


def test_channels_are_not_removed_after_masks_or_quantization(tmp_path):
    mask, grid = {"prune": "percentile", "sparsity": 0.3}, {"quantize": "ste-symmetric", "bits": 4}
    rows = [{"label": "late", "control": False, "steps": [first, SLIM]} for first in (mask, grid)]
    for row in rows:
        planned = plan_rows(registry_with(), row, **CONVNET)
        record = run(planned, engine_at(registry_with(), tmp_path))["late, seed 0"]
        assert record.status == "failed"
        told = "channels are removed from a plain network: before masks and quantization, not after"
        assert record.error.reason == told


# Breaches of the contract


@dataclass(frozen=True)
class Breaking(ChannelPruner):
    """Keeps the first half of each layer's channels, but for one breach."""

    breach: str = ""
    sparsity: float = 0.5

    def channels(self, model, context):
        keep = {layer: torch.arange(8) >= 4 for layer in context.removable}
        match self.breach:
            case "unknown layer":
                return keep | {"conv9": keep["conv1"]}
            case "output layer":
                return keep | {"fc": torch.arange(3) > 0}
            case "dtype":
                return keep | {"conv2": torch.arange(8)}
            case "length":
                return keep | {"conv2": keep["conv2"][:7]}
            case "no tensor":
                return keep | {"conv2": [True] * 8}
            case "nothing stays":
                return keep | {"conv3": torch.zeros(8, dtype=torch.bool)}
            case "no mapping":
                return list(keep)
            case "too little":
                return keep | {"conv2": torch.arange(8) >= 2}
            case "too much":
                return keep | {"conv2": torch.arange(8) >= 6}
            case "nothing":
                return {}
            case "raises":
                raise RuntimeError("no channel today")
            case "changes the model":
                model.conv1.weight.data.zero_()
        return keep


BREACHES = {
    "unknown layer": "the output channels of layer conv9 cannot be removed alone",
    "output layer": "the output channels of layer fc cannot be removed alone",
    "dtype": "layer conv2: bools of shape (8,) say which channels stay, not torch.int64 of shape (8,)",
    "length": "layer conv2: bools of shape (8,) say which channels stay, not torch.bool of shape (7,)",
    "no tensor": "layer conv2: bools of shape (8,) say which channels stay, not list",
    "nothing stays": "layer conv3: no channel would stay",
    "no mapping": "a mapping of layers to channels expected, got list",
    "too little": "channels: asked for 0.500, delivered 0.417 (10 of 24)",
    "too much": "channels: asked for 0.500, delivered 0.583 (14 of 24)",
    "nothing": "channels: asked for 0.500, delivered 0.000 (0 of 24)",
    "raises": "RuntimeError: no channel today",
}


def test_breaches_cost_exactly_their_own_cells(tmp_path):
    registry = registry_with(pruner_breaking=Breaking)
    steps = [{"prune": "breaking", "breach": [*BREACHES, "changes the model", "none"]}]
    planned = plan_rows(registry, {"label": "half", "steps": steps, "control": False}, **CONVNET)
    records = run(planned, engine_at(registry, tmp_path))
    for breach, reason in BREACHES.items():
        record = records[f"half breach {breach}, seed 0"]
        assert (record.status, record.error.reason) == ("failed", reason)
        assert "Traceback" in record.error.traceback
    changing, fine = (records[f"half breach {name}, seed 0"] for name in ("changes the model", "none"))
    assert (changing.status, fine.status) == ("ok", "ok")
    assert changing.metrics == fine.metrics
    assert shapes(fine)["conv2"] == [4, 4, 3, 3]


def test_slimming_a_network_without_batch_norm_is_refused_before_anything_is_trained(tmp_path):
    planned = plan_rows(registry_with(), {"steps": [SLIM]})
    engine = engine_at(registry_with(), tmp_path)
    with pytest.raises(ConfigError, match=r'"slimming sparsity 0.5" on net: .* this network has no BatchNorm'):
        run(planned, engine)
    assert engine.stored(planned.cells[0].chain) is None
