"""Checks of what a plugin costs on a layer of a million weights, beside pruning it by magnitude."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from statistics import fmean

import psutil
import torch
from torch import nn

from benchsuite.api import ChannelPruner, Pruner, Quantizer, Regularizer
from benchsuite.metrics import prunable
from benchsuite.pruning import Percentile, ScoredPruner
from benchsuite.testing.checks import Failure, require, rule
from benchsuite.testing.compression import COMPRESSORS, Compressor, step
from benchsuite.testing.processes import with_peak_memory
from benchsuite.testing.samples import context_of

TIMES = 100
"""A decision may take so many times the CPU time of magnitude's, on the same machine and at the same moment."""
COPIES = 64
"""As much memory as so many copies of the layer, on top of what magnitude takes."""
_ROUNDS, _REPEATS = 2, 2
_CHANNELS, _FILTERS, _EXAMPLES = 256, 456, 4
_RESOLUTION = time.get_clock_info("process_time").resolution
_LAYER_BYTES = 4 * _CHANNELS * _FILTERS * 3 * 3
_MEBIBYTE = 2**20


@dataclass(frozen=True)
class Magnitude(ScoredPruner):
    """The yardstick: half of each layer, by magnitude."""

    @property
    def budget(self) -> Percentile:
        return Percentile(0.5)


@rule(*COMPRESSORS)
def time_of_a_decision(plugin: Compressor) -> None:
    """A loop over weights in Python takes minutes where a sort takes milliseconds; boards have hundreds of cells."""
    work, usual_work = _work(plugin), _work(Magnitude())
    usual_work()  # the first call of a process pays for more than its decision
    for _ in range(_ROUNDS):
        took, usual = _beside(work, usual_work)
        if took <= TIMES * usual:
            return
    raise Failure(
        f"{took:.2f} s of CPU time for a million weights, {took / usual:.0f} times what magnitude takes here;"
        f" {TIMES} times are allowed"
    )


@rule(*COMPRESSORS)
def memory_of_a_decision(plugin: Compressor) -> None:
    """A table of all pairs of weights fits a toy layer and no real one."""
    took, usual = _bytes(plugin), _bytes_of_magnitude()
    allowed = usual + COPIES * _LAYER_BYTES
    require(
        took <= allowed,
        f"{took // _MEBIBYTE} MiB for a million weights; {allowed // _MEBIBYTE} MiB are allowed",
    )


@cache
def _bytes_of_magnitude() -> int:
    return _bytes(Magnitude())


def _bytes(plugin: Compressor) -> int:
    """By how much the resident memory of a fresh process grows."""
    before, peak = with_peak_memory(_worked, plugin)
    return max(0, peak - before)


def _worked(plugin: Compressor) -> int:
    work = _work(plugin)
    before: int = psutil.Process().memory_info().rss
    work()
    return before


def _beside(work: Callable[[], object], usual: Callable[[], object]) -> tuple[float, float]:
    """CPU time of one decision, and the mean of usual ones before and after it: what slows one slows the other."""
    before = [_seconds(usual) for _ in range(_REPEATS)]
    took = _seconds(work)
    after = [_seconds(usual) for _ in range(_REPEATS)]
    return took, fmean(before + after)


def _seconds(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return max(time.process_time() - started, _RESOLUTION)


def _work(plugin: Compressor) -> Callable[[], object]:
    """What the plugin does when the harness asks it, without the harness."""
    network = _network()
    layers = {name: layer.get_parameter("weight").detach() for name, layer in prunable(network).items()}
    batches = [(torch.randn(_EXAMPLES, _CHANNELS, 3, 3), torch.zeros(_EXAMPLES, dtype=torch.int64))]
    norms: dict[str, str | None] = {"conv1": "bn1"}
    match plugin:
        case Pruner():
            return lambda: plugin.masks(layers, context_of(network, batches))
        case ChannelPruner():
            return lambda: plugin.channels(network, replace(context_of(network, batches), removable=norms))
        case Quantizer():
            return lambda: plugin.quantize(layers["conv1"])
        case Regularizer():
            return lambda: step(network, plugin, batches)


def _network() -> nn.Module:
    """A convolution of a million weights, its BatchNorm, and what makes it a classifier."""
    torch.manual_seed(0)
    modules = {
        "conv1": nn.Conv2d(_CHANNELS, _FILTERS, 3),
        "bn1": nn.BatchNorm2d(_FILTERS),
        "flatten": nn.Flatten(),
        "fc": nn.Linear(_FILTERS, 4),
    }
    network = nn.Sequential(OrderedDict(modules)).eval()
    nn.init.uniform_(network.get_parameter("bn1.weight"))
    return network
