"""What becomes of a sparse network if quantization-aware training does not hold its zeros.

    python benchmarks/released_zeros.py [--bits 4,3,2] [--data FOLDER] [--output benchmarks/released_zeros.md]

The rows `asymmetric` of the board `resnet20-prune-quantize-jpeg` once more, without masks: pruned weights are zero when
the training begins, its first step makes them nonzero, and from then on each is on the grid like any other. Starts from
the board's sparse network, which the store has or the board trains; three minutes for each number of bits.
"""

import argparse
from pathlib import Path

import safetensors.torch
from tabulate import tabulate
from torch import nn

import benchsuite
from benchsuite.execution.compress import fold
from benchsuite.execution.data import DataSource
from benchsuite.execution.denormals import flushing
from benchsuite.execution.session import Session, default_data
from benchsuite.execution.steps import State, Steps
from benchsuite.metrics import evaluate, measure_model
from benchsuite.plan import Cell
from benchsuite.store import Store
from benchsuite.store.integrity import read_verified

BOARD, SPARSE, QUANTIZED = "resnet20-prune-quantize-jpeg", "80 % sparse", "asymmetric"

PAGE = """\
# Quantization-aware training of a sparse network, its zeros held and released

Written by `python benchmarks/released_zeros.py`; no number here was typed. ResNet-20 on CIFAR-10 as JPEG, pruned to
80 %, then an epoch on the asymmetric grid: accuracy in % after it, and the share of weights that are zero. *Held*: the
committed rows of `{board}`. *Released*: the same without masks.

{table}
"""


class Experiment:
    """The board's sparse network, and what trains it on."""

    def __init__(self, session: Session) -> None:
        self.cells = {(cell.method, cell.setting): cell for cell in session.plan(session.board(BOARD)).cells}
        self._data = DataSource(session.registry, session.data_root, session.device)
        self._steps = Steps(session.registry, self._data, session.device)
        self._sparse = self.cells[SPARSE, ""].chain
        benchsuite.run(BOARD, only=[f"method={SPARSE}"], home=session.home, data_root=session.data_root)
        file = Store(session.home).file(self._sparse.key, "model.safetensors")
        if file is None:
            raise FileNotFoundError(f"the store has no network of {BOARD}: {SPARSE}")
        self._weights = safetensors.torch.load_file(file)

    def released(self, cell: Cell) -> tuple[float, float]:
        """Accuracy in % and sparsity after the cell's steps that follow the pruning, on plain weights."""
        masked = self._steps.rebuild(self._sparse, [])
        masked.load_state_dict(self._weights)
        state = State(fold(masked))
        before = set(self._sparse.links())
        for link in cell.chain.links():
            if link not in before:
                self._steps.run(link, state)
        return self._measured(cell, state.model)

    def _measured(self, cell: Cell, model: nn.Module) -> tuple[float, float]:
        test = self._data.examples(cell.chain.training.dataset, "test")
        correct = evaluate(model, self._steps.architecture(cell.chain).loss, test.in_order()).correct
        counts, _ = measure_model(fold(model), test.example())
        return 100 * float(correct.float().mean()), float(counts["sparsity"])


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bits", default="4,3,2")
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--output", type=Path, default=Path("benchmarks/released_zeros.md"))
    options = parser.parse_args()
    committed = {record.key: record.metrics for record in read_verified(Path("baselines") / f"{BOARD}.jsonl")}
    rows = []
    with flushing():
        experiment = Experiment(Session("cpu", data_root=options.data))
        for bits in options.bits.split(","):
            cell = experiment.cells[QUANTIZED, f"bits {bits}"]
            held = committed[cell.key]
            sides = (held["accuracy"], held["sparsity"], *experiment.released(cell))
            rows.append([bits, *(f"{side:.{digits}f}" for side, digits in zip(sides, (2, 3, 2, 3), strict=True))])
    headings = ["bits", "held", "sparsity", "released", "sparsity"]
    table = tabulate(rows, headings, tablefmt="github", disable_numparse=True)
    options.output.write_text(PAGE.format(board=BOARD, table=table), encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
