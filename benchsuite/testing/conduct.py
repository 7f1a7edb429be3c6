"""Checks of how compressing plugins behave towards the process: randomness, settings, outputs, networks."""

import os
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO

from torch import nn

from benchsuite.api import ChannelPruner, Pruner
from benchsuite.execution.threads import fitting_threads
from benchsuite.metrics import weights_digest
from benchsuite.testing.checks import require, rule
from benchsuite.testing.compression import COMPRESSORS, Compressor, compress, compressed, differences
from benchsuite.testing.processes import in_a_fresh_process
from benchsuite.testing.samples import PLAIN
from benchsuite.testing.surroundings import RANDOMNESS, SETTINGS, Surroundings, seeded


@rule(*COMPRESSORS)
def repeatable(plugin: Compressor) -> None:
    """The same weights and the same seed give the same result, or no result of a leaderboard can be had again."""
    with seeded(0):
        first = compressed(plugin)
    with seeded(0):
        second = compressed(plugin)
    require(not (names := differences(first, second)), f"two runs of one seed differ in {', '.join(names)}")


@rule(*COMPRESSORS)
def same_in_a_fresh_process(plugin: Compressor) -> None:
    """What depends on hash order, a cache of the module or the folder it was started in is gone after a restart."""
    with seeded(0):
        here = weights_digest(compressed(plugin))
    there = in_a_fresh_process(_digest_of_compressed, plugin)
    require(here == there, "a process of its own comes to another result from the same weights and seed")


@rule(*COMPRESSORS)
def ignores_global_randomness(plugin: Compressor) -> None:
    """The cell's seed is the only one: what draws from global generators depends on all that ran before it."""
    with seeded(1):
        first = compressed(plugin)
    with seeded(2):
        second = compressed(plugin)
    names = differences(first, second)
    require(not names, f"with other seeds of random, numpy and torch it differs in {', '.join(names)}")


@rule(*COMPRESSORS)
def leaves_global_randomness(plugin: Compressor) -> None:
    """One draw from a global generator shifts the order of examples of every training that follows."""
    network = PLAIN.network()
    before = Surroundings.now(RANDOMNESS)
    compress(network, plugin, PLAIN.batches())
    require(not (changed := before.changed()), f"it changed {' and '.join(changed)}")


@rule(*COMPRESSORS)
def leaves_settings(plugin: Compressor) -> None:
    """A default dtype, thread count or grad mode left behind changes the numbers of every cell that follows."""
    before = Surroundings.now(SETTINGS)
    compressed(plugin)
    require(not (changed := before.changed()), f"it changed {' and '.join(changed)}")


@rule(*COMPRESSORS)
def prints_nothing(plugin: Compressor) -> None:
    """What a plugin prints lands in the middle of --json and of the progress bar."""
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        compressed(plugin)
    printed = out.getvalue() + err.getvalue()
    require(not printed, f"it printed {printed[:60]!r}: use logging")


@rule(Pruner, ChannelPruner)
def leaves_the_network(plugin: Pruner | ChannelPruner) -> None:
    """The network is the parent of every other row of the board: what changes it spoils them all."""
    original = PLAIN.network()
    modes = _modes(original)
    compress(PLAIN.network(), plugin, PLAIN.batches(), original=original)
    require(not (names := differences(original, PLAIN.network())), f"it changed {', '.join(names)} of the network")
    require(_modes(original) == modes, "it changed modes, hooks or requires_grad of the network")


def _modes(network: nn.Module) -> list[object]:
    modules = [(module.training, len(module._forward_hooks)) for module in network.modules()]
    return [*modules, *(parameter.requires_grad for parameter in network.parameters())]


def _digest_of_compressed(plugin: Compressor) -> str:
    os.chdir("/")
    with seeded(0), fitting_threads(0):  # as here: sums depend on the number of threads
        return weights_digest(compressed(plugin))
