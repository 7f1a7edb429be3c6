"""Kill runs of a small board at random instants and check that the next run completes them.

    python tests/campaigns/kills.py --kills 200 --seed 0

Each round starts `benchsuite run` with an empty store and sends one signal to one of its processes: to the command, its
worker, the server that forked it, or the whole group. Then the command runs again, undisturbed. A round is right if
- the disturbed run ended with a documented exit code, and without a traceback;
- the next run succeeds, with the records of the undisturbed run in all that no clock measures;
- no process of either run is left, and nothing in the folder for temporary files.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

BOARD = """
[board]
name = "kills"
title = "Kills"
seeds = [0]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [16]}
recipe = {epochs = 2, lr = 0.01}

[[rows]]
label = "tuned"
steps = [{prune = "percentile", sparsity = 0.8}, {finetune = 1}]

[[rows]]
steps = [{prune = "unit", sparsity = {matched_to = "tuned"}}]
"""

MARK = "BENCHSUITE_CAMPAIGN"
TARGETS = ("command", "worker", "server", "group")
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
LOOK_SECONDS, GRACE_SECONDS = 0.02, 3.0
MAIN = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has it ignored
from benchsuite.cli.main import main
main()
"""
ENDED = {0, 3}
"""Exit codes of a run that went to its end: a cell may have failed, where a worker was lost."""


@dataclass(frozen=True)
class Kill:
    """A signal to a process, some seconds after that process was first seen."""

    signal: signal.Signals
    target: str
    after: float

    def codes(self) -> set[int]:
        """The exit codes with which the command may end."""
        number = int(self.signal)
        own = {-number} if self.signal is signal.SIGKILL else {128 + number}
        return ENDED | (own if self.target in ("command", "group") else {2})


@dataclass(frozen=True)
class Place:
    """The folder in which one round runs."""

    folder: Path

    def start(self) -> subprocess.Popen[str]:
        """Start the command in a group of its own, with the signals as a terminal leaves them."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        (self.folder / "kills.toml").write_text(BOARD, encoding="utf-8")
        environment = {
            **os.environ,
            "BENCHSUITE_HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            MARK: str(self.folder),
        }
        return subprocess.Popen(
            [sys.executable, "-c", MAIN, "run", "kills.toml"],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def records(self) -> dict[str, dict]:
        """The results in all that no clock measures."""
        lines = (self.folder / "results" / "kills.jsonl").read_text(encoding="utf-8").splitlines()
        found = [json.loads(line) for line in lines]
        return {one["key"]: {**one, "cost": one["cost"].get("epochs")} for one in found}

    def processes(self) -> Iterator[psutil.Process]:
        """Whatever was started from here and lives."""
        for process in psutil.process_iter():
            try:
                if process.environ().get(MARK) == str(self.folder) and process.status() != psutil.STATUS_ZOMBIE:
                    yield process
            except psutil.Error:
                continue


def has_handlers(process: psutil.Process) -> bool:
    """Whether the command has begun: before, Python itself answers the signals."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt"):
            return bool(int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1)
    return False


def found(command: psutil.Process, target: str) -> psutil.Process | None:
    """The process to be killed, if it is there yet."""
    try:
        if target in ("command", "group"):
            return command if has_handlers(command) else None
        for server in command.children():
            if any("forkserver" in word for word in server.cmdline()):
                return server if target == "server" else next(iter(server.children()), None)
    except (psutil.Error, OSError):
        return None
    return None


def disturb(running: subprocess.Popen[str], kill: Kill) -> bool:
    """Send the signal; whether the process was there to get it."""
    command = psutil.Process(running.pid)
    while (process := found(command, kill.target)) is None:
        if running.poll() is not None:
            return False
        time.sleep(LOOK_SECONDS)
    with suppress(subprocess.TimeoutExpired):
        running.wait(kill.after)
    try:
        if kill.target == "group":
            os.killpg(running.pid, kill.signal)
        else:
            process.send_signal(kill.signal)
    except (psutil.Error, ProcessLookupError):
        return False
    return True


def faults(place: Place, kill: Kill, expected: dict[str, dict]) -> tuple[bool, list[str]]:
    """Whether the signal was sent, and what is wrong afterwards."""
    told: list[str] = []
    running = place.start()
    sent = disturb(running, kill)
    _, errors = running.communicate()
    if running.returncode not in kill.codes():
        told.append(f"exit code {running.returncode}: {errors[-500:]}")
    if "Traceback" in errors or "Aborted" in errors:
        told.append(errors[-2000:])
    told += left(place)
    again = place.start()
    _, errors = again.communicate()
    if again.returncode != 0:
        return sent, [*told, f"the next run ended with {again.returncode}: {errors[-1000:]}"]
    if place.records() != expected:
        told.append("the records differ from those of the undisturbed run")
    told += left(place)
    told += [f"{path.name} is left in TMPDIR" for path in (place.folder / "tmp").iterdir()]
    return sent, told


def left(place: Place) -> list[str]:
    """What of the run is alive when it should not be: a killed process takes an instant to go."""
    until = time.monotonic() + GRACE_SECONDS
    while (alive := list(place.processes())) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return [f"process {process.pid} is left" for process in alive]


def undisturbed(folder: Path) -> tuple[dict[str, dict], float]:
    """The records to compare with, and the seconds that they took."""
    place, started = Place(folder), time.monotonic()
    running = place.start()
    _, errors = running.communicate()
    if running.returncode != 0:
        raise RuntimeError(errors)
    return place.records(), time.monotonic() - started


def kills(seed: int, seconds: float) -> Iterator[Kill]:
    """Random kills without end, spread over a run of so many seconds."""
    chance = random.Random(seed)
    while True:
        target = chance.choice(TARGETS)
        span = seconds / 2 if target == "worker" else seconds
        yield Kill(chance.choice(SIGNALS), target, chance.uniform(0, span))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as name:
        expected, seconds = undisturbed(Path(name) / "undisturbed")
        plan = kills(asked.seed, seconds)
        while outcomes.total() - outcomes["too late"] < asked.kills:
            kill = next(plan)
            with tempfile.TemporaryDirectory(dir=name) as folder:
                sent, told = faults(Place(Path(folder)), kill, expected)
            outcomes["wrong" if told else "right" if sent else "too late"] += 1
            print(f"{kill.signal.name} to the {kill.target} after {kill.after:.2f} s: {told or sent}", flush=True)
    print(dict(outcomes))
    return int(bool(outcomes["wrong"]))


if __name__ == "__main__":
    sys.exit(main())
