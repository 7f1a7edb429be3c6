"""Does bf16 cost accuracy? ResNet-20 trained briefly in float32 and in bf16, over seeds.

    python benchmarks/precision.py [--dataset cifar10] [--images N] [--epochs N] [--seeds N] [--data FOLDER]

The same first images of the training set, the same recipe, the whole test set; the last line compares the difference
of the means with the spread over seeds.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from timing import print_table

from benchsuite import Model
from benchsuite.execution.data import DataSource, Examples
from benchsuite.execution.session import default_data
from benchsuite.execution.training import train
from benchsuite.metrics import evaluate, summarize
from benchsuite.plan import Use
from benchsuite.registry import default_registry


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--data", type=Path, default=default_data())
    options = parser.parse_args()

    registry = default_registry()
    source = DataSource(registry, options.data, torch.device("cpu"))
    use = Use("dataset", options.dataset, (), "")
    every = torch.randperm(len(source.examples(use, "train")), generator=torch.Generator().manual_seed(0))
    chosen = every[: options.images]
    full, test = source.examples(use, "train"), source.examples(use, "test")
    examples = Examples(full.images[chosen], full.labels[chosen], full.mean, full.std)
    plugin = cast(Model, registry.get("model", "resnet20").create({}))

    found: dict[str, list[float]] = {"float32": [], "bf16": []}
    for seed in range(options.seeds):
        for precision, accuracies in found.items():
            torch.manual_seed(seed)
            model = plugin.build(source.info(use))
            recipe = replace(plugin.training_recipe(), epochs=options.epochs, precision=precision)  # type: ignore[arg-type]  # one of the two
            train(model, plugin.loss, examples, recipe, seed)
            accuracies.append(evaluate(model, plugin.loss, test.in_order()).accuracy)
    summaries = {precision: summarize(accuracies) for precision, accuracies in found.items()}
    rows = [(precision, summary.mean, summary.spread, summary.n) for precision, summary in summaries.items()]
    print_table(rows, (f"ResNet-20, {options.epochs} epochs", "accuracy, %", "± over seeds", "seeds"))
    spread = max(summary.spread or 0.0 for summary in summaries.values())
    difference = summaries["bf16"].mean - summaries["float32"].mean
    print(f"\nbf16 − float32: {difference:+.2f} points, the larger spread over seeds: {spread:.2f}")


if __name__ == "__main__":
    main()
