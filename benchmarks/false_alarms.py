"""How often `benchsuite compare` calls an honest run regressed, and how often it finds a method made 2 points worse.

    python benchmarks/false_alarms.py [--seeds 200-279] [--comparisons 100] [--output benchmarks/false_alarms.md]
    python benchmarks/false_alarms.py --calibrate [--seeds 100-139]

Runs the quick board with every seed of the pool (about 6 s each on one core; the store keeps what is done), then
draws pairs of runs of three seeds, as the board has. *False alarms*: two disjoint triples. *Power*: the same triple
twice, in the second run with one method changed on purpose: of the weights that it keeps, a share drawn at random is
exchanged for weights that it drops. The shares were set on other seeds, by --calibrate, to cost 2 points on average.
"""

import argparse
import random
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import torch
from tabulate import tabulate
from timing import verdict
from torch import Tensor

from benchsuite import PruneContext, Pruner
from benchsuite.cli.options import parse_seeds
from benchsuite.compare import Finding, Threshold, compare
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session, filtered
from benchsuite.metrics.paired import Contrast, fit_prior
from benchsuite.registry import Registry, default_registry
from benchsuite.registry.fields import class_of
from benchsuite.results.pairing import SeedRecords, pair
from benchsuite.store import Record

BOARD = "quick"
SEEDS, MORE_SEEDS = 3, 5
TARGET = 0.95
SHARES = (0.01, 0.02, 0.05, 0.07, 0.1, 0.105, 0.15, 0.2, 0.3, 0.33, 0.4)
SMALL = 4.0

PAGE = """\
# False alarms and power of `benchsuite compare`

Written by `{command}`;
no number here was typed. All runs are real ones of the quick board, of the seeds {seeds}, which recur in many draws:
these are not independent experiments. How much of a method was changed was set beforehand, on other seeds, so that it
costs 2 points on average; the table tells what it costs here, ± from seed to seed. Where that differs by more than a
point between seeds, three of them cannot always tell; the rows below the first change say how many are caught then.

{table}
"""

Runs = Mapping[int, Sequence[Record]]
"""The records of a run by seed."""


@dataclass(frozen=True)
class Change:
    """A line of the board whose pruner is changed on purpose: the share of its kept weights that is exchanged."""

    pruner: str
    method: str
    setting: str
    share: float

    def __str__(self) -> str:
        return f"{self.method}, {self.setting}"


CHANGES = (
    Change("percentile", "percentile, tuned", "sparsity 0.8", 0.33),
    Change("weight", "weight", "sparsity 0.5", 0.3),
    Change("global-percentile", "global-percentile", "sparsity 0.5", 0.105),
)


def exchanging(method: type[Pruner]) -> type[Pruner]:
    """Return the pruner, made worse by exchanging a share of what it keeps."""

    @dataclass(frozen=True)
    class Exchanging(method):
        """The same number of weights, some of them others."""

        share: float = 0.0

        def masks(self, layers: Mapping[str, Tensor], context: PruneContext) -> Mapping[str, Tensor]:
            masks = super().masks(layers, context)
            return {name: exchanged(mask, self.share, context.generator) for name, mask in masks.items()}

    return Exchanging


