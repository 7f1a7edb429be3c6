"""Channels that are moved, mixed, returned or viewed otherwise before they are read: left whole, or removed rightly."""

from copy import deepcopy
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import benchsuite
from benchsuite import PluginError
from benchsuite.execution.channel_equivalence import tensors_of
from benchsuite.execution.shrink import ChannelGraph


class Between(nn.Module):
    """A convolution, an operation on its maps, and a convolution that reads them."""

    def __init__(self, change, reads=8, gives=8, modules=()):
        super().__init__()
        self.change, self.parts = change, nn.ModuleList(modules)
        self.a, self.b = nn.Conv2d(3, gives, 3, padding=1), nn.Conv2d(reads, 5, 1)

    def forward(self, images):
        maps = self.a(images)
        return self.b(self.change(maps, *self.parts)).mean((2, 3))


LEFT_WHOLE = {
    "channel shuffle": (lambda y: F.channel_shuffle(y, 2), {}),
    "ChannelShuffle": (lambda y, shuffle: shuffle(y), {"modules": [nn.ChannelShuffle(4)]}),
    "view, transpose, view": (lambda y: y.view(len(y), 2, -1, 4, 4).transpose(1, 2).reshape(len(y), -1, 4, 4), {}),
    "PixelShuffle": (lambda y: F.pixel_shuffle(y, 2), {"reads": 2}),
    "flip": (lambda y: y.flip(1), {}),
    "roll": (lambda y: y.roll(3, 1), {}),
    "constant order": (lambda y: y[:, [3, 1, 0, 2, 7, 5, 6, 4]], {}),
    "index_select": (lambda y: y.index_select(1, torch.tensor([7, 6, 5, 4, 3, 2, 0, 1])), {}),
    "halves swapped": (lambda y: torch.cat([y[:, 4:], y[:, :4]], 1), {}),
    "softmax": (lambda y: y.softmax(1), {}),
    "mean": (lambda y: y.mean(1, keepdim=True), {"reads": 1}),
    "max": (lambda y: y.amax(1, keepdim=True), {"reads": 1}),
    "minus the mean": (lambda y: y - y.mean(1, keepdim=True), {}),
    "normalize": (lambda y: F.normalize(y, dim=1), {}),
    "cumsum": (lambda y: y.cumsum(1), {}),
    "sort": (lambda y: y.sort(1).values, {}),
    "layer_norm": (lambda y: F.layer_norm(y.movedim(1, -1), y.shape[1:2]).movedim(-1, 1), {}),
    "group_norm": (lambda y: F.group_norm(y, 2), {}),
    "GroupNorm": (lambda y, norm: norm(y), {"modules": [nn.GroupNorm(2, 8)]}),
    "local response": (lambda y: F.local_response_norm(y, 3, alpha=1.0), {}),
    "maxout": (lambda y: y.view(len(y), 4, 2, 4, 4).amax(2), {"reads": 4}),
}
REMOVED = {
    "ReLU": (F.relu, {}),
    "Sigmoid": (torch.sigmoid, {}),
    "Softplus": (F.softplus, {}),
    "cosine": (torch.cos, {}),
    "instance norm": (F.instance_norm, {}),
    "dropout": (lambda y, drop: drop(y), {"modules": [nn.Dropout(0.5)]}),
    "statistics of the batch": (
        lambda y, norm: norm(y).relu(),
        {"modules": [nn.BatchNorm2d(8, track_running_stats=False)]},
    ),
    "both signs": (lambda y: torch.cat([y.relu(), (-y).relu()], 1), {"reads": 16}),
}


def network_of(table, name):
    torch.manual_seed(0)
    change, options = table[name]
    return Between(change, **options)


