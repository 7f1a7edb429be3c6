"""Masks and fake quantization: they hold through training, and fold away without a trace."""

from copy import deepcopy
from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_board import engine_at, plan_rows, registry_with, run
from torch import nn
from torch.nn.utils import parametrize

from benchsuite import get
from benchsuite.api import Model, Pruner, Quantizer, Recipe
from benchsuite.errors import PluginError
from benchsuite.execution.compress import FakeQuantize, Mask, add_masks, add_part, fold, masks_of, weights_of, zero
from benchsuite.execution.decide import quantize
from benchsuite.metrics import trained_weight


class Plain(Pruner):
    """Rescales nothing."""

    def masks(self, layers, context):
        raise NotImplementedError


PLAIN = Plain()
FOUR_BITS = get("quantizer", "ste-asymmetric", bits=4)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 16, 5, bias=False)
    )


INPUTS = torch.randn(7, 1, 4, 4, generator=torch.Generator().manual_seed(1))


def random_masks(model: nn.Module, share: float = 0.5, seed: int = 0) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(w.shape, generator=generator) >= share for name, w in weights_of(model, ()).items()}


def train_steps(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        model(INPUTS).square().mean().backward()
        optimizer.step()


OPTIMIZERS = {
    "sgd": lambda parameters: torch.optim.SGD(parameters, 0.05, momentum=0.9, weight_decay=1e-2),
    "adam": lambda parameters: torch.optim.Adam(parameters, 0.05, weight_decay=1e-2),
}
LAYERS = {
    "linear": (lambda: nn.Linear(6, 4), (3, 6)),
    "conv": (lambda: nn.Conv2d(2, 3, 3), (2, 2, 5, 5)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("kind", LAYERS)
@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_masked_weights_stay_exactly_zero_through_a_hundred_steps(optimizer, kind, data):
    make, shape = LAYERS[kind]
    layer = make()
    bits = data.draw(st.lists(st.booleans(), min_size=layer.weight.numel(), max_size=layer.weight.numel()))
    mask = torch.tensor(bits).view(layer.weight.shape)
    warm = OPTIMIZERS[optimizer](layer.parameters())
    inputs = torch.ones(shape)
    layer(inputs).square().sum().backward()  # momentum from before the pruning
    warm.step()
    add_part(layer, layer, Mask(mask))
    before = layer.weight.detach().clone()
    for _ in range(100):
        warm.zero_grad()
        (layer(inputs) - 1).square().mean().backward()
        warm.step()
        assert not layer.weight[~mask].any()
    if mask.any():
        assert not torch.equal(layer.weight, before)


def test_pruned_weights_survive_quantization_and_training():
    model = network()
    masks = random_masks(model)
    add_masks(model, masks, PLAIN)
    quantize(model, FOUR_BITS, ())
    train_steps(model, OPTIMIZERS["sgd"](model.parameters()), 20)
    for name, weight in weights_of(model, ()).items():
        assert not weight[~masks[name]].any()
        assert weight[weight != 0].unique().numel() <= 16


@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.floats(-2, 2, width=32), min_size=2, max_size=30), bits=st.integers(2, 5))
@pytest.mark.parametrize("name", ["ste-symmetric", "ste-asymmetric"])
def test_forward_is_the_grid_value_and_backward_the_identity(name, values, bits):
    quantizer = get("quantizer", name, bits=bits)
    weight = torch.tensor(values, requires_grad=True)
    upstream = torch.linspace(-1, 1, len(values))
    quantized = FakeQuantize(quantizer)(weight)
    expected = torch.where(weight == 0, 0.0, quantizer.quantize(weight.detach()))
    assert torch.equal(quantized, expected)
    quantized.backward(upstream)
    assert torch.equal(weight.grad, upstream)


def test_the_gradient_reaches_the_float_weight_unchanged_in_a_layer():
    model, twin = nn.Linear(5, 3), nn.Linear(5, 3)
    add_part(model, model, FakeQuantize(FOUR_BITS))
    with torch.no_grad():
        twin.weight.copy_(model.weight)
        twin.bias.copy_(model.bias)
    for one in (model, twin):
        one(torch.ones(2, 5)).square().sum().backward()
    assert torch.equal(model.parametrizations.weight.original.grad, twin.weight.grad)


class Broken(Quantizer):
    def __init__(self, function):
        object.__setattr__(self, "function", function)

    def quantize(self, weight):
        return self.function(weight)


def spoil(weight):
    weight.mul_(2)
    return weight.round()


def spoil_through_numpy(weight):
    weight.numpy()[...] = 1
    return torch.ones_like(weight)


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (lambda w: w.flatten()[:1], r"the quantized weight is \(1,\) of torch.float32, the weight \(3, 4\) of"),
        (lambda w: w.double(), r"the quantized weight is \(3, 4\) of torch.float64"),
        (lambda w: w.tolist(), "the quantized weight is a list, not a tensor"),
        (lambda w: w / 0, "has NaN or infinite weights after quantization"),
        (spoil, "the quantizer changed the weights of layer 0 that it was shown"),
        (spoil_through_numpy, "the quantizer changed the weights of layer 0 that it was shown"),
        (lambda w: w.clone(), "quantization changed no weight"),
    ],
)
def test_a_quantizer_that_breaks_its_contract(function, reason):
    model = nn.Sequential(nn.Linear(4, 3))
    before = deepcopy(model.state_dict())
    with pytest.raises(PluginError, match=reason):
        quantize(model, Broken(function), ())
    assert list(model.state_dict()) == list(before)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in before.items())


