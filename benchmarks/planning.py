"""Speed of the planner: time and memory of a generated board of 100,000 cells.

    python benchmarks/planning.py [--cells N] [--repetitions N]

Each plan is made in a process of its own, whose peak memory is that of Python, the plugins and the plan together.
"""

import argparse
import statistics
import sys
import time

from timing import peak_bytes, print_table, process, verdict

SEEDS = 5
LEVELS = 100
TARGET_SECONDS, TARGET_GIB = 10, 1


def board(cells: int) -> dict[str, object]:
    """Rows of one-shot and tuned prunings; each line is a cell and its random control, for every seed."""
    lines = round(cells / SEEDS / 2)
    sparsities = [(1 + number) / (2 + LEVELS) for number in range(LEVELS)]
    rows = [
        {
            "label": f"row {first // LEVELS}",
            "steps": [
                {"prune": "percentile", "sparsity": sparsities[: min(LEVELS, lines - first)]},
                {"finetune": 1 + first // LEVELS},
            ],
        }
        for first in range(0, lines, LEVELS)
    ]
    return {
        "board": {"name": "large", "title": "A large board", "seeds": list(range(SEEDS))},
        "dense": {"dataset": "digits", "model": "mlp"},
        "rows": rows,
    }


def plan_once(cells: int) -> None:
    """Plan, in this process, and print the cells, the seconds and the peak of memory."""
    from benchsuite.plan import parse_board, plan
    from benchsuite.registry import default_registry

    registry = default_registry()
    content = board(cells)
    start = time.perf_counter()
    planned = plan(parse_board(content, "planning.py"), registry, lambda _: "not hashed")
    print(len(planned.cells), time.perf_counter() - start, peak_bytes(), "torch" in sys.modules)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.once:
        plan_once(options.cells)
        return

    command = [sys.executable, __file__, "--once", "--cells", str(options.cells)]
    found = [process(command)[1].split() for _ in range(options.repetitions)]
    seconds = statistics.median(float(one[1]) for one in found)
    gib = max(int(one[2]) for one in found) / 2**30
    print(f"{found[0][0]} cells, controls included; torch imported: {found[0][3]}; {options.repetitions} processes\n")
    rows = [
        ("seconds, median", seconds, f"≤ {TARGET_SECONDS}", verdict(seconds <= TARGET_SECONDS)),
        ("peak memory, GiB", gib, f"≤ {TARGET_GIB}", verdict(gib <= TARGET_GIB)),
    ]
    print_table(rows, ("planning", "measured", "target", ""))


if __name__ == "__main__":
    main()
