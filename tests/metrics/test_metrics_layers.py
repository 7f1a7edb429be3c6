"""Which layers compression acts on, and which are skipped."""

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from benchsuite.errors import ConfigError
from benchsuite.metrics import prunable, select
from benchsuite.metrics.counts import coverage
from benchsuite.metrics.covered import too_little
from benchsuite.metrics.layers import check_weights


@pytest.fixture
def network():
    return nn.ModuleDict(
        {
            "stem": nn.Conv2d(1, 2, 3),
            "norm": nn.BatchNorm2d(2),
            "block": nn.Sequential(nn.Conv1d(2, 2, 1), nn.Conv3d(2, 2, 1)),
            "up": nn.ConvTranspose2d(2, 2, 2),
            "head": nn.Linear(2, 2),
        }
    )


def test_prunable_layers_are_linear_and_convolutional_in_model_order(network):
    assert list(prunable(network)) == ["stem", "block.0", "block.1", "up", "head"]


def test_a_masked_layer_is_still_prunable_and_its_insides_are_not(network, mask_layer):
    mask = mask_layer(network["head"], torch.ones(2, 2))
    mask.inner = nn.Linear(1, 1)
    assert list(prunable(network)) == ["stem", "block.0", "block.1", "up", "head"]


def test_a_shared_layer_is_listed_once():
    layer = nn.Linear(2, 2)
    assert list(prunable(nn.Sequential(layer, layer))) == ["0"]


def test_a_single_layer_is_a_model():
    assert list(prunable(nn.Linear(2, 2))) == [""]


@pytest.mark.parametrize(
    ("skip", "left"),
    [
        ([], ["stem", "block.0", "block.1", "up", "head"]),
        (["first"], ["block.0", "block.1", "up", "head"]),
        (["last", "first"], ["block.0", "block.1", "up"]),
        (["block.*"], ["stem", "up", "head"]),
        (["block.1", "stem", "up"], ["block.0", "head"]),
    ],
)
def test_select_leaves_out_what_is_skipped(network, skip, left):
    assert list(select(network, skip)) == left


@pytest.mark.parametrize(
    ("skip", "message"),
    [
        (["haed"], r'no layer matches "haed"; did you mean "head"\?'),
        (["lats"], r'did you mean "last"\?'),
        (["norm"], 'no layer matches "norm"'),
        (["*"], "leaves no layer"),
        (["first", "block.*", "up", "last"], "leaves no layer"),
    ],
)
def test_a_skip_that_cannot_be_meant_is_refused(network, skip, message):
    with pytest.raises(ConfigError, match=message):
        select(network, skip)


def test_a_model_without_layers_is_refused():
    with pytest.raises(ConfigError, match="ReLU has no Linear or Conv layer"):
        prunable(nn.ReLU())


@pytest.mark.parametrize(
    ("skip", "left"), [(["first"], ["1"]), (["2"], ["1"]), (["last"], ["1"]), (["1"], ["0"]), ([], ["0", "1"])]
)
def test_a_layer_of_two_names_is_skipped_by_either(skip, left):
    shared = nn.Linear(2, 2)
    assert list(select(nn.Sequential(shared, nn.Linear(2, 2), shared), skip)) == left


def sparse(layer):
    layer.weight = nn.Parameter(layer.weight.detach().to_sparse())
    return layer


def of_dtype(dtype):
    layer = nn.Linear(2, 2)
    layer.weight = nn.Parameter(torch.ones(2, 2, dtype=dtype), requires_grad=False)
    return layer


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: nn.utils.weight_norm(nn.Linear(2, 2)), "layer 0: its weight is no parameter .* remove_weight_norm"),
        (lambda: nn.utils.spectral_norm(nn.Linear(2, 2)), "layer 0: .* remove_spectral_norm"),
        (lambda: prune.l1_unstructured(nn.Linear(2, 2), "weight", 1), r"layer 0: .* prune\.remove"),
        (lambda: nn.LazyLinear(2), "layer 0 is not initialized: run the model on one batch"),
        (lambda: nn.Linear(2, 2, device="meta"), "layer 0 is on the meta device .* load its weights"),
        (lambda: sparse(nn.Linear(2, 2)), "layer 0: .*sparse_coo; convert it to a dense"),
        (lambda: of_dtype(torch.int8), "layer 0: its weight is torch.int8"),
        (lambda: of_dtype(torch.complex64), "layer 0: its weight is torch.complex64"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_weight_that_cannot_be_compressed_is_refused_by_name(layer, message):
    with pytest.raises(ConfigError, match=message):
        check_weights(nn.Sequential(layer()))


def test_frozen_and_parametrized_weights_are_taken():
    check_weights(
        nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.utils.parametrizations.orthogonal(nn.Linear(2, 2)))
    )


@pytest.mark.parametrize(
    ("model", "share", "left_out"),
    [
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3)), 1, []),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.ConvTranspose1d(2, 3, 2)), 1, []),
        (lambda: nn.MultiheadAttention(4, 2), 1, []),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Bilinear(2, 2, 3)), 0.5, ["1.weight"]),
        (
            lambda: nn.Sequential(nn.Linear(4, 4), nn.GRU(2, 2)),
            0.4,
            ["1.weight_ih_l0", "1.weight_hh_l0"],
        ),
        (lambda: nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 5)), 0.5, ["0.weight"]),
    ],
)
def test_the_share_covered_and_what_is_left_out(model, share, left_out):
    assert coverage(model()) == (share, left_out)


def test_an_embedding_tied_to_the_head_is_covered():
    model = nn.Sequential(nn.Embedding(5, 2), nn.Linear(2, 5))
    model[0].weight = model[1].weight
    assert coverage(model) == (1, [])


def test_less_than_nine_tenths_is_too_little():
    assert too_little(0.9) is None
    assert too_little(0.899) == "only 89.9% of the weights can be compressed"
