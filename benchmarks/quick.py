"""Speed of the quick board: from an empty store, and once more when nothing is left to do.

    python benchmarks/quick.py [--repetitions N]

Whole processes of `benchsuite run quick`, torch's import included, each pair in a home of its own.
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from timing import SCRIPTS, print_table, process, verdict

TARGETS = {"from an empty store": 60, "nothing left to do": 5}


def run(home: str) -> float:
    """Seconds of one process over the store in `home`."""
    command = [str(SCRIPTS / "benchsuite"), "run", "quick", "--output", str(Path(home) / "results")]
    return process(command, {**os.environ, "BENCHSUITE_HOME": home})[0]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    repetitions = parser.parse_args().repetitions

    times: dict[str, list[float]] = {name: [] for name in (*TARGETS, "import torch, nothing else")}
    for _ in range(repetitions):
        with tempfile.TemporaryDirectory() as home:
            for name in TARGETS:
                times[name].append(run(home))
        times["import torch, nothing else"].append(process([sys.executable, "-c", "import torch"])[0])
    rows = []
    for name, seconds in times.items():
        median, target = statistics.median(seconds), TARGETS.get(name)
        rows.append((name, median, min(seconds), target and f"≤ {target}", target and verdict(median <= target)))
    print(f"{os.cpu_count()} cores, {repetitions} processes each\n")
    print_table(rows, ("benchsuite run quick", "median, s", "fastest, s", "target, s", ""), digits=1)


if __name__ == "__main__":
    main()
