"""Whether the published accuracies of logistic regression tell how its pixels were scaled.

    python benchmarks/logreg_pixels.py [--seeds 0-9] [--data FOLDER] [--output benchmarks/logreg_pixels.md]

The three lines of the board `logreg-loss` on MNIST's 4 and 9, in as many scalings of the pixels: the published work
does not say which it had. Needs MNIST under --data, $BENCHSUITE_DATA or the home; about a minute for each ten runs.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import cast

from scaled import with_scaled
from tabulate import tabulate

from benchsuite.cli.options import parse_seeds
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session, default_data
from benchsuite.metrics.statistics import summarize
from benchsuite.plan import Board, parse_board
from benchsuite.registry import Registry, default_registry

SCALINGS = {"[−1, 1]": (0.5, 0.5), "[0, 1]": (0.0, 1.0), "mean 0, deviation 1": (0.1307, 0.3081)}
"""By what the pixels then are, mean and standard deviation that they are normalised with."""
MODELS = (
    {"name": "logreg"},
    {"name": "logreg", "objective": "squares"},
    {"name": "logreg", "objective": "squares", "broadcast_labels": True},
)

PAGE = """\
# Logistic regression and the scaling of pixels

Written by `{command}`; no number here was typed.
Test accuracy in % on MNIST's 4 and 9, mean ± sample standard deviation of {seeds} runs, least to greatest.

{table}
"""


@dataclass(frozen=True)
class Scaled(Session):
    """A session that knows the two digits in another scaling, as `scaled-mnist-4v9`."""

    mean: float = 0.5
    std: float = 0.5

    @cached_property
    def registry(self) -> Registry:
        return with_scaled(default_registry(), "mnist-4v9", self.mean, self.std)


def board() -> Board:
    """The board `logreg-loss` on the scaled digits."""
    content = {
        "board": {"name": "logreg-pixels", "title": "Which scaling?", "seeds": [0]},
        "dense": {"dataset": "scaled-mnist-4v9", "model": list(MODELS)},
    }
    return parse_board(content, "logreg_pixels.py")


def accuracies(session: Session, seeds: list[int]) -> dict[str, list[float]]:
    """By line of the board the accuracy of each seed."""
    planned = session.plan(board(), seeds)
    found: dict[str, list[float]] = {}
    for outcome in run_cells(planned.board, planned.cells, session.engine, lambda _: None):
        found.setdefault(outcome.cell.setting, []).append(cast(float, outcome.record.metrics["accuracy"]))
    return found


def told(values: list[float]) -> str:
    """Mean ± deviation, least to greatest."""
    summary = summarize(values)
    return f"{summary.mean:.2f} ± {summary.spread:.2f}, {min(values):.2f} to {max(values):.2f}"


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="0-9")
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--output", type=Path, default=Path("benchmarks/logreg_pixels.md"))
    options = parser.parse_args()
    seeds = list(parse_seeds(options.seeds) or ())
    rows = []
    for pixels, (mean, std) in SCALINGS.items():
        with tempfile.TemporaryDirectory() as home:  # a store each: the scalings share their keys
            session = Scaled("cpu", home=Path(home), data_root=options.data, mean=mean, std=std)
            rows += [[pixels, line, told(values)] for line, values in accuracies(session, seeds).items()]
    table = tabulate(rows, ["pixels", "loss", "accuracy %"], tablefmt="github")
    command = " ".join(["python", "benchmarks/logreg_pixels.py", *sys.argv[1:]])
    options.output.write_text(PAGE.format(command=command, seeds=len(seeds), table=table), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