def exchanged(mask: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Return the mask with a share of the kept weights dropped and as many of the others kept, all drawn at random."""
    flat = mask.flatten().clone()
    kept, dropped = flat.nonzero().flatten(), (~flat).nonzero().flatten()
    count = min(round(share * len(kept)), len(dropped))
    flat[kept[torch.randperm(len(kept), generator=generator)[:count]]] = False
    flat[dropped[torch.randperm(len(dropped), generator=generator)[:count]]] = True
    return flat.view_as(mask)


@dataclass(frozen=True)
class Changed(Session):
    """A session in which one pruner is changed under its own name."""

    change: Change | None = None

    @cached_property
    def registry(self) -> Registry:
        installed = default_registry()
        if self.change is None:
            return installed
        name = self.change.pruner
        cls = class_of(installed.get("pruner", name).factory)
        others = tuple(claim for claim in installed.claims if (claim.kind, claim.name) != ("pruner", name))
        return replace(installed, claims=others).add("pruner", name, partial(exchanging(cls), share=self.change.share))


def runs(seeds: Sequence[int], change: Change | None = None) -> Runs:
    """Return the records of the board, or of the changed line alone, by seed."""
    session = Changed(device_name="cpu", change=change)
    planned = session.plan(session.board(BOARD), seeds)
    cells = planned.cells
    if change:
        filters = [f"method={change.method}", f"setting={change.setting}"]
        cells = [cell for cell in filtered(cells, filters) if cell.role == "row"]
    found: dict[int, list[Record]] = {seed: [] for seed in seeds}
    for done, outcome in enumerate(run_cells(planned.board, cells, session.engine, lambda _: None), 1):
        if outcome.record.status != "ok":
            raise SystemExit(f"{outcome.cell.name}: {outcome.record.error and outcome.record.error.reason}")
        found[outcome.cell.chain.seed].append(outcome.record)
        if done % 1000 == 0:
            print(f"{done}/{len(cells)} cells", file=sys.stderr, flush=True)
    return found


def joined(pool: Runs, seeds: Sequence[int]) -> list[Record]:
    """Return the records of a run of these seeds."""
    return [record for seed in seeds for record in pool[seed]]


def with_change(pool: Runs, changed: Runs, seeds: Sequence[int]) -> list[Record]:
    """Return the same with the changed line in place of the original."""
    fresh = joined(changed, seeds)
    return [record for record in joined(pool, seeds) if line(record) != line(fresh[0])] + fresh


def line(record: Record) -> tuple[str, str, str] | None:
    """Return the names of the line of the board that it is a record of."""
    place = record.place
    return (place.role, place.method, place.setting) if place else None


def before(pool: Runs, changed: Runs) -> Runs:
    """Return the changed line as it was, by seed."""
    return {seed: [one for one in pool[seed] if line(one) == line(records[0])] for seed, records in changed.items()}


def costs(pool: Runs, changed: Runs) -> list[float]:
    """Return the points of accuracy that the change takes, seed by seed."""
    return [
        accuracy(base) - accuracy(new)
        for base, new in zip(joined(before(pool, changed), list(changed)), joined(changed, list(changed)), strict=True)
    ]


def accuracy(record: Record) -> float:
    """Return the accuracy in percent."""
    value = record.metrics.number("accuracy")
    if value is None:
        raise SystemExit(f"{record.key}: no accuracy")
    return value


def calibrate(seeds: Sequence[int]) -> None:
    """Print what each change costs on average by its share, and the prior that the small ones show."""
    pool = runs(seeds)
    contrasts: list[Contrast] = []
    for change in CHANGES:
        rows = []
        for share in SHARES:
            changed = runs(seeds, replace(change, share=share))
            found = costs(pool, changed)
            rows.append((share, statistics.fmean(found), statistics.stdev(found)))
            runs_of_line = (joined(before(pool, changed), seeds), joined(changed, seeds))
            both = pair(*(SeedRecords({record.seed: record for record in run}, {}) for run in runs_of_line))
            if both and both.contrast and abs(both.contrast.change) < SMALL:
                contrasts.append(both.contrast)
        print(
            f"\n{change}, {len(seeds)} seeds\n\n{tabulate(rows, ('share', 'cost, points', 'spread'), floatfmt='.3g')}"
        )
    print(f"\n{fit_prior(contrasts)}")


def false_alarms(pool: Runs, comparisons: int, draw: random.Random) -> tuple[int, float]:
    """Return the number of comparisons of disjoint seeds that block, and the share of the lines that do."""
    alarms, lines, blocking = 0, 0, 0
    for _ in range(comparisons):
        seeds = draw.sample(sorted(pool), 2 * SEEDS)
        found = compare(joined(pool, seeds[:SEEDS]), joined(pool, seeds[SEEDS:]))
        alarms += found.blocks
        lines += len(found.findings)
        blocking += sum(one.blocks for one in found.findings)
    return alarms, blocking / lines


def caught(
    pool: Runs, changed: Runs, comparisons: int, size: int, draw: random.Random, *, other_seeds: bool = False
) -> int:
    """Return the number of comparisons that find the change by its accuracy; more bytes do not count."""
    hits = 0
    for _ in range(comparisons):
        seeds = draw.sample(sorted(pool), 2 * size if other_seeds else size)
        found = compare(joined(pool, seeds[:size]), with_change(pool, changed, seeds[-size:]))
        hits += any(is_less_accurate(one, found.threshold) for one in found.findings)
    return hits


def is_less_accurate(finding: Finding, threshold: Threshold) -> bool:
    """Return whether the accuracy alone makes the line regressed."""
    if finding.estimate is None or finding.q is None:
        return False
    return finding.q <= threshold.alpha and finding.estimate.change <= -threshold.smallest_effect


def measured(seeds: Sequence[int], comparisons: int) -> str:
    """Return the table of figures, in markdown."""
    draw = random.Random(0)
    pool = runs(seeds)
    alarms, share = false_alarms(pool, comparisons, draw)
    met = verdict(alarms <= (1 - TARGET) * comparisons)
    rows = [(f"honest, other seeds; {share:.2%} of all lines", SEEDS, "–", f"{alarms} of {comparisons}", met)]
    for change in CHANGES:
        changed = runs(seeds, change)
        found = costs(pool, changed)
        cost = f"{statistics.fmean(found):.2f} ± {statistics.stdev(found):.2f}"
        for size, other_seeds in ((SEEDS, False), (MORE_SEEDS, False), (SEEDS, True)):
            hits = caught(pool, changed, comparisons, size, draw, other_seeds=other_seeds)
            told = f"{change}; {'other' if other_seeds else 'the same'} seeds"
            judged = change is CHANGES[0] and size == SEEDS and not other_seeds
            met = verdict(hits >= TARGET * comparisons) if judged else ""
            rows.append((told, size, cost, f"{hits} of {comparisons}", met))
    headers = ("comparison", "seeds", "cost, points", "called regressed", f"{TARGET:.0%} right")
    return tabulate(rows, headers, tablefmt="github", disable_numparse=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds")
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--calibrate", action="store_true")
    options = parser.parse_args()
    seeds = options.seeds or ("100-139" if options.calibrate else "200-279")
    if options.calibrate:
        calibrate(parse_seeds(seeds) or [])
        return
    table = measured(parse_seeds(seeds) or [], options.comparisons)
    print(table)
    if options.output:
        command = f"python benchmarks/false_alarms.py --seeds {seeds} --comparisons {options.comparisons}"
        options.output.write_text(PAGE.format(command=command, seeds=seeds, table=table), encoding="utf-8")


if __name__ == "__main__":
    main()
