"""A data set, networks and boards that train in milliseconds, for tests of what runs them."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import nn

from benchsuite import DataInfo, Dataset, ImageData, Model, Recipe
from benchsuite.execution.data import DataSource
from benchsuite.execution.engine import Engine
from benchsuite.execution.scheduler import run_cells
from benchsuite.plan import Plan, parse_board, plan
from benchsuite.registry import Registry, default_registry
from benchsuite.store import Record, Store

TRAIN, TEST = 96, 50


@dataclass(frozen=True)
class Dots(Dataset):
    """Dots: noise with one bright column, which is the class."""

    info: ClassVar[DataInfo] = DataInfo(channels=1, height=6, width=6, classes=3)

    side: int = 6

    def describe(self, root):
        return DataInfo(channels=1, height=self.side, width=self.side, classes=3)

    def load(self, root, split):
        generator = torch.Generator().manual_seed(len(split))
        count = TRAIN if split == "train" else TEST
        labels = torch.arange(count) % 3
        images = torch.randint(0, 128, (count, 1, self.side, self.side), generator=generator, dtype=torch.uint8)
        images[torch.arange(count), 0, :, labels] += 64
        return ImageData(images, labels)

    def files(self, root):
        return []


@dataclass(frozen=True)
class Net(Model):
    """Two Linear layers."""

    recipe: ClassVar[Recipe] = Recipe(optimizer="adam", lr=1e-2, epochs=1, batch_size=32)

    dropout: float = 0.0

    def build(self, data):
        return nn.Sequential(
            OrderedDict(
                flatten=nn.Flatten(),
                fc1=nn.Linear(data.features, 8),
                act=nn.ReLU(),
                drop=nn.Dropout(self.dropout),
                fc2=nn.Linear(8, data.classes),
            )
        )


@dataclass(frozen=True)
class Conv(Model):
    """A convolution with BatchNorm, a global pool and a Linear layer."""

    recipe: ClassVar[Recipe] = Recipe(lr=0.05, momentum=0.9, weight_decay=1e-3, epochs=1, batch_size=32)

    def build(self, data):
        return nn.Sequential(
            OrderedDict(
                conv=nn.Conv2d(data.channels, 4, 3, padding=1, bias=False),
                bn=nn.BatchNorm2d(4),
                act=nn.ReLU(),
                pool=nn.AdaptiveAvgPool2d(1),
                flatten=nn.Flatten(),
                fc=nn.Linear(4, data.classes),
            )
        )


def registry_with(**plugins: type) -> Registry:
    """The installed plugins, the tiny ones, and `kind_name=class` for each further one (dashes as underscores)."""
    registry = default_registry().add("dataset", "dots", Dots).add("model", "net", Net).add("model", "conv", Conv)
    for name, factory in plugins.items():
        kind, _, bare = name.partition("_")
        registry = registry.add(kind, bare.replace("_", "-"), factory)
    return registry


def plan_rows(registry: Registry, *rows: dict, seeds=(0,), **dense: object) -> Plan:
    """The plan of a board with these rows; each is `{"steps": […], …}`."""
    content = {
        "board": {"name": "tiny", "title": "Tiny", "seeds": list(seeds)},
        "dense": {"dataset": "dots", "model": "net", **dense},
        "rows": list(rows),
    }
    return plan(parse_board(content, "tiny.toml"), registry, lambda dataset: dataset.fingerprint(Path()))


def engine_at(registry: Registry, home: Path, **options: object) -> Engine:
    store = Store(home)
    store.open()
    device = torch.device("cpu")
    return Engine(registry, store, DataSource(registry, home, device), device, **options)


def run(planned: Plan, engine: Engine) -> dict[str, Record]:
    """Records by the cell's name; seeds and controls included."""
    found = {}
    for outcome in run_cells(planned.board, planned.cells, engine, lambda _: None):
        found[outcome.cell.name] = outcome.record
    return found
