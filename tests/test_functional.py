"""The functions for notebooks: on any network, which is never changed, and with plain modules for an answer."""

import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

import benchsuite
from benchsuite import ConfigError, DataError, PluginError
from benchsuite.metrics import prunable


def sequential() -> nn.Module:
    return nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3, padding=1, bias=False),
        nn.BatchNorm2d(6),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 4),
    )


def tied() -> nn.Module:
    model = nn.Sequential(nn.Linear(20, 16), nn.Linear(16, 16), nn.Linear(16, 16), nn.Linear(16, 4))
    model[2].weight = model[1].weight
    return model


def frozen() -> nn.Module:
    model = sequential()
    model[0].requires_grad_(False)
    return model


class Reader(nn.Module):
    """An embedding whose weight is also that of the output layer."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(4, 20)
        self.mix = nn.Linear(20, 20)
        self.out = nn.Linear(20, 4, bias=False)
        self.out.weight = self.embed.weight

    def forward(self, inputs):
        return self.out(self.mix(inputs + self.embed.weight.mean(0)))


class Labelled(nn.Module):
    """Keyword-only habits: buffers, a list of layers, an unused parameter."""

    def __init__(self):
        super().__init__()
        self.register_buffer("shift", torch.ones(20))
        self.scale = nn.Parameter(torch.ones(20))
        self.layers = nn.ModuleList([nn.Linear(20, 8), nn.Linear(8, 4)])

    def forward(self, inputs):
        return self.layers[1](self.layers[0](inputs * self.scale + self.shift))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "sequential": sequential,
    "convolutional": convolutional,
    "tied": tied,
    "frozen": frozen,
    "reader": Reader,
    "labelled": Labelled,
}


@pytest.fixture(params=MODELS)
def model(request) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[request.param]()


def inputs_of(model: nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    is_image = any(isinstance(module, nn.Conv2d) for module in model.modules())
    return torch.randn((6, 1, 8, 8) if is_image else (6, 20), generator=generator)


class Witness:
    """Sees whether a model is afterwards what it was before."""

    def __init__(self, model: nn.Module):
        self.model = model
        self.state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.identities = [id(parameter) for parameter in model.parameters()]
        self.types = [type(module) for module in model.modules()]
        self.flags = self.seen()

    def seen(self) -> list[object]:
        return [
            [module.training for module in self.model.modules()],
            [parameter.requires_grad for parameter in self.model.parameters()],
            [parameter.grad is None for parameter in self.model.parameters()],
            [len(module._forward_hooks) + len(module._forward_pre_hooks) for module in self.model.modules()],
        ]

    def confirm(self) -> None:
        assert list(self.model.state_dict()) == list(self.state)
        assert all(torch.equal(tensor, self.state[name]) for name, tensor in self.model.state_dict().items())
        assert [id(parameter) for parameter in self.model.parameters()] == self.identities
        assert [type(module) for module in self.model.modules()] == self.types
        assert not any(parametrize.is_parametrized(module) for module in self.model.modules())
        assert self.seen() == self.flags


def plain(model: nn.Module, original: nn.Module) -> None:
    assert [type(module) for module in model.modules()] == [type(module) for module in original.modules()]
    assert list(model.state_dict()) == list(original.state_dict())
    assert [module.training for module in model.modules()] == [module.training for module in original.modules()]
    flags = [dict(one.named_parameters(remove_duplicate=False)) for one in (model, original)]
    assert {name: one.requires_grad for name, one in flags[0].items()} == {
        name: one.requires_grad for name, one in flags[1].items()
    }
    owned = {tensor.data_ptr() for tensor in original.state_dict().values()}
    assert not any(tensor.data_ptr() in owned for tensor in model.state_dict().values())


PRUNERS = {
    "percentile": {"sparsity": 0.8},
    "global-percentile": {"sparsity": 0.5},
    "weight": {"sparsity": 0.5},
    "unit": {"sparsity": 0.5},
    "random": {"sparsity": 0.5},
    "neff-row": {"beta": 0.5, "renormalize": True},
    "neff-network": {},
}


@pytest.mark.parametrize("name", PRUNERS)
def test_prune_any_network(model, name):
    witness = Witness(model)
    pruned = benchsuite.prune(model, name, **PRUNERS[name])
    witness.confirm()
    plain(pruned, model)
    zeros = sum(int((layer.weight == 0).count_nonzero()) for layer in prunable(pruned).values())
    assert zeros > 0
    before = dict(prunable(model).items())
    if not name.startswith("neff"):
        for layer_name, layer in prunable(pruned).items():
            kept = layer.weight != 0
            assert torch.equal(layer.weight[kept], before[layer_name].weight[kept])
    assert pruned.eval()(inputs_of(model)).isfinite().all()


@pytest.mark.parametrize(("name", "fields"), [("ste-symmetric", {"bits": 4}), ("ste-asymmetric", {"bits": 3})])
def test_quantize_any_network(model, name, fields):
    witness = Witness(model)
    quantized = benchsuite.quantize(model, name, **fields)
    witness.confirm()
    plain(quantized, model)
    quantizer = benchsuite.get("quantizer", name, **fields)
    before = prunable(model)
    for layer_name, layer in prunable(quantized).items():
        assert torch.equal(layer.weight, quantizer.quantize(before[layer_name].weight.detach()))
        assert layer.weight.unique().numel() <= 2 ** fields["bits"]


def counted(model: nn.Module) -> dict[str, int | float]:
    return benchsuite.measure(model, torch.zeros(1, 20, dtype=next(model.parameters()).dtype))


ALL = 20 * 16 + 16 * 16 + 16 * 4
"""Weights of `sequential`."""


@pytest.mark.parametrize("bits", [2, 3, 4, 8, 16])
@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("name", ["ste-symmetric", "ste-asymmetric"])
def test_measure_counts_the_bits_of_a_quantized_network(name, bits, per_channel):
    torch.manual_seed(0)
    quantized = benchsuite.quantize(sequential(), name, bits=bits, per_channel=per_channel)
    assert counted(quantized)["bits_per_weight"] == bits
    assert counted(benchsuite.prune(deepcopy(quantized), "random", sparsity=0.5))["bits_per_weight"] == bits
    if bits < 16:
        assert counted(quantized.bfloat16())["bits_per_weight"] == bits


def test_measure_averages_bits_over_weights():
    torch.manual_seed(0)
    four = {"quantizer": "ste-symmetric", "bits": 4}
    first_skipped = counted(benchsuite.quantize(sequential(), **four, skip=["first"]))["bits_per_weight"]
    assert first_skipped == pytest.approx((320 * 32 + (ALL - 320) * 4) / ALL)
    eight = benchsuite.quantize(sequential(), "ste-asymmetric", bits=8, skip=["last"])
    mixed = benchsuite.quantize(eight, "ste-asymmetric", bits=3, skip=["first", "2"])
    assert counted(mixed)["bits_per_weight"] == pytest.approx((576 * 8 + 64 * 3) / ALL)
    half = benchsuite.quantize(sequential().half(), **four, skip=["first"])
    assert counted(half)["bits_per_weight"] == pytest.approx((320 * 16 + (ALL - 320) * 4) / ALL)


def test_a_quantized_network_that_was_trained_is_of_floats_again():
    torch.manual_seed(0)
    quantized = benchsuite.quantize(sequential(), "ste-symmetric", bits=8)
    optimizer = torch.optim.SGD(quantized.parameters(), lr=1e-3)
    quantized(torch.randn(8, 20)).square().mean().backward()
    optimizer.step()
    assert counted(quantized)["bits_per_weight"] == 32


@pytest.mark.parametrize(
    ("dtype", "bits"), [(torch.float64, 64), (torch.float32, 32), (torch.bfloat16, 16), (torch.float16, 16)]
)
def test_measure_counts_the_bits_of_the_dtype(dtype, bits):
    torch.manual_seed(0)
    model = sequential()
    for parameter in model.parameters():
        parameter.data = torch.rand_like(parameter, dtype=torch.float64).to(dtype)
    found = counted(model)
    assert found["bits_per_weight"] == bits
    dense = 4 * found["parameters"]
    assert found["compression"] == dense / found["size_bytes"]
    assert found["size_bytes"] < dense * bits / 32 + 400


def test_a_quantizer_of_more_values_than_it_says_is_told():
    @dataclass(frozen=True)
    class Boasting(benchsuite.Quantizer):
        bits: int = 2

        def quantize(self, weight):
            return (weight * 100).round() / 100

    with pytest.raises(PluginError, match=r"layer 0: \d+ distinct non-zero values at 2 bits"):
        benchsuite.quantize(sequential(), Boasting())


def test_layers_of_integers_and_complex_numbers():
    model = sequential()
    model[2].weight = nn.Parameter(torch.ones(16, 16, dtype=torch.cfloat))
    calls = [
        lambda: benchsuite.prune(model, "percentile", sparsity=0.5),
        lambda: benchsuite.quantize(model, "ste-symmetric", bits=4),
    ]
    for call in calls:
        with pytest.raises(ConfigError, match=r"layer 2: its weight is torch\.complex64 .* convert it to a dense"):
            call()
    with pytest.raises(DataError, match=r'"0\.bias": dtype complex64 cannot be stored'):
        benchsuite.measure(nn.Sequential(nn.Linear(2, 2, dtype=torch.cfloat)), torch.zeros(1, 2, dtype=torch.cfloat))
    whole = Whole()
    assert benchsuite.measure(whole, torch.ones(1, 4))["bits_per_weight"] == 8


class Whole(nn.Linear):
    """A layer of integers in a buffer, as quantized formats have it."""

    def __init__(self):
        super().__init__(4, 3, bias=False)
        del self.weight
        self.register_buffer("weight", torch.arange(12, dtype=torch.int8).reshape(3, 4))
        self.scale = nn.Parameter(torch.tensor(0.1))

    def forward(self, inputs):
        return inputs @ (self.weight * self.scale).T


def test_measure_any_network(model):
    model.train()
    witness = Witness(model)
    counts = benchsuite.measure(model, inputs_of(model))
    witness.confirm()
    assert counts["parameters"] == sum(parameter.numel() for parameter in model.parameters())
    assert counts["sparsity"] == 0
    assert counts["effective_macs"] == counts["macs"] > 0
    pruned = benchsuite.measure(benchsuite.prune(model, "percentile", sparsity=0.8, skip=()), inputs_of(model))
    assert pruned["sparsity"] == pytest.approx(0.8, abs=0.02)
    assert pruned["size_bytes"] < counts["size_bytes"]
    assert pruned["effective_macs"] < pruned["macs"] == counts["macs"]


def test_a_shared_weight_stays_shared_where_both_act_the_same():
    torch.manual_seed(0)
    pruned = benchsuite.prune(tied(), "percentile", sparsity=0.5)
    assert pruned[1].weight is pruned[2].weight
    assert benchsuite.quantize(tied(), "ste-symmetric", bits=4)[1].bias is not None


def test_torchvision_network():
    torchvision = pytest.importorskip("torchvision")
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None)
    witness = Witness(model)
    pruned = benchsuite.prune(model, "global-percentile", sparsity=0.8)
    both = benchsuite.quantize(pruned, "ste-symmetric", bits=4, skip=["first", "last"])
    counts = benchsuite.measure(both, torch.zeros(1, 3, 32, 32))
    witness.confirm()
    plain(both, model)
    assert counts["sparsity"] >= 0.8
    assert counts["parameters"] == 11_689_512
    assert counts["compression"] > 20
    assert both.conv1.weight.unique().numel() > 16
    assert both.layer1[0].conv1.weight.unique().numel() <= 16


def test_pruning_and_quantizing_go_on_from_each_other():
    torch.manual_seed(0)
    model = sequential()
    pruned = benchsuite.prune(model, "percentile", sparsity=0.5)
    quantized = benchsuite.quantize(pruned, "ste-asymmetric", bits=4)
    again = benchsuite.prune(quantized, "weight", sparsity=0.8, skip=[])
    for one, two, three in zip(*(prunable(m).values() for m in (pruned, quantized, again)), strict=True):
        assert not two.weight[one.weight == 0].any()
        assert not three.weight[two.weight == 0].any()


def test_skip():
    torch.manual_seed(0)
    model = sequential()
    for skip in (["first"], ["0"]):
        pruned = benchsuite.prune(model, "percentile", sparsity=0.5, skip=skip)
        assert pruned[0].weight.all()
        assert not pruned[4].weight.all()
    assert benchsuite.prune(model, "weight", sparsity=0.5)[4].weight.all(), "the pruner's own skip"
    assert not benchsuite.prune(model, "weight", sparsity=0.5, skip=[])[4].weight.all()
    quantized = benchsuite.quantize(model, "ste-symmetric", bits=2, skip=["first", "last"])
    assert [layer.weight.unique().numel() <= 3 for layer in prunable(quantized).values()] == [False, True, False]


def test_seed():
    torch.manual_seed(0)
    model = sequential()
    state = torch.get_rng_state()
    one, same, other = (benchsuite.prune(model, "random", seed=seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(torch.get_rng_state(), state)


def same_zeros(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(prunable(one).values(), prunable(other).values(), strict=True)
    return all(torch.equal(a.weight == 0, b.weight == 0) for a, b in pairs)


@pytest.mark.parametrize("score", ["taylor", "gradient", "wanda"])
@pytest.mark.parametrize("make", [sequential, convolutional])
def test_data_driven_pruners(make, score):
    torch.manual_seed(0)
    model = make()
    inputs = inputs_of(model)
    batches = [(inputs, torch.arange(6) % 4), (inputs + 1, torch.arange(6) % 3)]
    witness = Witness(model)
    pruned = benchsuite.prune(model, "percentile", sparsity=0.5, score=score, batches=batches)
    witness.confirm()
    plain(pruned, model)
    by_magnitude = benchsuite.prune(model, "percentile", sparsity=0.5)
    assert not same_zeros(pruned, by_magnitude)
    other = benchsuite.prune(
        model,
        "percentile",
        sparsity=0.5,
        score=score,
        batches=batches,
        loss=lambda outputs, labels: (outputs * torch.arange(1, 5)).square().mean(),
    )
    assert same_zeros(pruned, other) == (score == "wanda")
    with pytest.raises(ConfigError, match=r"LayerPercentile looks at data: give batches=\[\(inputs, labels\), …\]"):
        benchsuite.prune(model, "percentile", sparsity=0.5, score=score)


@pytest.mark.parametrize("training", [False, True])
def test_channels_are_removed_from_a_copy(training):
    torch.manual_seed(0)
    model = convolutional().train(training)
    with torch.no_grad():
        for norm in (model[1], model[4]):
            norm.weight.uniform_(0, 1)
    witness = Witness(model)
    smaller = benchsuite.prune(model, "slimming", sparsity=0.5, example_input=inputs_of(model))
    witness.confirm()
    counts, before = (benchsuite.measure(one, inputs_of(model)) for one in (smaller, model))
    assert counts["sparsity"] == 0
    assert counts["parameters"] < before["parameters"]
    assert counts["macs"] < before["macs"]
    zeroed = deepcopy(model).eval()
    with torch.no_grad():
        for index in (1, 4):
            norm = zeroed[index]
            gone = ~torch.isin(norm.weight, smaller[index].weight)
            assert 0 < int(gone.count_nonzero()) < len(gone)
            norm.weight[gone] = 0
            norm.bias[gone] = 0
    assert torch.allclose(smaller.eval()(inputs_of(model)), zeroed(inputs_of(model)), atol=1e-5)
    with pytest.raises(ConfigError, match="removes channels: give example_input="):
        benchsuite.prune(model, "slimming", sparsity=0.5)


def test_a_configured_plugin_does_as_well_as_its_name():
    torch.manual_seed(0)
    model = sequential()
    method = benchsuite.get("pruner", "percentile", sparsity=0.8)
    named = benchsuite.prune(model, "percentile", sparsity=0.8)
    assert torch.equal(benchsuite.prune(model, method)[0].weight, named[0].weight)
    with pytest.raises(ConfigError, match="sparsity: fields go with a name, and this pruner is configured already"):
        benchsuite.prune(model, method, sparsity=0.9)
    grid = benchsuite.get("quantizer", "ste-symmetric", bits=4)
    with pytest.raises(ConfigError, match="bits: fields go with a name, and this quantizer is"):
        benchsuite.quantize(model, grid, bits=3)


ERRORS = [
    (lambda m: benchsuite.prune(m, "percentil"), ConfigError, 'unknown pruner "percentil"; did you mean "percentile"?'),
    (lambda m: benchsuite.prune(m, "percentile", sparsty=1), ConfigError, 'unknown field "sparsty"; did you mean'),
    (lambda m: benchsuite.prune(m, "percentile", sparsity=2.0), ConfigError, "sparsity must be"),
    (lambda m: benchsuite.prune(m, "percentile", skip=["9"]), ConfigError, 'skip: no layer matches "9"'),
    (lambda m: benchsuite.prune(m, "percentile", skip=["*"]), ConfigError, "leaves no layer"),
    (lambda m: benchsuite.prune(nn.ReLU(), "percentile"), ConfigError, "ReLU has no Linear or Conv layer"),
    (lambda m: benchsuite.quantize(m, "ste-symmetric"), ConfigError, 'the field "bits" is missing'),
    (lambda m: benchsuite.quantize(m, "ste-symmetric", bits=1), ConfigError, "at least 2 bits"),
    (lambda m: benchsuite.quantize(nn.Flatten(), "ste-symmetric", bits=2), ConfigError, "no Linear or Conv layer"),
    (lambda m: benchsuite.measure(m, torch.zeros(20)), ConfigError, "needs a batch dimension"),
    (lambda m: benchsuite.run("quik"), ConfigError, 'unknown leaderboard "quik"; did you mean "quick"?'),
    (lambda m: benchsuite.prune(m, "ste-symmetric"), ConfigError, 'unknown pruner "ste-symmetric"; it is a quantizer'),
]


@pytest.mark.parametrize(("call", "kind", "reason"), ERRORS)
def test_errors(call, kind, reason):
    model = sequential()
    witness = Witness(model)
    with pytest.raises(kind) as error:
        call(model)
    assert reason in str(error.value)
    witness.confirm()


IMAGES = torch.zeros(1, 1, 8, 8)

ARGUMENTS = [
    (lambda: benchsuite.get("percentile"), 'get("pruner", "percentile") gets the pruner of that name'),
    (lambda: benchsuite.get("prunner", "x"), "kind: one of pruner, quantizer, regularizer, model, dataset, "),
    (lambda: benchsuite.get(3, "x"), "leaderboard, report, not 3"),
    (lambda: benchsuite.get("quantizer"), "name: the name of a quantizer, not ''; known: ste-asymmetric, ste-symm"),
    (lambda: benchsuite.get("pruner", Keep), "name: the name of a pruner, not the class Keep"),
    (lambda: benchsuite.prune("lenet", "unit"), "model: a network, that is a torch.nn.Module, not 'lenet'"),
    (lambda: benchsuite.prune(nn.Linear, "unit"), "not the class Linear"),
    (lambda: benchsuite.quantize(None, "ste-symmetric", bits=4), "torch.nn.Module, not None"),
    (lambda: benchsuite.measure({}, IMAGES), "torch.nn.Module, not a dict; load a state_dict into its network first"),
    (lambda: benchsuite.measure(benchsuite.get("model", "mlp"), IMAGES), "build its network first"),
    (lambda: benchsuite.measure(sequential(), [20]), "example_input: a tensor, a batch of one or more inputs"),
    (lambda: benchsuite.measure(sequential(), IMAGES.numpy()), "not a ndarray; torch.from_numpy makes one"),
    (lambda: benchsuite.measure(sequential(), (IMAGES, IMAGES)), "wrap a network of several inputs in a module"),
    (lambda: benchsuite.measure(sequential(), torch.zeros(2, 21)), "fails on example_input, torch.float32 of shape (2"),
    (lambda: benchsuite.prune(convolutional(), "slimming", example_input=3), "example_input: a tensor"),
    (lambda: benchsuite.prune(convolutional(), "slimming", example_input=torch.tensor(1.0)), "a batch dimension"),
    (lambda: benchsuite.prune(convolutional(), "slimming", example_input=IMAGES[0]), "fails on example_input"),
    (lambda: benchsuite.prune(sequential(), 3), "pruner: a registered name or a configured plugin, not 3"),
    (lambda: benchsuite.prune(sequential(), Keep), "not the class Keep; configure it: Keep(…)"),
    (lambda: benchsuite.prune(sequential(), Keep, sparsity=0.5), "not the class Keep; configure it: Keep(…)"),
    (lambda: benchsuite.quantize(sequential(), Keep()), "not a Keep; benchsuite.prune takes it"),
    (lambda: benchsuite.prune(sequential(), "unit", skip=3), "skip: layers to leave alone"),
    (lambda: benchsuite.prune(sequential(), "unit", skip=[0]), "skip: layers to leave alone"),
    (lambda: benchsuite.prune(sequential(), "random", seed=1.5), "seed: a whole number, not 1.5"),
    (lambda: benchsuite.prune(sequential(), "unit", loss="mse"), "loss: a function of outputs and labels"),
    *(
        (lambda given=given: benchsuite.prune(sequential(), "percentile", score="taylor", batches=given), told)
        for given, told in (
            (torch.zeros(6, 20), "batches: pairs of tensors, [(inputs, labels), …], not a Tensor"),
            (3, "not 3"),
            ([torch.zeros(6, 20)], "number 0 is a Tensor"),
            ([(torch.zeros(6, 20), [0] * 6)], "number 0 has a list"),
        )
    ),
    (lambda: benchsuite.run("quick", add=[Keep()]), 'add: registered names, such as ["unit"] or'),
    (lambda: benchsuite.run("quick", only=3), "only: filters, such as"),
    (lambda: benchsuite.run("quick", seed=[0]), 'run: unknown argument "seed"; did you mean "seeds"?'),
    (lambda: benchsuite.run("quick", device="cpu"), 'unknown argument "device"; did you mean "device_name"?'),
    (lambda: benchsuite.run("quick", device_name="tpu"), "device_name: one of auto, cpu, cuda, not 'tpu'"),
    (lambda: benchsuite.run("quick", rerun="allways"), "rerun: one of never, failed, all, not 'allways'"),
    *(
        (lambda given=given: benchsuite.run("quick", seeds=given), f"or range(3), not {given!r}")
        for given in (0, "0-2", [], ["0"], [-1], [True], [0.0])
    ),
    (lambda: benchsuite.run(3), "board: a name, the path of a TOML file or a dict of what it holds, not 3"),
    (lambda: benchsuite.run(Path()), "leaderboard .: cannot be read: it is a folder"),
    (lambda: benchsuite.run("./boards"), "leaderboard boards: cannot be read: No such file or directory"),
    (lambda: benchsuite.run({"rows": []}), "leaderboard given as a dict, board: is missing"),
]


@pytest.mark.parametrize(("call", "reason"), ARGUMENTS)
def test_arguments_of_a_wrong_kind(call, reason, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as error:
        call()
    assert reason in str(error.value)


@dataclass(frozen=True)
class Keep(benchsuite.Pruner):
    """A pruner that nothing registers."""

    def masks(self, layers, context):
        return {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in layers.items()}


def test_one_text_is_a_list_of_one():
    pruned = benchsuite.prune(sequential(), "unit", sparsity=0.5, skip="first")
    assert pruned[0].weight.all()
    assert not pruned[2].weight.all()
    quantized = benchsuite.quantize(sequential(), "ste-symmetric", bits=2, skip="first")
    assert quantized[0].weight.unique().numel() > 3


def test_a_board_given_as_a_dict(tmp_path):
    board = {
        "board": {"name": "mine", "title": "Mine", "seeds": range(2)},
        "dense": {"dataset": "sparse-linear", "model": "linear-regression"},
        "rows": ({"steps": ({"prune": ("random", "percentile"), "sparsity": 0.5},), "control": False},),
    }
    records = benchsuite.run(board, only="pruner=percentile", home=tmp_path)
    assert {(one.place.board, one.place.method, one.seed, one.status) for one in records} == {
        ("mine", method, seed, "ok") for method in ("dense", "percentile") for seed in (0, 1)
    }


def test_what_was_quantized_already_is_changed_by_nothing():
    once = benchsuite.quantize(sequential(), "ste-symmetric", bits=2)
    with pytest.raises(PluginError, match="quantization changed no weight"):
        benchsuite.quantize(once, "ste-symmetric", bits=2)


def test_weights_that_are_not_numbers():
    model = sequential()
    with torch.no_grad():
        model[0].weight[0, 0] = torch.nan
    with pytest.raises(PluginError, match="layer 0 has NaN or infinite weights"):
        benchsuite.prune(model, "percentile", sparsity=0.5)
    with pytest.raises(PluginError, match="layer 0 has NaN or infinite weights"):
        benchsuite.quantize(model, "ste-symmetric", bits=4)


BOARD = """
[board]
name = "small"
title = "Small"
seeds = [0, 1]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [8]}
recipe = {epochs = 1}

