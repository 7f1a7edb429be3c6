"""`benchsuite info NAME`: the description of a plugin, its fields, a model's size, a board's recipes."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import JsonOption, StrictOption, print_json, say

if TYPE_CHECKING:
    from benchsuite.registry import Entry, Registry


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("info")(info)


def info(
    name: Annotated[str, typer.Argument(help="A registered name; KIND/NAME where two kinds share it.")],
    strict: StrictOption = False,
    as_json: JsonOption = False,
) -> None:
    """Describe a plugin: its summary, where it comes from, its fields with types, defaults and meaning."""
    from tabulate import tabulate

    from benchsuite.registry import default_registry
    from benchsuite.registry.reference import find
    from benchsuite.safe import cells, one_line

    registry = default_registry(strict=strict)
    entry = find(name, registry)
    facts: dict[str, object] = {**entry.facts(), "source": entry.source}
    fields = [asdict(field) for field in entry.fields()]
    if entry.kind == "model":
        facts |= _size(entry, registry)
    recipes = _recipes(entry, registry) if entry.kind == "leaderboard" else []
    if as_json:
        print_json({**facts, "fields": fields} | ({"recipes": recipes} if recipes else {}))
        return
    say(tabulate(cells(facts.items()), tablefmt="plain", disable_numparse=True))
    for recipe in recipes:
        say(f"\n{one_line(str(recipe.pop('training')))}\n")
        say(tabulate(cells(recipe.items()), tablefmt="plain", disable_numparse=True))
    if fields:
        say("")
        say(
            tabulate(
                cells(list(field.values()) for field in fields),
                list(fields[0]),
                disable_numparse=True,
                maxcolwidths=[None, 24, 16, 50],
            )
        )


def _recipes(entry: "Entry", registry: "Registry") -> list[dict[str, object]]:
    """Return each dense training of the board, and the fine-tuning of its network where its rows do not change it."""
    from benchsuite.plan import read_board, tunings

    path = entry.factory
    if not isinstance(path, Path):
        return []
    return [
        {"training": f"{label}, {name}", **{key: value for key, value in asdict(recipe).items() if key not in left_out}}
        for label, dense, tuning in tunings(read_board(path), registry)
        for name, recipe, left_out in (("dense", dense, ()), ("fine-tuning", tuning, ("epochs",)))
    ]


def _size(entry: "Entry", registry: "Registry") -> dict[str, object]:
    """Return parameters and MACs on the model's default data set."""
    import torch

    from benchsuite.api import Dataset, Model
    from benchsuite.metrics import measure_model

    model = entry.create({})
    if not isinstance(model, Model):
        return {}
    dataset = registry.get("dataset", model.default_dataset).create({})
    if not isinstance(dataset, Dataset):
        return {}
    data = dataset.info
    network = model.build(data).eval()
    dtype = next(network.parameters()).dtype
    example = torch.zeros(1, data.channels, data.height, data.width, dtype=dtype)
    counts, _ = measure_model(network, example)
    return {"data": model.default_dataset, "parameters": counts["parameters"], "macs": counts["macs"]}
