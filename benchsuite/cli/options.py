"""The options that several commands share."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.errors import ConfigError
from benchsuite.safe import json_text, one_line, shown

if TYPE_CHECKING:
    from benchsuite.execution.session import Session
    from benchsuite.registry import Lost

_MOST_SEEDS = 100_000
_SHOWN = 80
"""Characters of an option that a message repeats."""


class Device(StrEnum):
    """Where to compute."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Rerun(StrEnum):
    """Which stored records to compute again."""

    never = "never"
    failed = "failed"
    all = "all"


BoardsArgument = Annotated[list[str], typer.Argument(help="Boards by name, or paths of TOML files.")]
SeedsOption = Annotated[str | None, typer.Option("--seeds", help="Seeds instead of the board's: 0,1,2 or 0-4.")]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option("--only", help="Only rows that match, such as pruner=neff-*; with their dense parents and controls."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a key of the boards' files, such as dense.dataset=cifar10-jpeg."),
]
AddOption = Annotated[
    list[str] | None,
    typer.Option(
        "--add", help="Put NAME or NAME[field=value,…] on the boards, at their levels, beside committed rows."
    ),
]
BaselinesOption = Annotated[
    Path | None,
    typer.Option(
        "--baselines", help="Folder of committed rows, beside which --add stands, and networks (default: installed)."
    ),
]
FromScratchOption = Annotated[
    bool, typer.Option("--from-scratch", help="Train dense networks here that are committed, too.")
]
DeviceOption = Annotated[Device, typer.Option("--device", help="Where to compute.")]
RerunOption = Annotated[Rerun, typer.Option("--rerun", help="Which records of the store to compute again.")]
DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the data sets (default: $BENCHSUITE_DATA, then the home's).")
]
TimeoutOption = Annotated[
    float | None,
    typer.Option("--timeout", help="Seconds that a record may take (default: an hour, and one for each epoch)."),
]
MemoryOption = Annotated[
    float | None, typer.Option("--memory", help="GiB that the worker may take (default: 90 % of what there is).")
]
InProcessOption = Annotated[
    bool, typer.Option("--in-process", help="No worker process and no limits: for debugging a plugin.")
]
StrictOption = Annotated[bool, typer.Option("--strict-plugins", help="A plugin that fails to load is an error.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", help="Print the tracebacks of failed cells.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]


def session(
    device: Device = Device.auto,
    rerun: Rerun = Rerun.never,
    data: Path | None = None,
    strict: bool = False,
    lost: "tuple[Lost, ...]" = (),
) -> "Session":
    """The session that the options ask for."""
    from benchsuite.execution.session import Session, default_data

    return Session(device.value, rerun.value, strict, data_root=data or default_data(), lost=lost)


def parse_seeds(text: str | None) -> list[int] | None:
    """The numbers of `0,1,2` and `0-4`, counted before they are made. Errors: ConfigError."""
    if text is None:
        return None
    ranges = [_seed_range(text, part.strip()) for part in text.split(",")]
    count = sum(last - first + 1 for first, last in ranges)
    if count > _MOST_SEEDS:
        raise ConfigError(f"--seeds {_short(text)}: names {count:,} seeds; the most is {_MOST_SEEDS:,}")
    return [seed for first, last in ranges for seed in range(first, last + 1)]


def _seed_range(text: str, part: str) -> tuple[int, int]:
    """First and last of one part. Errors: ConfigError."""
    from benchsuite.plan.limits import MOST_SEED

    found = re.fullmatch(r"([0-9]+)(?:-([0-9]+))?", part)
    if not found:
        raise ConfigError(f"--seeds {_short(text)}: give numbers such as 0,1,2 or a range such as 0-4")
    ends = [one.lstrip("0") or "0" for one in (found[1], found[2] or found[1])]
    if any(len(one) > len(str(MOST_SEED)) or int(one) > MOST_SEED for one in ends):
        raise ConfigError(f"--seeds {_short(text)}: the largest seed is {MOST_SEED}")
    first, last = map(int, ends)
    if last < first:
        raise ConfigError(f"--seeds {_short(text)}: the range {part} ends before it begins; give {last}-{first}")
    return first, last


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


@contextmanager
def facts_alone() -> Iterator[None]:
    """Keep standard output for the facts: what plugins print goes to standard error, even below Python."""
    sys.stdout.flush()
    facts = os.dup(1)
    os.dup2(2, 1)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(facts, 1)
        os.close(facts)


def print_json(facts: object) -> None:
    """Facts for other programs."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower()
    typer.echo(json_text(facts, ascii_only=not encoding.startswith("utf")))


def say(text: object, err: bool = False) -> None:
    """Print text for people, whatever it holds; of standard error nothing depends, so that may be lost."""
    with suppress(OSError) if err else nullcontext():
        typer.echo(shown(str(text)), err=err)


def warn(lines: list[str]) -> None:
    """Problems that stop nothing, on standard error."""
    for line in lines:
        say(f"warning: {one_line(line)}", err=True)