IMAGES = torch.randn(3, 3, 4, 4, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", LEFT_WHOLE)
def test_channels_that_are_moved_or_mixed_before_they_are_read_stay(name):
    graph = ChannelGraph(network_of(LEFT_WHOLE, name), IMAGES[:1])
    assert graph.removable == {}
    assert "a" in graph.left


@pytest.mark.parametrize("name", REMOVED)
def test_a_removal_gives_what_the_network_gives_whose_readers_see_zeros(name):
    network = network_of(REMOVED, name).eval()
    assert "a" in ChannelGraph(deepcopy(network), IMAGES[:1]).removable
    small = benchsuite.prune(network, "random-channels", sparsity=0.5, example_input=IMAGES)
    gone = [channel for channel in range(8) if network.a.bias[channel] not in small.a.bias]
    assert len(gone) == 4
    with torch.no_grad():
        network.b.weight[:, gone] = 0
        if name == "both signs":
            network.b.weight[:, [8 + channel for channel in gone]] = 0
        assert torch.allclose(network(IMAGES), small(IMAGES), atol=1e-6)


class Pair(NamedTuple):
    logits: torch.Tensor
    features: torch.Tensor


@dataclass
class Outputs:
    logits: torch.Tensor
    features: torch.Tensor


class Returning(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.form, self.a, self.b, self.c = form, nn.Conv2d(3, 8, 1), nn.Conv2d(8, 6, 1), nn.Conv2d(6, 4, 1)

    def forward(self, images):
        features = self.a(images).relu()
        return self.form(self.c(self.b(features).relu()).mean((2, 3)), features)


FORMS = {
    "tuple": lambda *both: both,
    "list": lambda *both: list(both),
    "dict": lambda *both: dict(zip(("logits", "features"), both, strict=True)),
    "nested": lambda logits, features: {"all": [(features,), logits]},
    "named tuple": Pair,
    "dataclass": Outputs,
}


@pytest.mark.parametrize("form", FORMS)
def test_maps_that_the_network_returns_beside_its_logits_keep_their_channels(form):
    network = Returning(FORMS[form])
    small = benchsuite.prune(network, "random-channels", sparsity=0.5, example_input=IMAGES)
    assert (small.a.out_channels, small.b.out_channels) == (8, 3)
    shapes = [[one.shape for one in tensors_of(net(IMAGES))] for net in (network, small)]
    assert shapes[0] == shapes[1]


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(6, 8 * 16), nn.Conv2d(8, 3, 1)

    def forward(self, codes):
        return self.b(self.a(codes).relu().view(len(codes), -1, 4, 4)).mean((2, 3))


class Permuted(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 8, 1), nn.Linear(128, 5)

    def forward(self, images):
        return self.b(self.a(images).permute(0, 2, 3, 1).flatten(1))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 2)
        self.b.weight = self.a.weight

    def forward(self, codes):
        return self.c(self.b(self.a(codes).relu()).relu())


@pytest.mark.parametrize(
    ("network", "example"),
    [(Decoder(), torch.randn(2, 6)), (Permuted(), IMAGES), (Tied(), torch.randn(2, 6))],
    ids=["viewed as maps", "permuted before flattening", "tied weights"],
)
def test_nothing_is_removed_where_slices_or_parameters_belong_to_several(network, example):
    before = deepcopy(network.state_dict())
    with pytest.raises(PluginError, match="can be removed alone"):
        benchsuite.prune(network, "random-channels", sparsity=0.5, example_input=example)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())


class Tokens(nn.Module):
    """The block of a transformer: (N, T) tokens, whose features are the last dimension."""

    def __init__(self):
        super().__init__()
        self.embedding, self.up, self.down = nn.Embedding(11, 6), nn.Linear(6, 12), nn.Linear(12, 6)
        self.norm, self.head = nn.LayerNorm(6), nn.Linear(6, 11)

    def forward(self, tokens):
        features = self.embedding(tokens)
        return self.head(self.norm(features + self.down(F.gelu(self.up(features)))))


@pytest.mark.filterwarnings("ignore:only 76.1% of the weights can be compressed")
def test_the_hidden_layer_of_a_transformer_block_loses_channels():
    network, tokens = Tokens(), torch.arange(10).view(2, 5)
    assert ChannelGraph(deepcopy(network), tokens[:1]).removable == {"up": None}
    small = benchsuite.prune(network, "random-channels", sparsity=0.5, example_input=tokens)
    assert (small.up.out_features, small.down.in_features, small(tokens).shape) == (6, 6, (2, 5, 11))


class Concatenated(nn.Module):
    """A BatchNorm normalises the maps of two convolutions, as in a DenseNet."""

    def __init__(self):
        super().__init__()
        self.stem, self.bn0 = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8)
        self.a, self.b, self.bn = nn.Conv2d(8, 6, 1), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(10)
        self.c, self.fc = nn.Conv2d(10, 5, 1), nn.Linear(5, 2)

    def forward(self, images):
        maps = self.bn0(self.stem(images)).relu()
        maps = self.bn(torch.cat([self.a(maps), self.b(maps)], 1)).relu()
        return self.fc(self.c(maps).relu().mean((2, 3)))


def test_the_batchnorm_of_a_concatenation_scales_none_of_its_layers_alone():
    network = Concatenated().eval()
    assert ChannelGraph(deepcopy(network), IMAGES[:1]).removable == {"stem": "bn0", "a": None, "b": None, "c": None}
    nn.init.uniform_(network.bn0.weight, 0.1, 2)
    small = benchsuite.prune(network, "slimming", sparsity=0.5, example_input=IMAGES)
    assert [small.get_submodule(name).out_channels for name in ("stem", "a", "b")] == [3, 6, 4]


def test_a_network_that_cannot_be_traced_is_told_by_name():
    class Untraceable(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(6, 3)

        def forward(self, codes):
            if torch.is_grad_enabled():  # as it is while the dependencies are traced
                raise ZeroDivisionError("by zero")
            return self.fc(codes)

    with pytest.raises(PluginError, match=r"Untraceable: no channels can be removed.*ZeroDivisionError"):
        benchsuite.prune(Untraceable(), "random-channels", example_input=torch.zeros(1, 6))
