"""Weights that are stored in other ways than a Linear layer's are compressed as those of the equivalent layer are."""

import warnings
from copy import deepcopy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional
from torch.nn.utils import prune

import benchsuite
from benchsuite.errors import ConfigError, PluginError
from benchsuite.execution import decide
from benchsuite.execution.compress import add_masks, fold, masks_of, weights_of, zero
from benchsuite.metrics import prunable, select, sites
from benchsuite.metrics.counts import coverage
from benchsuite.sites import Site, is_conv1d, site, turned


class Conv1D(nn.Module):
    """A Linear layer that stores its weight as (inputs, outputs), as GPT-2's are."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.nf, self.nx = outputs, inputs
        self.weight = nn.Parameter(torch.randn(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, inputs):
        return torch.addmm(self.bias, inputs.reshape(-1, self.nx), self.weight).view(*inputs.shape[:-1], self.nf)


def attention(**options) -> nn.Module:
    return nn.MultiheadAttention(4, 2, batch_first=True, **options)


KINDS = {
    "ConvTranspose1d": (lambda: nn.ConvTranspose1d(4, 6, 3, stride=2, padding=1), "", (2, 4, 5)),
    "ConvTranspose2d": (lambda: nn.ConvTranspose2d(4, 6, (3, 2), output_padding=1, stride=2), "", (2, 4, 5, 5)),
    "ConvTranspose3d": (lambda: nn.ConvTranspose3d(4, 6, 2), "", (2, 4, 3, 3, 3)),
    "in groups": (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), "", (2, 4, 5, 5)),
    "depthwise": (lambda: nn.ConvTranspose2d(4, 8, 3, groups=4), "", (2, 4, 5, 5)),
    "Conv1D": (lambda: Conv1D(6, 4), "", (2, 5, 4)),
    "square Conv1D": (lambda: Conv1D(4, 4), "", (2, 5, 4)),
    "packed projections": (attention, "in_proj_weight", (2, 5, 4)),
    "separate projections": (lambda: attention(kdim=3, vdim=6), "k_proj_weight", (2, 5, 4)),
}


@pytest.fixture(params=KINDS)
def kind(request):
    torch.manual_seed(0)
    make, name, shape = KINDS[request.param]
    return make(), name, torch.randn(shape)


def outputs(layer, inputs):
    if isinstance(layer, nn.MultiheadAttention):
        return layer(inputs, inputs[..., : layer.kdim], functional.pad(inputs, (0, layer.vdim - 4)))[0]
    return layer(inputs)


def twin(layer, name) -> nn.Module:
    """A Linear layer or convolution with the same weight in rows of outputs."""
    rows = sites(layer)[name].rows
    convolutions = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
    make = nn.Linear if rows.ndim == 2 else convolutions[rows.ndim - 3]
    plain = make(rows.shape[1], rows.shape[0], *([rows.shape[2:]] if rows.ndim > 2 else []))
    plain.weight = nn.Parameter(rows.clone())
    return plain


@given(groups=st.integers(1, 4), inputs=st.integers(1, 3), outs=st.integers(1, 3), kernel=st.integers(1, 2))
def test_turning_twice_changes_nothing(groups, inputs, outs, kernel):
    stored = torch.arange(groups * inputs * outs * kernel).view(groups * inputs, outs, kernel)
    rows = turned(stored, groups)
    assert rows.shape == (groups * outs, inputs, kernel)
    assert torch.equal(turned(rows, groups), stored)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_rows_of_a_transposed_convolution_are_the_filters_of_a_convolution(groups):
    torch.manual_seed(0)
    layer, inputs = nn.ConvTranspose2d(4, 8, 1, groups=groups), torch.randn(2, 4, 3, 3)
    expected = functional.conv2d(inputs, Site(layer, groups=groups).rows, layer.bias, groups=groups)
    torch.testing.assert_close(layer(inputs), expected)


def test_rows_of_a_conv1d_are_those_of_a_linear_layer():
    layer, inputs = Conv1D(6, 4), torch.randn(2, 5, 4)
    torch.testing.assert_close(functional.linear(inputs, site(layer, "").rows, layer.bias), layer(inputs))


@pytest.mark.parametrize(
    ("pruner", "fields"),
    [
        ("unit", {"sparsity": 0.5}),
        ("weight", {"sparsity": 0.4}),
        ("percentile", {"sparsity": 0.7}),
        ("global-percentile", {"sparsity": 0.3}),
        ("neff-row", {}),
        ("neff-row", {"renormalize": True}),
        ("neff-column", {}),
        ("neff-column", {"renormalize": True}),
        ("neff-block", {}),
        ("random", {"sparsity": 0.5}),
    ],
)
def test_pruning_as_of_the_equivalent_layer(kind, pruner, fields):
    layer, name, inputs = kind
    before = deepcopy(layer.state_dict())
    others = [other for other in sites(layer) if other != name]
    with warnings.catch_warnings(action="ignore"):
        pruned = benchsuite.prune(layer, pruner, skip=others, **fields)
    expected = benchsuite.prune(twin(layer, name), pruner, skip=[], **fields).weight
    assert 0 < int(expected.count_nonzero()) < expected.numel()
    assert torch.equal(sites(pruned)[name].rows, expected)
    assert all(torch.equal(layer.state_dict()[key], value) for key, value in before.items())
    assert pruned.state_dict().keys() == before.keys()
    assert outputs(pruned, inputs).isfinite().all()


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("quantizer", ["ste-symmetric", "ste-asymmetric"])
def test_quantization_as_of_the_equivalent_layer(kind, quantizer, per_channel):
    layer, name, inputs = kind
    others = [other for other in sites(layer) if other != name]
    quantized = benchsuite.quantize(layer, quantizer, bits=2, per_channel=per_channel, skip=others)
    expected = benchsuite.quantize(twin(layer, name), quantizer, bits=2, per_channel=per_channel).weight
    place = sites(quantized)[name]
    assert torch.equal(place.rows, expected)
    assert all(len(row.unique()) <= 4 for row in place.rows)
    if not isinstance(layer, nn.MultiheadAttention):
        counts = benchsuite.measure(quantized, inputs)
        assert counts["bits_per_weight"] == 2
        assert counts["sparsity"] == int((expected == 0).count_nonzero()) / expected.numel()


def test_masks_and_grids_hold_through_training_and_fold_away(kind):
    model, name, inputs = kind
    masks = {one: torch.rand(weight.shape) > 0.5 for one, weight in weights_of(model, ()).items()}
    before = weights_of(model, ())
    pruner = benchsuite.get("pruner", "percentile", sparsity=0.5)
    add_masks(model, masks, pruner)
    decide.quantize(model, benchsuite.get("quantizer", "ste-symmetric", bits=3, per_channel=True), ())
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=0.01)
    for _ in range(5):
        optimizer.zero_grad()
        outputs(model, inputs).square().mean().backward()
        optimizer.step()
    assert all(torch.equal(mask, masks[one]) for one, mask in masks_of(model).items())
    for one, weight in weights_of(model, ()).items():
        assert not weight[~masks[one]].any()
        assert all(len(row.unique()) <= 7 for row in weight)
    assert not torch.equal(weights_of(model, ())[name], before[name] * masks[name])
    plain = fold(model)
    assert not any("parametrizations" in key for key in plain.state_dict())
    assert torch.equal(outputs(plain, inputs), outputs(model, inputs))


def test_zeroed_weights_are_those_of_the_mask(kind):
    model, name, _ = kind
    mask = torch.rand(sites(model)[name].rows.shape) > 0.5
    expected = sites(model)[name].rows * mask
    zero(model, {name: mask}, benchsuite.get("pruner", "percentile", sparsity=0.5))
    assert torch.equal(sites(model)[name].rows, expected)
    assert masks_of(model) == {}


def encoder() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()


@pytest.mark.parametrize("inference", [False, True])
def test_attention_gives_the_pruned_outputs_on_its_fast_path(inference):
    model, inputs = encoder(), torch.randn(2, 5, 8)
    masked = encoder()
    masks = {name: torch.rand(weight.shape) > 0.7 for name, weight in weights_of(masked, ()).items()}
    add_masks(masked, masks, benchsuite.get("pruner", "percentile", sparsity=0.7))
    for name, place in sites(model).items():
        place.weight.data *= masks[name]
    with torch.inference_mode(inference):
        expected = model(inputs)
        torch.testing.assert_close(masked(inputs), expected)
        torch.testing.assert_close(fold(masked)(inputs), expected)
    assert {name.rpartition(".")[2] for name in masks} == {"in_proj_weight", "out_proj", "linear1", "linear2"}


def test_the_counts_of_a_pruned_transformer():
    pruned = benchsuite.prune(encoder(), "percentile", sparsity=0.75)
    counts = benchsuite.measure(pruned, torch.zeros(1, 5, 8))
    assert counts["covered"] == 1
    assert counts["sparsity"] == 0.75
    assert counts["macs"] == 2 * 5 * (8 * 24 + 8 * 8 + 2 * 8 * 16)
    assert counts["effective_macs"] == counts["macs"] / 4


def test_a_decoder_tied_to_its_encoder_is_pruned_once():
    """Conv2d (6, 4, k, k) and ConvTranspose2d (6, 4, k, k) from 6 to 4 channels may be the same tensor."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(4, 6, 3), nn.ConvTranspose2d(6, 4, 3))
    model[1].weight = model[0].weight
    pruned = benchsuite.prune(model, "unit", sparsity=0.5, skip=[])
    assert pruned[0].weight is pruned[1].weight
    assert list(sites(pruned)) == ["0"]
    assert sorted(int(row.count_nonzero()) for row in pruned[0].weight) == [0, 0, 0, 36, 36, 36]
    reversed_order = nn.Sequential(nn.ConvTranspose2d(6, 4, 3), nn.Conv2d(4, 6, 3))
    reversed_order[1].weight = reversed_order[0].weight
    pruned = benchsuite.prune(reversed_order, "unit", sparsity=0.5, skip=[])
    assert pruned[0].weight is pruned[1].weight
    assert sorted(int(pruned[0].weight[:, one].count_nonzero()) for one in range(4)) == [0, 0, 54, 54]


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ((), ["in_proj_weight", "out_proj"]),
        (("first",), ["out_proj"]),
        (("last",), ["in_proj_weight"]),
        (("*proj_weight",), ["out_proj"]),
    ],
)
def test_projections_are_skipped_by_name(skip, left):
    assert list(select(attention(), skip)) == left


