"""`benchsuite doctor`: the state of versions, device, store, data and plugins on this machine."""

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from benchsuite.cli.options import DataOption, JsonOption, print_json, say, session

if TYPE_CHECKING:
    from benchsuite.api import Dataset

_CONFIGURATION = 2


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)


def doctor(data: DataOption = None, as_json: JsonOption = False) -> None:
    """Check versions, device, store, data and plugins, writing nothing; exit with 2 if something is in the way."""
    from importlib.metadata import version

    import torch
    from tabulate import tabulate

    from benchsuite.api import Dataset
    from benchsuite.api.data import blamed
    from benchsuite.errors import BenchsuiteError, DataError, StoreError
    from benchsuite.safe import cells
    from benchsuite.store import Store

    work = session(data=data)
    problems = work.registry.problems()
    store = Store(work.home)
    try:
        store.check()
    except StoreError as error:
        problems.append(str(error))
    datasets = {}
    for entry in work.registry.entries("dataset"):
        try:
            if required := [field.name for field in entry.fields() if field.required]:
                datasets[entry.name] = f"needs {', '.join(f'{name}=…' for name in required)}"
                continue
            dataset = entry.create({})
            if isinstance(dataset, Dataset):
                with blamed(entry.name, "files"):
                    _find(dataset, work.data_root)
            datasets[entry.name] = "ready"
        except DataError as error:
            datasets[entry.name] = "not there; run fetches it" if error.__cause__ is None else str(error)
        except BenchsuiteError as error:
            datasets[entry.name] = str(error)
    facts: dict[str, object] = {
        "benchsuite": version("benchsuite"),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "torchvision", "numpy", "pluggy")},
        "device": str(work.device),
        "cuda": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "home": str(work.home),
        "data": str(work.data_root),
        "datasets": datasets,
        "plugins": {f"{plugin.name} ({plugin.distribution})": plugin.status for plugin in work.registry.plugins},
        "problems": problems,
    }
    if as_json:
        print_json(facts)
    else:
        for name in ("datasets", "plugins"):
            group = facts.pop(name)
            if isinstance(group, dict):
                facts |= {f"{name[:-1]} {key}": value for key, value in group.items()}
        facts["problems"] = "\n".join(problems) or "none"
        say(tabulate(cells(facts.items()), tablefmt="plain", disable_numparse=True))
    if problems:
        raise typer.Exit(_CONFIGURATION)


def _find(dataset: "Dataset", root: Path) -> None:
    """Find the data set's files, not their fingerprint, which it may keep beside them. Errors: DataError."""
    from benchsuite.errors import DataError

    for file in dataset.files(root):
        if not file.is_file():
            raise DataError(f"{file} is missing")