@pytest.mark.parametrize(
    ("factors", "reason"),
    [
        (torch.ones(7), r"rescale: factors that fit a weight of shape \(3, 4\) expected, got shape \(7,\)"),
        (torch.ones(2, 3, 4), "rescale: factors that fit"),
        (2.0, "got float"),
        (torch.tensor(float("nan")), "rescale: NaN or infinite factors"),
    ],
)
def test_factors_that_cannot_be(factors, reason):
    class Scaling(Plain):
        def rescale(self, weight, mask):
            return factors

    model = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(PluginError, match=reason):
        add_masks(model, {"0": torch.ones(3, 4, dtype=torch.bool)}, Scaling())


def test_rescaling_cannot_change_weight_or_mask():
    class Greedy(Plain):
        def rescale(self, weight, mask):
            weight.fill_(9)
            mask.fill_(True)
            return torch.full((3, 1), 2.0)

    model = nn.Sequential(nn.Linear(4, 3))
    before = model[0].weight.detach().clone()
    mask = torch.arange(12).view(3, 4) % 2 == 0
    add_masks(model, {"0": mask}, Greedy())
    assert torch.equal(model[0].weight, torch.where(mask, 2 * before, 0.0))


def compressed() -> nn.Sequential:
    model = network()
    add_masks(model, random_masks(model), PLAIN)
    quantize(model, FOUR_BITS, ("first",))
    return model.eval()


def test_folding_leaves_plain_modules_with_the_same_outputs():
    model = compressed()
    expected = model(INPUTS)
    plain = fold(model)
    assert [type(one) for one in plain.modules()] == [type(one) for one in network().modules()]
    assert not any(parametrize.is_parametrized(one) for one in plain.modules())
    assert list(plain.state_dict()) == list(network().state_dict())
    assert [name for name, _ in plain.named_parameters()] == [name for name, _ in network().named_parameters()]
    assert torch.equal(plain(INPUTS), expected)
    network().load_state_dict(plain.state_dict())


def test_folding_leaves_the_original_usable():
    model = compressed()
    expected = model(INPUTS)
    for _ in range(2):
        fold(model)
    assert torch.equal(model(INPUTS), expected)
    assert set(masks_of(model)) == {"0", "4"}
    train_steps(model, OPTIMIZERS["adam"](model.parameters()), 3)
    assert not torch.equal(model(INPUTS), expected)


def test_a_folded_model_trains_and_shares_nothing_with_the_original():
    model = compressed()
    expected = model(INPUTS)
    plain = fold(model)
    train_steps(plain, OPTIMIZERS["sgd"](plain.parameters()), 1)
    assert not torch.equal(plain(INPUTS), expected)
    assert torch.equal(model(INPUTS), expected)


