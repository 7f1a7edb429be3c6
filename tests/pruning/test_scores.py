"""Data-driven scores against their definitions."""

import copy
import math

import pytest
import torch
from torch import nn

from benchsuite.execution.compress import add_masks, fold
from benchsuite.pruning.scores import SCORES, SCORING_BATCHES, matrix
from benchsuite.sites import site
from benchsuite_plugins.magnitude import GlobalPercentile, WeightFraction

CONVOLUTIONS = {
    "plain": {},
    "padded": {"padding": 1, "stride": 2},
    "same": {"padding": "same", "dilation": 2},
    "grouped": {"groups": 2, "padding": (1, 0)},
    "circular": {"padding": 1, "padding_mode": "circular"},
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Dropout(0.5), nn.Linear(5, 3)).train()


@pytest.fixture
def batches():
    torch.manual_seed(1)
    return [(torch.randn(size, 6), torch.randint(3, (size,))) for size in (4, 4, 2)]


def weights(model):
    return {
        name: module.weight.detach().clone()
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }


def test_gradients_are_those_of_the_mean_loss_in_eval_mode(network, batches, make_context):
    context = make_context(model=network, batches=batches)
    found = {name: SCORES["gradient"](name, weights(network), context) for name in weights(network)}
    network.eval()
    inputs, labels = (torch.cat(parts) for parts in zip(*batches, strict=True))
    nn.functional.cross_entropy(network(inputs), labels).backward()
    for name, slope in found.items():
        torch.testing.assert_close(slope, network.get_submodule(name).weight.grad)
        taylor = SCORES["taylor"](name, weights(network), context)
        torch.testing.assert_close(taylor, slope * network.get_submodule(name).weight.detach())


def test_wanda_multiplies_by_the_norm_of_the_inputs(network, batches, make_context):
    context = make_context(model=network, batches=batches)
    inputs = torch.cat([inputs for inputs, _ in batches])
    expected = network[0].weight.detach() * inputs.norm(dim=0)
    torch.testing.assert_close(SCORES["wanda"]("0", weights(network), context), expected)


@pytest.mark.parametrize("options", CONVOLUTIONS.values(), ids=CONVOLUTIONS)
def test_wanda_sees_what_each_kernel_position_sees(options, make_context):
    """The norm of position i is that of the outputs of a kernel which is 1 there and 0 elsewhere."""
    torch.manual_seed(0)
    conv = nn.Conv2d(4, 6, 3, bias=False, **options)
    inputs = torch.randn(3, 4, 7, 7)
    context = make_context(model=conv, batches=[(inputs, torch.zeros(3))])
    layers = {"": conv.weight.detach().clone()}
    found = SCORES["wanda"]("", layers, context)
    flat = matrix(layers[""])
    for position in range(flat.shape[1]):
        with torch.no_grad():
            conv.weight.zero_().flatten(1)[:, position] = 1
            norms = conv(inputs).square().sum((0, 2, 3)).sqrt()
        torch.testing.assert_close(found[:, position], flat[:, position] * norms)


OTHERS = {
    "1d": (lambda: nn.Conv1d(4, 6, 3, stride=2, padding=1, bias=False), (3, 4, 7)),
    "3d": (lambda: nn.Conv3d(4, 6, 2, groups=2, padding=1, bias=False), (3, 4, 3, 3, 3)),
    "transposed": (lambda: nn.ConvTranspose2d(4, 6, 3, stride=2, padding=1, bias=False), (3, 4, 5, 5)),
    "transposed in groups": (lambda: nn.ConvTranspose1d(4, 6, 3, padding=2, groups=2, bias=False), (3, 4, 7)),
}


@pytest.mark.parametrize(("make", "shape"), OTHERS.values(), ids=OTHERS)
def test_wanda_of_the_other_convolutions(make, shape, make_context):
    torch.manual_seed(0)
    layer, inputs = make(), torch.randn(shape)
    place = site(layer, "")
    rows = place.rows.clone()
    found = SCORES["wanda"]("", {"": rows}, make_context(model=layer, batches=[(inputs, torch.zeros(3))]))
    flat = matrix(rows)
    for position in range(flat.shape[1]):
        alone = torch.zeros_like(rows)
        alone.flatten(1)[:, position] = 1
        with torch.no_grad():
            layer.weight.copy_(place.turn(alone))
            norms = layer(inputs).square().transpose(0, 1).flatten(1).sum(1).sqrt()
        torch.testing.assert_close(found[:, position], flat[:, position] * norms)


def test_wanda_sees_the_output_size_of_a_call(make_context):
    class Sized(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose1d(1, 1, 2, stride=2, padding=1, bias=False)

        def forward(self, inputs):
            return self.up(inputs, output_size=[self.longer])

    model, inputs = Sized(), torch.tensor([[[3.0, 4.0]]])
    layers = {"up": torch.ones(1, 1, 2)}
    for model.longer, norms in ((2, [4.0, 3.0]), (3, [4.0, 5.0])):
        found = SCORES["wanda"]("up", layers, make_context(model=model, batches=[(inputs, torch.zeros(1))]))
        torch.testing.assert_close(found, torch.tensor([norms]))


@pytest.mark.parametrize("score", ["gradient", "taylor", "wanda"])
def test_a_masked_network_is_scored_as_its_folded_copy(score, network, batches, make_context):
    masked = copy.deepcopy(network)
    masks = {name: torch.arange(weight.numel()).view_as(weight) % 3 > 0 for name, weight in weights(network).items()}
    add_masks(masked, masks, WeightFraction())
    layers = {name: weight * masks[name] for name, weight in weights(network).items()}
    plain = fold(masked)
    for name in layers:
        found = SCORES[score](name, layers, make_context(model=masked, batches=batches))
        assert torch.equal(found, SCORES[score](name, layers, make_context(model=plain, batches=batches)))


def test_only_the_first_batches_are_used(network, make_context):
    drawn = []

    class Batches:
        def __iter__(self):
            for number in range(100):
                drawn.append(number)
                yield torch.randn(2, 6), torch.randint(3, (2,))

    SCORES["gradient"]("0", weights(network), make_context(model=network, batches=Batches()))
    assert len(drawn) == SCORING_BATCHES


@pytest.mark.parametrize("score", ["gradient", "taylor", "wanda"])
def test_a_score_without_batches_is_a_clear_error(score, network, make_context):
    with pytest.raises(ValueError, match="needs training batches"):
        WeightFraction(score=score).masks(weights(network), make_context(model=network))


def test_an_unknown_score_is_refused():
    with pytest.raises(ValueError, match=r'score must be one of magnitude.*not "size"'):
        WeightFraction(score="size")


@pytest.mark.parametrize("pruner", [WeightFraction, GlobalPercentile])
def test_the_layer_with_bad_scores_is_named(pruner, network, make_context):
    layers = weights(network)
    layers["3"][0, 0] = math.nan
    with pytest.raises(ValueError, match="layer 3 has NaN or infinite scores"):
        pruner().masks(layers, make_context())


def test_a_sweep_computes_its_scores_once(network, batches, make_context):
    copies = []
    context = make_context(model=network, batches=batches)
    copy_model = context.copy_model
    context.copy_model = lambda: copies.append(1) or copy_model()
    for sparsity in (0.2, 0.5, 0.8):
        WeightFraction(score="taylor", sparsity=sparsity).masks(weights(network), context)
        GlobalPercentile(score="gradient", sparsity=sparsity).masks(weights(network), context)
    assert len(copies) == 1
