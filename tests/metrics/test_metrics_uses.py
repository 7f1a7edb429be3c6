"""Multiply-accumulates of weights that are used without a call of their layer, against figures worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils import parametrize

from benchsuite.metrics import layer_macs


class Uses(nn.Module):
    """Two Linear layers, 6 → 4 and 4 → 2, in a forward pass that is given."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b = nn.Linear(6, 4), nn.Linear(4, 2)
        self.register_buffer("mask", torch.ones(4, 6))
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


def derived(model, x):
    weight = model.a.weight.double() * model.mask
    return functional.linear(x.double(), weight).float()


def inside_inference_mode(model, x):
    with torch.inference_mode():
        return functional.linear(x, model.a.weight)


def inside_autocast(model, x):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return functional.linear(x, model.a.weight)


@pytest.mark.parametrize(
    ("forward", "a", "b"),
    [
        (lambda model, x: model.b(model.a(x)), 24, 8),
        (lambda model, x: model.b(functional.linear(x, model.a.weight, model.a.bias)), 24, 8),
        (lambda model, x: x @ model.a.weight.T, 24, 0),
        (lambda model, x: model.a.weight @ x[0], 24, 0),
        (lambda model, x: torch.addmv(model.a.bias, model.a.weight, x[0]), 24, 0),
        (lambda model, x: torch.addmm(model.a.bias, x, model.a.weight.t()), 24, 0),
        (lambda model, x: torch.einsum("oi,bi->bo", model.a.weight, x), 24, 0),
        (lambda model, x: torch.einsum("bi,oi->ob", x, model.a.weight), 24, 0),
        (lambda model, x: torch.bmm(x[:, None], model.a.weight.t()[None]), 24, 0),
        (lambda model, x: functional.linear(model.a(x), model.a.weight.t()), 48, 0),
        (lambda model, x: functional.linear(model.a(x), model.a.weight.t().contiguous()), 48, 0),
        (lambda model, x: functional.linear(x, model.a.weight[:3]), 18, 0),
        (lambda model, x: functional.conv1d(x[..., None], model.a.weight[..., None]), 24, 0),
        (lambda model, x: functional.linear(x, torch.where(model.mask > 0, model.a.weight, 0.0)), 24, 0),
        (lambda model, x: functional.linear(functional.relu(model.a(x)), model.b.weight), 24, 8),
        (lambda model, x: x @ x.T, 0, 0),
        (derived, 24, 0),
        (inside_inference_mode, 24, 0),
        (inside_autocast, 24, 0),
    ],
)
def test_macs_are_those_of_the_weight_that_is_read(forward, a, b):
    assert layer_macs(Uses(forward), torch.zeros(3, 6)) == {"a": a, "b": b}


class Attention(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.attention, self.head = attention, nn.Linear(8, 3)

    def forward(self, x):
        found = self.attention(x, x, x)[0] if isinstance(self.attention, nn.MultiheadAttention) else self.attention(x)
        return self.head(found.mean(1))


def test_attention_counts_its_projections():
    macs = layer_macs(Attention(nn.MultiheadAttention(8, 2, batch_first=True)), torch.zeros(2, 5, 8))
    assert macs == {"attention.in_proj_weight": 5 * 8 * 24, "attention.out_proj": 5 * 8 * 8, "head": 24}


def test_the_fast_path_of_a_transformer_is_off_while_it_is_counted():
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    assert torch.backends.mha.get_fastpath_enabled()
    assert layer_macs(Attention(nn.TransformerEncoder(layer, 1)), torch.zeros(2, 5, 8)) == {
        "attention.layers.0.self_attn.in_proj_weight": 5 * 8 * 24,
        "attention.layers.0.self_attn.out_proj": 5 * 8 * 8,
        "attention.layers.0.linear1": 5 * 8 * 16,
        "attention.layers.0.linear2": 5 * 16 * 8,
        "head": 24,
    }
    assert torch.backends.mha.get_fastpath_enabled()


class Adapted(nn.Linear):
    """A layer with layers inside, as low-rank adaptation has them."""

    def __init__(self):
        super().__init__(6, 4)
        self.down, self.up = nn.Linear(6, 2, bias=False), nn.Linear(2, 4, bias=False)

    def forward(self, x):
        return super().forward(x) + self.up(self.down(x))


def test_a_layer_inside_another_counts_once():
    assert layer_macs(Adapted(), torch.zeros(1, 6)) == {"": 24, "down": 12, "up": 8}


class Standardized(nn.Conv2d):
    """Computes its weight anew at every call."""

    def forward(self, x):
        weight = self.weight.flatten(1)
        weight = (weight - weight.mean(1, keepdim=True)) / (weight.std(1, keepdim=True) + 1e-5)
        return self._conv_forward(x, weight.view_as(self.weight), self.bias)


def test_a_weight_computed_in_the_call_of_its_layer():
    assert layer_macs(Standardized(2, 3, 3), torch.zeros(1, 2, 5, 5)) == {"": 3 * 2 * 9 * 9}


def test_weights_that_are_views_of_one_tensor_are_told_apart():
    model = Uses(lambda model, x: functional.linear(functional.linear(x, model.a.weight), model.b.weight))
    flat = torch.randn(24 + 8)
    model.a.weight = nn.Parameter(flat[:24].view(4, 6))
    model.b.weight = nn.Parameter(flat[24:].view(2, 4))
    assert layer_macs(model, torch.zeros(1, 6)) == {"a": 24, "b": 8}


def test_a_parametrized_weight_used_functionally():
    model = Uses(lambda model, x: functional.linear(x, model.a.weight))
    parametrize.register_parametrization(model.a, "weight", nn.Tanh())
    assert layer_macs(model, torch.zeros(1, 6)) == {"a": 24, "b": 0}


class Language(nn.Module):
    """A head tied to the embedding, and as many tokens as words."""

    def __init__(self):
        super().__init__()
        self.embedding, self.inner, self.head = nn.Embedding(5, 4), nn.Linear(4, 4), nn.Linear(4, 5)
        self.head.weight = self.embedding.weight

    def forward(self, x):
        return self.head(functional.relu(functional.linear(self.embedding(x), self.inner.weight)))


def test_what_an_embedding_reads_is_no_copy_of_the_tied_head():
    assert layer_macs(Language(), torch.zeros(1, 5, dtype=torch.long)) == {"inner": 80, "head": 100}
