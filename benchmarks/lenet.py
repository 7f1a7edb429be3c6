"""Speed of training LeNet-5 with LeCun's sparse C3 against the full one.

    python benchmarks/lenet.py [--repetitions N] [--threads N]

Both take turns, one epoch of 2,000 random images each; medians of the repetitions.
"""

import argparse
import statistics
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Literal

import torch
from timing import in_turns, print_table, ratio, verdict

from benchsuite import DataInfo
from benchsuite.execution.data import Examples
from benchsuite.execution.training import train
from benchsuite_plugins.lenet import LeNet5

IMAGES = 2000
TARGET = 0.7


def epoch(connections: Literal["full", "subset"], examples: Examples) -> Callable[[], None]:
    """What the harness does in one epoch of the recipe."""
    model = LeNet5(connections=connections)
    network = model.build(DataInfo(channels=1, height=28, width=28, classes=10))
    return partial(train, network, model.loss, examples, replace(model.training_recipe(), epochs=1), seed=0)


def main() -> None:
    """Print images per second of both, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=11)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    images = torch.randint(256, (IMAGES, 1, 28, 28), dtype=torch.uint8)
    examples = Examples(images, torch.randint(10, (IMAGES,)), (0.1307,), (0.3081,))
    sides = epoch("full", examples), epoch("subset", examples)
    for side in sides:
        side()
    full, subset = in_turns(options.repetitions, *sides)
    found = ratio(full, subset)
    speeds = [IMAGES / statistics.median(times) for times in (full, subset)]
    met = f"≥ {TARGET}×: {verdict(found >= TARGET)}"
    print(f"training on {torch.get_num_threads()} threads\n")
    print_table(
        [("lenet5-full", speeds[0], "", ""), ("lenet5-subset", speeds[1], f"{found:.2f}×", met)],
        ("", "images/s", "of full", "target"),
        digits=0,
    )


if __name__ == "__main__":
    main()