def test_a_layer_without_bias_and_a_frozen_one_stay_so():
    model = network()
    model[0].requires_grad_(False)
    add_masks(model, random_masks(model), PLAIN)
    plain = fold(model)
    assert plain[4].bias is None
    frozen = [name for name, parameter in plain.named_parameters() if not parameter.requires_grad]
    assert frozen == ["0.weight", "0.bias"]


def tied(layers: int = 2) -> nn.Sequential:
    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(layers)))
    for layer in model[1:]:
        layer.weight = model[0].weight
    return model


@pytest.mark.parametrize("copied", [False, True])
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("named", ["0", "1"])
def test_a_mask_of_one_tied_layer_is_that_of_all(named, layers, copied):
    model = tied(layers)
    masks = {named: random_masks(model)["0"]}
    add_masks(model, masks, PLAIN)
    if copied:
        model = deepcopy(model)
    for layer in model:
        assert not layer.weight[~masks[named]].any()
        assert trained_weight(layer) is trained_weight(model[0])
    plain = fold(model)
    assert {id(layer.weight) for layer in plain} == {id(plain[0].weight)}
    assert torch.equal(plain(torch.ones(1, 4)), model(torch.ones(1, 4)))


def test_a_tie_survives_pruning_quantization_and_training():
    model = tied()
    masks = random_masks(model)
    add_masks(model, masks, PLAIN)
    add_part(model, model[0], FakeQuantize(FOUR_BITS))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    before = model[0].weight.detach().clone()
    for _ in range(3):
        optimizer.zero_grad()
        model(torch.ones(2, 4)).square().sum().backward()
        optimizer.step()
    assert not torch.equal(model[0].weight, before)
    assert torch.equal(model[0].weight, model[1].weight)
    assert not model[1].weight[~masks["0"]].any()
    assert len(model[0].weight.unique()) <= 2**4
    plain = fold(model)
    assert plain[0].weight is plain[1].weight


def test_layers_that_share_a_weight_part_where_a_mask_of_another_hand_is_on_one():
    model = tied()
    parametrize.register_parametrization(model[1], "weight", Mask(torch.eye(4, dtype=torch.bool)))
    plain = fold(model)
    assert plain[0].weight is not plain[1].weight
    assert torch.equal(plain(torch.ones(1, 4)), model(torch.ones(1, 4)))


def test_parametrizations_that_the_model_came_with_fold_too():
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 3)))
    parametrize.register_parametrization(model[0], "bias", nn.Tanh())
    mask = torch.arange(12).view(3, 4) % 3 > 0
    add_masks(model, {"0": mask}, PLAIN)
    plain = fold(model)
    assert set(plain.state_dict()) == {"0.weight", "0.bias"}
    assert torch.equal(plain(torch.ones(2, 4)), model(torch.ones(2, 4)))


def test_copies_are_independent():
    model = compressed()
    expected = model(INPUTS)
    copy = deepcopy(model)
    assert torch.equal(copy(INPUTS), expected)
    train_steps(copy.train(), OPTIMIZERS["sgd"](copy.parameters()), 3)
    assert torch.equal(model(INPUTS), expected)
    fold(copy)
    assert torch.equal(deepcopy(model)(INPUTS), expected)


def test_prune_finetune_prune_again():
    model = network()
    first, second = random_masks(model, 0.3), random_masks(model, 0.3, seed=1)
    add_masks(model, first, PLAIN)
    train_steps(model, OPTIMIZERS["sgd"](model.parameters()), 5)
    add_masks(model, second, PLAIN)
    train_steps(model, OPTIMIZERS["sgd"](model.parameters()), 5)
    assert all(torch.equal(mask, first[name] & second[name]) for name, mask in masks_of(model).items())
    for name, weight in weights_of(model, ()).items():
        assert not weight[~(first[name] & second[name])].any()
        assert weight[first[name] & second[name]].all()


