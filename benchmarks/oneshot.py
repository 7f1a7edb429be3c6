"""Speed of a one-shot cell: mask, apply and evaluate on 10,000 test images, against the bare forward pass.

    python benchmarks/oneshot.py [--repetitions N] [--data FOLDER]

The cell takes the harness's own way: a copy of the network, `Steps.run` of the pruning, `metrics.evaluate`.
Without MNIST under --data, $BENCHSUITE_DATA or the home, random images take its place: they cost the same.
"""

import argparse
import statistics
from copy import deepcopy
from pathlib import Path

import torch
from timing import in_turns, print_table, ratio, verdict
from torch import nn

from benchsuite.execution.data import DataSource, Examples
from benchsuite.execution.session import default_data
from benchsuite.execution.steps import State, Steps
from benchsuite.metrics import evaluate
from benchsuite.plan import Chain, parse_board, plan
from benchsuite.registry import default_registry

CPU = torch.device("cpu")
HIDDEN = [4096, 2048, 1024]
PRUNINGS = [
    {"prune": ["neff-block", "neff-row"]},
    {"prune": ["percentile", "global-percentile"], "sparsity": 0.8},
]
TARGET = 1.6


def chains() -> list[Chain]:
    """The dense training, then each pruning of it."""
    board = {
        "board": {"name": "oneshot", "title": "One-shot cells", "seeds": [0]},
        "dense": {"dataset": "mnist", "model": {"name": "mlp", "hidden": HIDDEN}},
        "rows": [{"steps": [step], "control": False} for step in PRUNINGS],
    }
    planned = plan(parse_board(board, "oneshot.py"), default_registry(), lambda _: "not hashed")
    return [cell.chain for cell in planned.cells]


def test_images(source: DataSource, dense: Chain, root: Path) -> tuple[str, Examples]:
    """The test set where it is there, else noise of its shape."""
    use = dense.training.dataset
    if all(file.is_file() for file in source.plugin(use).files(root)):
        return "MNIST's test images", source.examples(use, "test")
    images = torch.randint(256, (10_000, 1, 28, 28), dtype=torch.uint8)
    return "random images", Examples(images, torch.randint(10, (10_000,)), (0.1307,), (0.3081,))


def forward(model: nn.Module, examples: Examples) -> None:
    """The bare forward pass on tensors already in memory."""
    with torch.inference_mode():
        for inputs, _ in examples.in_order():
            model(inputs)


def cell(source: DataSource, chain: Chain, model: nn.Module, examples: Examples) -> None:
    """A one-shot cell, nothing shared with those before it."""
    steps = Steps(default_registry(), source, CPU)
    state = State(deepcopy(model))
    steps.run(chain, state)
    evaluate(state.model, steps.architecture(chain).loss, examples.in_order())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--data", type=Path, default=default_data())
    options = parser.parse_args()

    dense, *prunings = chains()
    source = DataSource(default_registry(), options.data, CPU)
    what, examples = test_images(source, dense, options.data)
    model = Steps(default_registry(), source, CPU).build(dense)
    forward(model, examples)
    bare, *cells = in_turns(
        options.repetitions,
        lambda: forward(model, examples),
        *(lambda chain=chain: cell(source, chain, model, examples) for chain in prunings),
    )
    rows: list[tuple[object, ...]] = [("bare forward pass", statistics.median(bare), 1.0, None, None)]
    for chain, seconds in zip(prunings, cells, strict=True):
        times = ratio(seconds, bare)
        name = chain.step.to_json()["pruner"]["name"]  # type: ignore[index]  # a pruning
        rows.append((name, statistics.median(seconds), times, f"≤ {TARGET}", verdict(times <= TARGET)))
    widths = "-".join(map(str, (784, *HIDDEN, 10)))
    print(f"{widths} MLP, {what}, {torch.get_num_threads()} threads, medians of {options.repetitions}\n")
    print_table(rows, ("cell", "seconds", "× bare", "target", ""))


if __name__ == "__main__":
    main()