[[rows]]
steps = [{prune = ["percentile", "weight"], sparsity = 0.5}]
"""


def test_run_gives_the_records_of_the_command_line(tmp_path, monkeypatch, capsys):
    from benchsuite.cli.main import main
    from benchsuite.store import read_lines

    (tmp_path / "small.toml").write_text(BOARD, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    records = benchsuite.run("small.toml", home=str(tmp_path / "home"))
    assert list(tmp_path.iterdir()) in (
        [tmp_path / "home", tmp_path / "small.toml"],
        [tmp_path / "small.toml", tmp_path / "home"],
    )
    monkeypatch.setenv("BENCHSUITE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.argv", ["benchsuite", "run", "small.toml"])
    with pytest.raises(SystemExit):
        main()
    assert [record.text for record in read_lines(tmp_path / "results" / "small.jsonl")] == [one.text for one in records]
    capsys.readouterr()
    some = benchsuite.run(tmp_path / "small.toml", seeds=[1], only=["pruner=weight"])
    assert {record.seed for record in some} == {1}
    assert [record.place.role for record in sorted(some, key=lambda one: one.place.line)] == [
        "dense",
        "row",
        "control",
    ]
    assert capsys.readouterr() == ("", "")


def test_run_puts_a_plugin_beside_the_installed_records(tmp_path):
    records = benchsuite.run("quick", seeds=[0], only=["method=unit*"], add=["unit[sparsity=0.6]"], home=tmp_path)
    ran = {path.name for path in (tmp_path / "store").iterdir()}
    rows = {f"{one.place.method} {one.place.setting}": one.key in ran for one in records}
    assert all(one.status == "ok" for one in records)
    assert {name for name in rows if name.startswith("unit sparsity")} == {
        f"unit sparsity {s}" for s in (0.5, 0.8, 0.9)
    }
    for name, fresh in rows.items():
        assert fresh == (name == "dense mlp" or "unit[sparsity=0.6]" in name)
    assert "unit[sparsity=0.6] (in place of percentile, tuned) " in rows


def test_completion_lists_the_api_and_loads_none_of_it():
    code = "import benchsuite, sys; print(*dir(benchsuite)); sys.exit('torch' in sys.modules)"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(benchsuite.__all__) <= set(listed)
    assert "__version__" in listed
