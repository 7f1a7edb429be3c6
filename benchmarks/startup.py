"""Speed of the command line's first answer: processes of `benchsuite --help`, and of typer alone.

    python benchmarks/startup.py [--repetitions N]

What lies between the two is ours.
"""

import argparse
import statistics
import sys

from timing import SCRIPTS, in_turns, print_table, process, verdict

TARGET_MS = 150


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=10)
    repetitions = parser.parse_args().repetitions

    ours, typer = in_turns(
        repetitions,
        lambda: process([str(SCRIPTS / "benchsuite"), "--help"]),
        lambda: process([sys.executable, "-c", "import typer"]),
    )
    rows = []
    for name, seconds, target in (("benchsuite --help", ours, TARGET_MS), ("import typer, nothing else", typer, None)):
        median, fastest = 1e3 * statistics.median(seconds), 1e3 * min(seconds)
        rows.append((name, median, fastest, target and f"≤ {target}", target and verdict(median <= target)))
    print(f"{repetitions} processes each, taking turns\n")
    print_table(rows, ("process", "median, ms", "fastest, ms", "target, ms", ""), digits=0)


if __name__ == "__main__":
    main()
