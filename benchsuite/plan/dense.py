"""The `[dense]` table: every dense training that a board's rows start from, and how the table tells them apart."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Literal

from benchsuite.api import Recipe
from benchsuite.chain import Frozen, Train, Use
from benchsuite.errors import ConfigError
from benchsuite.plan.build import Builder, Configured, tuned
from benchsuite.plan.grid import expand
from benchsuite.plan.limits import require_few_points
from benchsuite.plan.schema import Board

DenseKind = Literal["dataset", "model", "regularizer"]

At = Callable[[str], AbstractContextManager[None]]
"""Adds the place to the errors raised inside."""


@dataclass(frozen=True)
class Dense:
    """One dense training, the recipe for fine-tuning its model, and what tells it from the board's others."""

    train: Train
    finetuning: Recipe
    label: str


def dense_trainings(board: Board, builder: Builder, at: At) -> list[Dense]:
    """Every choice of the lists in `[dense]`. Errors: ConfigError naming the key; DataError."""
    found = list(_trainings(board, builder, at))
    labels = _labels([train for train, _ in found])
    return [Dense(train, recipe, label) for (train, recipe), label in zip(found, labels, strict=True)]


def _trainings(board: Board, builder: Builder, at: At) -> Iterator[tuple[Train, Recipe]]:
    section = board.dense
    datasets = _configured(builder, "dataset", section.dataset, at)
    models = _configured(builder, "model", section.model, at)
    regularized = section.regularizer is not None
    regularizers = _configured(builder, "regularizer", section.regularizer, at) if regularized else [None]
    weights, changes = _weights(board, at), section.recipe
    if weights and "epochs" not in changes:
        changes = {"epochs": 0, **changes}
    with at("dense.recipe"):
        recipes = expand(changes, builder.is_sequence)
    with at("dense"):
        require_few_points(len(datasets) * len(models) * len(regularizers) * len(recipes), "all of its keys together")
    for dataset, model, regularizer in product(datasets, models, regularizers):
        for recipe in recipes:
            with at("dense.recipe"):
                train, finetuning = builder.train(dataset, model, regularizer, recipe, weights)
            with at("finetune"):
                for tuning in expand(board.finetune, builder.is_sequence):
                    tuned(finetuning, tuning, epochs=0)
            yield train, finetuning


def _weights(board: Board, at: At) -> tuple[Path, str] | None:
    """The checkpoint that training starts from, and the digest of its bytes."""
    if board.dense.weights is None:
        return None
    with at("dense.weights"):
        path = board.folder / board.dense.weights
        try:
            return path, sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _configured(builder: Builder, kind: DenseKind, value: object, at: At) -> list[Configured]:
    """Each choice of a key of `[dense]`: a name, a table of name and fields, or a list of these."""

    def is_sequence(key: str, chosen: Mapping[str, object]) -> bool:
        name = chosen.get("name")
        return isinstance(name, str) and builder.registry.get(kind, name).field_is_sequence(key)

    with at(f"dense.{kind}"):
        choices = value if isinstance(value, list) else [value]
        tables = [{"name": one.get("name"), **one} if isinstance(one, dict) else {"name": one} for one in choices]
        if not tables:
            raise ConfigError("an empty list; a list is a grid, with a value at least")
        return [builder.named(kind, one) for table in tables for one in expand(table, is_sequence)]


def _labels(trains: Sequence[Train]) -> list[str]:
    """Of each training, in what it differs from the others; empty where there is one only."""
    parts = [
        _names([train.dataset for train in trains]),
        _names([train.model for train in trains]),
        _names([train.regularizer for train in trains]),
        _recipes(trains),
    ]
    return [" ".join(filter(None, told)) for told in zip(*parts, strict=True)]


def _recipes(trains: Sequence[Train]) -> list[str]:
    """In what the recipes of the same training otherwise differ: those of other models differ anyhow."""
    told = [""] * len(trains)
    alike = [(train.dataset, train.model, train.regularizer) for train in trains]
    for kind in set(alike):
        places = [place for place, one in enumerate(alike) if one == kind]
        recipes = [tuple(asdict(trains[place].recipe).items()) for place in places]
        for place, text in zip(places, _differences(recipes), strict=True):
            told[place] = text
    return told


def _names(uses: Sequence[Use | None]) -> list[str]:
    """Names where they differ, and the fields in which those of one name differ."""
    names = [use.name if use else "" for use in uses]
    told = names if len(set(names)) > 1 else [""] * len(names)
    fields = [""] * len(uses)
    for name in set(names):
        places = [place for place, one in enumerate(names) if one == name]
        differences = _differences([use.fields if (use := uses[place]) else () for place in places])
        for place, text in zip(places, differences, strict=True):
            fields[place] = text
    return [" ".join(filter(None, both)) for both in zip(told, fields, strict=True)]


def _differences(tables: Sequence[tuple[tuple[str, Frozen], ...]]) -> list[str]:
    keys = [key for key, _ in tables[0] if len({dict(table)[key] for table in tables}) > 1]
    return [" ".join(filter(None, (_words(key, value) for key, value in table if key in keys))) for table in tables]


def _words(key: str, value: Frozen) -> str:
    if isinstance(value, bool):
        return key if value else ""
    return value if isinstance(value, str) else f"{key} {value}"