def test_zeroed_weights_may_grow_back():
    model = network()
    masks = random_masks(model)
    zero(model, masks, PLAIN)
    assert not any(weight[~masks[name]].any() for name, weight in weights_of(model, ()).items())
    train_steps(model, OPTIMIZERS["sgd"](model.parameters()), 1)
    assert all(weight[~masks[name]].any() for name, weight in weights_of(model, ()).items())
    assert masks_of(model) == {}


ROWS = {
    "masks": [{"prune": "percentile", "sparsity": 0.5}, {"finetune": 1}],
    "masks twice": [
        {"prune": "percentile", "sparsity": 0.3, "skip": ["last"]},
        {"finetune": 1},
        {"prune": "global-percentile", "sparsity": 0.6},
        {"finetune": 1},
    ],
    "schedule": [{"prune": "percentile", "sparsity": 0.5, "schedule": "linear", "epochs": 2}],
    "grid": [{"quantize": "ste-symmetric", "bits": 3, "skip": ["first"]}, {"finetune": 1}],
    "masks and grid": [
        {"prune": "percentile", "sparsity": 0.5},
        {"quantize": "ste-asymmetric", "bits": 3},
        {"finetune": 1},
    ],
}


class Attended(nn.Module):
    """Rows of an image as tokens, through a transposed convolution, attention and a layer of transposed weights."""

    def __init__(self, data):
        super().__init__()
        self.up = nn.ConvTranspose2d(data.channels, 2, 3, padding=1)
        self.attention = nn.TransformerEncoderLayer(2 * data.width, 2, 8, batch_first=True)
        self.head = Conv1D(2 * data.width, data.classes)

    def forward(self, images):
        return self.head(self.attention(self.up(images).transpose(1, 2).flatten(2)).mean(1))


class Conv1D(nn.Module):
    """A Linear layer that stores its weight as (inputs, outputs)."""

    def __init__(self, inputs, outputs):
        super().__init__()
        self.nf = outputs
        self.weight = nn.Parameter(torch.randn(inputs, outputs) / 4)

    def forward(self, inputs):
        return inputs @ self.weight


@dataclass(frozen=True)
class Attending(Model):
    """A network of weights that are not stored as those of a Linear layer."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="adam", lr=1e-2, epochs=1, batch_size=32)

    def build(self, data):
        return Attended(data)


def test_a_board_compresses_all_weights_however_they_are_stored(tmp_path):
    registry = registry_with(model_attending=Attending)
    row = {"steps": [{"prune": "percentile", "sparsity": 0.5}, {"quantize": "ste-symmetric", "bits": 3}]}
    records = run(plan_rows(registry, row, model="attending"), engine_at(registry, tmp_path))
    assert {record.status for record in records.values()} == {"ok"}
    shapes = {"up": 18, "attention.self_attn.in_proj_weight": 432, "attention.self_attn.out_proj": 144}
    shapes |= {"attention.linear1": 96, "attention.linear2": 96, "head": 36}
    for name, record in records.items():
        assert {layer["name"]: layer["weights"] for layer in record.layers} == shapes
        assert record.metrics["covered"] == 1
        if name.startswith("percentile"):
            assert all(layer["zeros"] >= layer["weights"] / 2 for layer in record.layers)
            assert {layer["bits"] for layer in record.layers} == {3}


@pytest.mark.parametrize("steps", ROWS.values(), ids=ROWS)
@pytest.mark.parametrize("model", ["net", "conv", "attending"])
def test_a_fresh_network_with_the_saved_state_gives_the_same_outputs(steps, model, tmp_path):
    registry = registry_with(model_attending=Attending)
    planned = plan_rows(registry, {"steps": steps}, model=model)
    chain = next(cell.chain for cell in planned.cells if cell.role == "row")
    engine = engine_at(registry, tmp_path)
    assert engine.record(chain).status == "ok"
    trained = engine._recent[chain.key].model
    loaded = engine_at(registry, tmp_path)._state(chain).model
    inputs = engine._data.examples(chain.training.dataset, "test").normalised(
        torch.full((2, 1, 6, 6), 70, dtype=torch.uint8)
    )
    assert torch.equal(loaded(inputs), trained(inputs))
    ours, theirs = masks_of(loaded), masks_of(trained)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(mask, theirs[name]) for name, mask in ours.items())