def test_the_layers_alone_are_prunable():
    assert list(prunable(attention())) == ["out_proj"]
    assert prunable(Conv1D(6, 4)).keys() == {""}


@pytest.mark.parametrize(
    ("make", "covered"),
    [
        (attention, 1),
        (lambda: attention(kdim=3, vdim=6), 1),
        (lambda: nn.Sequential(Conv1D(6, 4), nn.ConvTranspose3d(2, 2, 2, groups=2)), 1),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Embedding(4, 3)), 0.5),
    ],
)
def test_the_share_covered(make, covered):
    assert coverage(make())[0] == covered


def test_a_layer_that_only_has_the_name_is_left_alone():
    stored_as_linear = Conv1D(6, 4)
    stored_as_linear.weight = nn.Parameter(torch.zeros(6, 4))
    assert is_conv1d(Conv1D(6, 4))
    assert not is_conv1d(stored_as_linear)
    assert coverage(nn.Sequential(stored_as_linear, nn.Linear(6, 4))) == (0.5, ["0.weight"])


@pytest.mark.parametrize("make", [attention, lambda: Conv1D(6, 4), lambda: nn.ConvTranspose1d(4, 6, 3)])
def test_a_weight_computed_by_a_hook_is_refused(make):
    layer = make()
    name = next(iter(sites(layer)))
    prune.l1_unstructured(layer, site(layer, name).parameter, 0.5)
    with pytest.raises(ConfigError, match=rf"layer {name}: its weight is no parameter .* prune\.remove"):
        benchsuite.prune(layer, "percentile", sparsity=0.5)


