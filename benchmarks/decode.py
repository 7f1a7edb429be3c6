"""Time to load cifar10-jpeg: when its files are decoded, and from then on.

    python benchmarks/decode.py --data FOLDER

FOLDER holds cifar10-jpeg or cifar10-jpeg.zip. The cache is written to a temporary folder, and removed.
Each load is timed in a process of its own, after torch is imported.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tabulate import tabulate

_TIMED = """
import sys, time
from pathlib import Path
import torch
from benchsuite_plugins.images import Cifar10Jpeg

root, data = Path(sys.argv[1]), Cifar10Jpeg()
start = time.perf_counter()
data.fingerprint(root)
known = time.perf_counter()
examples = [data.load(root, split) for split in ("train", "test")]
for one in examples:
    one.images.view(-1)[::4096].sum()  # touches every page of a file that is only mapped
loaded = time.perf_counter()
print(known - start, loaded - known, *(one.images.sum(dtype=torch.int64).item() for one in examples))
"""


def timed(root: Path) -> tuple[float, float, list[str]]:
    """Seconds for the fingerprint and for both splits, and the sums of their pixels."""
    command = [sys.executable, "-c", _TIMED, str(root)]
    fingerprint, load, *sums = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(fingerprint), float(load), sums


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--repetitions", type=int, default=3)
    arguments = parser.parse_args()
    rows = []
    for name in ("cifar10-jpeg.zip", "cifar10-jpeg"):
        source = (arguments.data / name).resolve()
        if not source.exists():
            continue
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / name).symlink_to(source)
            *first, pixels = timed(Path(folder))
            for _ in range(arguments.repetitions):
                *again, same = timed(Path(folder))
                if same != pixels:
                    raise SystemExit(f"{source}: the cache holds other pixels than the files")
                rows.append((name, *first, *again))
    headers = ("source", "first fingerprint, s", "first load, s", "fingerprint again, s", "load again, s")
    print(tabulate(rows, headers, floatfmt=".2f") if rows else f"{arguments.data} holds no cifar10-jpeg")


if __name__ == "__main__":
    main()
