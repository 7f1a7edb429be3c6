"""Counts of weights, zeros, multiply-accumulates and bits: per layer and in total."""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from math import isfinite

import torch
from torch import Tensor, nn

from benchsuite.errors import ConfigError, suggestion
from benchsuite.metrics.digests import mask_digest
from benchsuite.metrics.evaluation import evaluating
from benchsuite.metrics.layer_counts import LayerCounts
from benchsuite.metrics.layers import identity, sharing, sites
from benchsuite.metrics.tensors import parameters
from benchsuite.metrics.widths import nominal_bits
from benchsuite.sites import Site, layer_site


def layer_macs(model: nn.Module, example_input: Tensor) -> dict[str, int]:
    """Return the multiply-accumulates per prunable layer for one example, counted in a forward pass, never by formula.

    They are those of its weight wherever the pass uses it, in a call of the layer or without one. A layer called
    several times sums up, one not used has 0.
    example_input: (N, …) on the model's device, N >= 1; the first example is used.
    Errors: ConfigError if there is no example.
    """
    from benchsuite.metrics.uses import WeightUses, without_fast_path  # here, as torch's counter is slow to import

    if example_input.ndim < 2 or not len(example_input):
        raise ConfigError(f"example_input needs a batch dimension, (N, …), not shape {tuple(example_input.shape)}")
    places = sharing(model, sites(model))
    with evaluating(model), torch.no_grad(), ExitStack() as hooks:
        # computed and cached now, lest a parametrization's own work count as the layer's
        weights = {name: [getattr(module, own) for module, own in found] for name, found in places.items()}
        uses = WeightUses(weights)
        for name, found in places.items():
            for module in dict.fromkeys(module for module, _ in found if layer_site(module)):
                hooks.enter_context(module.register_forward_pre_hook(lambda *_, name=name: uses.enter(name)))
                hooks.enter_context(module.register_forward_hook(lambda *_: uses.leave()))
        hooks.enter_context(without_fast_path())
        with uses:
            model(example_input[:1])
    return {name: count // 2 for name, count in uses.flops.items()}


def neff(weight: Tensor) -> float:
    """Return the effective number of weights: (Σ|w|)² / Σw², in [1, n]; 0 of zeros, nan where a weight is not finite.

    The inverse participation ratio 1 / Σp², p = |w| / Σ|w|. Source: Wang et al. 2026, "Effective Model Pruning".
    """
    if not weight.is_floating_point():
        weight = weight.abs() if weight.is_complex() else weight.double()
    l1 = float(torch.linalg.vector_norm(weight, 1, dtype=torch.float64))
    l2 = float(torch.linalg.vector_norm(weight, 2, dtype=torch.float64))
    return 0.0 if l1 == 0 else (l1 / l2) ** 2


def count_layers(
    model: nn.Module, macs: Mapping[str, int], bits: Mapping[str, float] | None = None
) -> tuple[LayerCounts, ...]:
    """Return the counts of every prunable layer, in model order, on its effective weights.

    macs: per layer, from `layer_macs`. bits: nominal bit width where it is not that of `nominal_bits`.
    Errors: ConfigError if `bits` names no layer.
    """
    layers = sites(model)
    bits = bits or {}
    for name in bits:
        if name not in layers:
            raise ConfigError(f'bits: the model has no layer "{name}"{suggestion(name, layers)}')
    return tuple(
        _count(name, site, macs[name], bits.get(name) or nominal_bits(site.module, site.parameter))
        for name, site in layers.items()
    )


def _count(name: str, site: Site, macs: int, bits: float) -> LayerCounts:
    weight = site.weight.detach()
    nonzeros = int(torch.count_nonzero(weight))
    weights, effective = weight.numel(), neff(weight)
    return LayerCounts(
        name=name,
        shape=tuple(weight.shape),
        weights=weights,
        zeros=weights - nonzeros,
        macs=macs,
        effective_macs=round(macs * nonzeros / weights),
        neff=effective if isfinite(effective) else None,
        bits=bits,
        mask_sha256=mask_digest(weight),
    )


def coverage(model: nn.Module) -> tuple[float, list[str]]:
    """Return the share of all weights that pruning and quantization can reach, and the names of the other weights.

    The weights are the parameters of two or more dimensions, tied ones counted once.
    """
    reached = {identity(site.module, site.parameter) for site in sites(model).values()}
    weights = {name: weight.numel() for name, weight in parameters(model).items() if weight.ndim > 1}
    left_out = []
    for name in weights:
        owner, _, last = name.rpartition(".")
        if weights[name] and identity(model.get_submodule(owner), last) not in reached:
            left_out.append(name)
    count = sum(weights.values())
    return 1 - sum(weights[name] for name in left_out) / count if count else 1.0, left_out


def totals(model: nn.Module, layers: Iterable[LayerCounts]) -> dict[str, int | float]:
    """Return the model's totals by metric name.

    `sparsity` is over the weights that compression acts on, `param_sparsity` over all parameters, both in [0, 1];
    `bits_per_weight` is the mean nominal bit width of a prunable weight; `covered` is as of `coverage`. Buffers are no
    parameters.
    """
    layers = tuple(layers)
    weights = sum(layer.weights for layer in layers)
    zeros = sum(layer.zeros for layer in layers)
    tensors = parameters(model).values()
    count = sum(tensor.numel() for tensor in tensors)
    nonzero = sum(int(torch.count_nonzero(tensor)) for tensor in tensors)
    return {
        "sparsity": zeros / weights,
        "param_sparsity": (count - nonzero) / count,
        "nonzeros": weights - zeros,
        "parameters": count,
        "macs": sum(layer.macs for layer in layers),
        "effective_macs": sum(layer.effective_macs for layer in layers),
        "bits_per_weight": sum(layer.bits * layer.weights for layer in layers) / weights,
        "covered": coverage(model)[0],
    }
