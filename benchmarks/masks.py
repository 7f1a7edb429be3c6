"""Speed of mask selection: Neff against the full sort, a sweep against one level, and pruning against torch's own.

    python benchmarks/masks.py [--repetitions N]

Every pair is measured in one run, its two sides taking turns; medians of the repetitions. With
NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4" numpy runs without vector instructions, as on a processor that it has none for.
"""

import argparse
import copy
import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

import torch
from tabulate import tabulate
from torch import Tensor, nn
from torch.nn.utils import prune

import benchsuite
from benchsuite import PruneContext, Pruner
from benchsuite_plugins.neff import NeffBlock, NeffColumn, NeffNetwork, NeffRow

SHAPE = (2048, 4096)
BETAS = tuple(math.exp(exponent / 5) for exponent in range(-5, 6))
WIDTHS = (784, 4096, 2048, 1024, 10)
SPARSITY = 0.8


def masks(pruner: Pruner, weight: Tensor, context: PruneContext | None = None) -> Tensor:
    """What the harness asks of a pruner for one layer."""
    return pruner.masks({"layer": weight}, context or fresh_context())["layer"]


def sort_and_scatter(weight: Tensor, dims: tuple[int, ...], beta: float = 1.0, *, center: bool = False) -> Tensor:
    """Neff as it is usually written: normalise, sort each group in full, scatter."""
    groups = {(0,): weight.t(), (1,): weight, (0, 1): weight.reshape(1, -1)}[dims]
    groups = (groups - groups.mean(1, keepdim=True) if center else groups).abs()
    shares = groups / groups.sum(1, keepdim=True)
    counts = (beta / shares.square().sum(1, keepdim=True)).floor().clamp(1, groups.shape[1] - 1)
    order = shares.argsort(dim=1, descending=True)
    first = torch.arange(groups.shape[1]).expand_as(order) < counts
    keep = torch.zeros_like(groups, dtype=torch.bool).scatter_(1, order, first)
    return keep.t() if dims == (0,) else keep.view(weight.shape)


def sweep(kind: type[Pruner], weight: Tensor) -> None:
    """All levels on one layer, sharing one context as the cells of a board do."""
    context = fresh_context()
    for beta in BETAS:
        masks(kind(beta=beta), weight, context)  # type: ignore[call-arg]  # every Neff has a beta


def network() -> nn.Module:
    """Return an MLP of 13.7 million weights."""
    torch.manual_seed(0)
    return nn.Sequential(*(nn.Linear(before, after) for before, after in pairwise(WIDTHS)))


def peer_global(model: nn.Module) -> nn.Module:
    """Return a copy pruned by `torch.nn.utils.prune` with one threshold for all layers, made permanent."""
    pruned = copy.deepcopy(model)
    places = [(layer, "weight") for layer in pruned.children()]
    prune.global_unstructured(places, pruning_method=prune.L1Unstructured, amount=SPARSITY)
    return _permanent(pruned)


def peer_by_layer(model: nn.Module) -> nn.Module:
    """Return a copy pruned by `torch.nn.utils.prune` layer by layer, made permanent."""
    pruned = copy.deepcopy(model)
    for layer in pruned.children():
        prune.l1_unstructured(layer, "weight", amount=SPARSITY)
    return _permanent(pruned)


def _permanent(model: nn.Module) -> nn.Module:
    for layer in model.children():
        prune.remove(layer, "weight")
    return model


def fresh_context() -> PruneContext:
    """A context without data, which magnitudes do not need."""

    def no_batches() -> Iterator[tuple[Tensor, Tensor]]:
        return iter(())

    return PruneContext(
        torch.Generator().manual_seed(0), no_batches, nn.Module, nn.functional.cross_entropy, torch.device("cpu")
    )


def medians(repetitions: int, *sides: Callable[[], object]) -> list[float]:
    """Milliseconds of each side, taking turns so that a slow minute of the machine meets both."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(repetitions):
        for side, record in zip(sides, times, strict=True):
            start = time.perf_counter()
            side()
            record.append(1e3 * (time.perf_counter() - start))
    return [statistics.median(record) for record in times]


def main() -> None:
    """Print the three tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions
    weight = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))

    against_sort, sweeps = [], []
    for name, pruner, dims, target in (
        ("neff-block", NeffBlock(), (0, 1), 10),
        ("neff-row", NeffRow(), (1,), 3),
        ("neff-column", NeffColumn(), (0,), 3),
    ):
        ours, sort = medians(repetitions, partial(masks, pruner, weight), partial(sort_and_scatter, weight, dims))
        against_sort.append((name, sort, ours, f"{sort / ours:.1f}×", f"≥ {target}×"))
    for name, kind in (
        ("neff-block", NeffBlock),
        ("neff-row", NeffRow),
        ("neff-column", NeffColumn),
        ("neff-network", NeffNetwork),
    ):
        one, many = medians(repetitions, partial(masks, kind(), weight), partial(sweep, kind, weight))
        sweeps.append((name, one, many, f"{many / one:.2f}×", "≤ 2×"))

    model, peers = network(), []
    for name, pruner, peer in (
        ("all layers together", "global-percentile", peer_global),
        ("layer by layer", "percentile", peer_by_layer),
    ):
        ours, theirs = medians(
            repetitions, partial(benchsuite.prune, model, pruner, sparsity=SPARSITY), partial(peer, model)
        )
        peers.append((name, theirs, ours, f"{theirs / ours:.1f}×", "≥ 6×"))

    print(f"{SHAPE[0]} × {SHAPE[1]} float32, {torch.get_num_threads()} threads, median of {repetitions}\n")
    print(tabulate(against_sort, ("β = 1", "sort, ms", "benchsuite, ms", "faster", "target"), floatfmt=".1f"))
    print()
    print(tabulate(sweeps, (f"{len(BETAS)} β", "one β, ms", "sweep, ms", "ratio", "target"), floatfmt=".1f"))
    print()
    headers = (
        f"{SPARSITY:.0%} of 13.7 million",
        "torch.nn.utils.prune, ms",
        "benchsuite.prune, ms",
        "faster",
        "target",
    )
    print(tabulate(peers, headers, floatfmt=".1f"))


if __name__ == "__main__":
    main()
