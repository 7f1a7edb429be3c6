"""Whether another training explains the published accuracies of Neff at β = 1/e that ours do not come to.

    python benchmarks/neff_training.py [--seeds 0-4] [--data FOLDER] [--output benchmarks/neff_training.md]

The board `neff-seeds-mnist`, with one thing changed at a time that the published work could have done otherwise: how
pixels are scaled, how weights are initialised, the learning rate. Needs MNIST under --data, $BENCHSUITE_DATA or the
home; less than two minutes for each seed on one core.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

from scaled import with_scaled
from tabulate import tabulate
from torch import nn

from benchsuite import DataInfo
from benchsuite.cli.options import parse_seeds
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session, default_data
from benchsuite.execution.worker import computing
from benchsuite.registry import Registry, default_registry
from benchsuite.report.published.schema import read_literature
from benchsuite.report.published.verdicts import Outcome, outcomes
from benchsuite.results import board_results
from benchsuite.store import Record
from benchsuite.store.integrity import read_verified
from benchsuite_plugins.mlp_zoo import MnistMLP
from benchsuite_plugins.mnist import Mnist

BASELINES, BOARD = Path("baselines"), "neff-seeds-mnist"
ACTIVATIONS = '["relu", "gelu", "sigmoid", "tanh"]'
Start = Literal["default", "glorot", "he"]


@dataclass(frozen=True)
class Initialised(MnistMLP):
    """The published multi-layer perceptron with another initialisation."""

    start: Start = "default"
    """PyTorch's own; or biases of 0 with weights of Glorot and Bengio (uniform) or of He et al. (normal)."""

    def build(self, data: DataInfo) -> nn.Module:
        network = super().build(data)
        draw = {"glorot": nn.init.xavier_uniform_, "he": nn.init.kaiming_normal_}
        for layer in network.modules():
            if self.start != "default" and isinstance(layer, nn.Linear):
                draw[self.start](layer.weight)
                nn.init.zeros_(layer.bias)
        return network


@dataclass(frozen=True)
class Training:
    """One way to train."""

    name: str
    pixels: tuple[float, ...] = (*Mnist.mean, *Mnist.std)
    """Mean and deviation that they are normalised with."""
    start: Start = "default"
    recipe: str = "{}"

    def changes(self) -> list[str]:
        """Of the board, as of `--set`."""
        model = f'{{name = "initialised", activation = {ACTIVATIONS}, start = "{self.start}"}}'
        return ["dense.dataset=scaled-mnist", f"dense.model={model}", f"dense.recipe={self.recipe}"]


TRAININGS = (
    Training("pixels in [0, 1]", pixels=(0.0, 1.0)),
    Training("pixels in [−1, 1]", pixels=(0.5, 0.5)),
    Training("Glorot", start="glorot"),
    Training("He", start="he"),
    Training("lr 1e-3", recipe="{lr = 1e-3}"),
)

PAGE = """\
# Neff at β = 1/e and the training of the network

Written by `{command}`; no number here was typed.
Test accuracy in % on MNIST, mean ± sample standard deviation, of the networks of `neff-seeds-mnist`: as committed, and
over {seeds} seeds in other trainings, each with one thing changed. Bold: the published accuracy is reproduced by the
rule of [docs/published.md](../docs/published.md). Where nothing else is said, pixels have mean 0 and deviation 1,
weights PyTorch's initialisation, and the learning rate is 3e-4.

{table}
"""


@dataclass(frozen=True)
class Retrained(Session):
    """A session that knows MNIST in another scaling and the network in other initialisations."""

    training: Training = field(default_factory=partial(Training, ""))

    @cached_property
    def registry(self) -> Registry:
        installed = default_registry().add("model", "initialised", partial(Initialised, size="tiny-underfit"))
        return with_scaled(installed, "mnist", *self.training.pixels)


def records(training: Training, seeds: Sequence[int], data: Path) -> list[Record]:
    """Of the board in this training."""
    with tempfile.TemporaryDirectory() as home:
        session = Retrained("cpu", home=Path(home), data_root=data, training=training)
        planned = session.plan(session.board(BOARD, training.changes()), seeds)
        with computing(session) as computer:
            return [one.record for one in run_cells(planned.board, planned.cells, computer, lambda _: None)]


def held(found: Sequence[Record]) -> list[Outcome]:
    """The published accuracies beside those of the records."""
    literature = read_literature(BASELINES / "published.toml")
    published = next(table for table in literature.tables if table.boards == [BOARD])
    (results,) = board_results(found)
    return [one for one in outcomes(literature, published, {BOARD: results}) if one.metric == "accuracy"]


def reproduced(one: Outcome) -> bool:
    """Whether ours meets the published number."""
    return one.verdict.startswith("reproduced")


def told(one: Outcome) -> str:
    """Our mean and spread, bold where they meet the published number."""
    if one.ours is None:
        return one.state
    text = f"{one.ours.mean:.2f} ± {one.ours.spread:.2f}"
    return f"**{text}**" if reproduced(one) else text


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-4")
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--output", type=Path, default=Path("benchmarks/neff_training.md"))
    options = parser.parse_args()
    seeds = list(parse_seeds(options.seeds) or ())
    found = {"as committed": held(read_verified(BASELINES / f"{BOARD}.jsonl"))}
    found |= {training.name: held(records(training, seeds, options.data)) for training in TRAININGS}
    lines = list(zip(*found.values(), strict=True))
    rows = [[line[0].label.removesuffix(" beta 0.3679"), line[0].published, *map(told, line)] for line in lines]
    met = [sum(map(reproduced, column)) for column in found.values()]
    rows.append(["reproduced", f"of {len(lines)}", *met])
    table = tabulate(rows, ["", "published", *found], tablefmt="github", disable_numparse=True)
    command = " ".join(["python", "benchmarks/neff_training.py", *sys.argv[1:]])
    options.output.write_text(PAGE.format(command=command, seeds=len(seeds), table=table), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