def test_an_uninitialized_transposed_convolution_is_refused():
    with pytest.raises(ConfigError, match="layer 0 is not initialized"):
        benchsuite.prune(nn.Sequential(nn.LazyConvTranspose2d(3, 2)), "percentile", sparsity=0.5)


def test_factors_of_the_shape_as_stored_do_not_fit():
    class Stored(benchsuite.Pruner):
        def masks(self, layers, context):
            return {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in layers.items()}

        def rescale(self, weight, mask):
            return torch.ones(4, 6)

    with pytest.raises(PluginError, match=r"a weight of shape \(6, 4\) expected, got shape \(4, 6\)"):
        benchsuite.prune(Conv1D(6, 4), Stored())


@pytest.mark.parametrize("score", ["gradient", "taylor", "wanda"])
@pytest.mark.parametrize("name", ["ConvTranspose2d", "in groups", "Conv1D"])
def test_data_driven_scores_rank_the_weights_in_rows(name, score):
    torch.manual_seed(0)
    make, _, shape = KINDS[name]
    layer, batches = make(), [(torch.randn(shape), torch.zeros(2))]

    def loss(outputs, _):
        return outputs.square().mean()

    pruned = benchsuite.prune(layer, "unit", skip=[], sparsity=0.5, score=score, batches=batches, loss=loss)
    rows = sites(pruned)[""].rows.flatten(1)
    assert sorted(int(row.count_nonzero()) for row in rows) == [0] * 3 + [rows.shape[1]] * 3


def test_wanda_refuses_the_projections_by_name():
    batches = [(torch.randn(2, 5, 8), torch.zeros(2))]
    with pytest.raises(ValueError, match=r"as layers\.0\.self_attn\.in_proj_weight: skip it"):
        benchsuite.prune(encoder(), "percentile", sparsity=0.5, score="wanda", batches=batches)
