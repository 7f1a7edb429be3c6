"""Speed of evaluating the β sweep of one trained network, against the published protocol.

    python benchmarks/beta_sweep.py [--betas N] [--data FOLDER]

Published: for each of the six variants at each β a full sort of every group, then five evaluations, all alike, through
a `DataLoader` that decodes and normalises image by image. Ours: the cells of `neff-beta-mnist` as a run makes them,
with sizes, latency, audit and the store's entry, each from an empty store but for the trained network. Both begin with
that network, and have to come to the same accuracies. Without MNIST under --data, $BENCHSUITE_DATA or the home there
is nothing to train.
"""

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import safetensors.torch
import torch
from masks import BETAS, sort_and_scatter
from timing import print_table, verdict
from torch import nn
from torch.utils.data import DataLoader
from torchvision import datasets, transforms

from benchsuite.execution.session import Session, default_data
from benchsuite.metrics import prunable
from benchsuite.plan import Cell, parse_board

DIMS = {"neff-column": (0,), "neff-row": (1,), "neff-block": (0, 1)}
EVALUATIONS = 5
BATCH = 128
TARGET = 10


def variants(betas: tuple[float, ...]) -> Iterator[tuple[str, bool, float]]:
    """Pruner, center and β, in the order of the board."""
    return itertools.product(DIMS, (False, True), betas)


def cells(session: Session, betas: tuple[float, ...]) -> list[Cell]:
    """The dense training, then every variant; the published protocol has no controls."""
    step = {"prune": list(DIMS), "center": [False, True], "beta": list(betas)}
    board = {
        "board": {"name": "beta-sweep", "title": "The sweep of one network", "seeds": [0]},
        "dense": {"dataset": "mnist", "model": "mlp-mnist-tiny-underfit"},
        "rows": [{"steps": [step], "control": False}],
    }
    return list(session.plan(parse_board(board, "beta_sweep.py")).cells)


def published(model: nn.Module, loader: DataLoader, variant: tuple[str, bool, float]) -> float:
    """Accuracy in percent of a copy of the network pruned so: the mean of five evaluations."""
    pruner, center, beta = variant
    pruned = deepcopy(model)
    with torch.no_grad():
        for layer in prunable(pruned).values():
            layer.weight.mul_(sort_and_scatter(layer.weight, DIMS[pruner], beta, center=center))
        return statistics.fmean(accuracy(pruned, loader) for _ in range(EVALUATIONS))


def accuracy(model: nn.Module, loader: DataLoader) -> float:
    """In percent."""
    correct = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in loader)
    return 100 * correct / len(loader.dataset)


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--betas", type=int, default=len(BETAS), help="how many of the eleven, from the least")
    parser.add_argument("--data", type=Path, default=default_data())
    options = parser.parse_args()
    betas = BETAS[: options.betas]

    with tempfile.TemporaryDirectory() as home:
        session = Session(home=Path(home), data_root=options.data)
        dense, *pruned = cells(session, betas)
        engine = session.engine
        engine.record(dense.chain)
        model = engine.steps.build(dense.chain)
        model.load_state_dict(safetensors.torch.load_file(Path(home) / "store" / dense.key / "model.safetensors"))
        start = time.perf_counter()
        ours = [engine.record(cell.chain).metrics["accuracy"] for cell in pruned]
        seconds = time.perf_counter() - start

    normalised = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    loader = DataLoader(datasets.MNIST(options.data, train=False, transform=normalised), batch_size=BATCH)
    start = time.perf_counter()
    theirs = [published(model, loader, variant) for variant in variants(betas)]
    slow = time.perf_counter() - start

    apart = max(abs(one - other) for one, other in zip(ours, theirs, strict=True))
    print(f"{len(ours)} variants of mlp-mnist-tiny-underfit, {torch.get_num_threads()} threads\n")
    faster = slow / seconds
    rows = [
        ("published protocol", slow, 1.0, "", ""),
        ("benchsuite", seconds, faster, f"≥ {TARGET}", verdict(faster >= TARGET)),
    ]
    print_table(rows, ("", "seconds", "× faster", "target", ""))
    print(f"\nlargest difference of accuracy: {apart:.3f} points")


if __name__ == "__main__":
    main()
