"""What isolation costs: the quick board in a worker process, against the same in process.

    python benchmarks/isolation.py [--repetitions N]

Whole processes of `benchsuite run quick` from an empty store, taking turns. Beside the time that passes stands the
processor time of all processes of a run, which a busy machine disturbs less.
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import psutil
from timing import SCRIPTS, print_table, ratio, verdict

TARGET = 1.05
LOOK_SECONDS = 0.1


class Cost(NamedTuple):
    """Of one run."""

    seconds: float
    processor_seconds: float


def run(*options: str) -> Cost:
    """The cost of a run from an empty store."""
    with tempfile.TemporaryDirectory() as home:
        command = [str(SCRIPTS / "benchsuite"), "run", "quick", "--output", str(Path(home) / "results"), *options]
        environment = {**os.environ, "BENCHSUITE_HOME": home}
        spent: dict[int, float] = {}
        start = time.perf_counter()
        quiet = subprocess.DEVNULL
        with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
            while process.poll() is None:
                look(psutil.Process(process.pid), spent)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(LOOK_SECONDS)
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
        return Cost(time.perf_counter() - start, sum(spent.values()))


def look(process: psutil.Process, spent: dict[int, float]) -> None:
    """Note the processor time of the process and all below it: nobody tells of it once they are gone."""
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            times = one.cpu_times()
            spent[one.pid] = times.user + times.system


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=5)
    repetitions = parser.parse_args().repetitions

    pairs = [(run(), run("--in-process")) for _ in range(repetitions)]
    rows = []
    for name, target in (("seconds", TARGET), ("processor_seconds", None)):
        isolated, plain = ([getattr(side, name) for side in sides] for sides in zip(*pairs, strict=True))
        found = ratio(isolated, plain)
        told = target and f"≤ {target}", target and verdict(found <= target)
        rows.append((name.replace("_", " "), statistics.median(isolated), statistics.median(plain), found, *told))
    print(f"{os.cpu_count()} cores, {repetitions} pairs of runs\n")
    print_table(rows, ("benchsuite run quick", "isolated, median", "in process, median", "ratio, median", "target", ""))


if __name__ == "__main__":
    main()
