"""The documents hold: everything registered and everything measured has its entry, and the numbers are right."""

import re
from pathlib import Path

import pytest

import benchsuite
from benchsuite import api
from benchsuite.api import DataInfo
from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session
from benchsuite.plan import parse_board, plan, read_board
from benchsuite.plan.build import PROTOCOL_KEYS, VERBS
from benchsuite.registry import default_registry
from benchsuite.registry.kinds import RESERVED

DOCS = Path(__file__).parents[1] / "docs"
METHODS, METRICS, BOARDS, TUTORIAL = (
    (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("methods", "metrics", "boards", "writing-a-plugin")
)
FOLDER = Path(__file__).parents[1] / "benchsuite" / "leaderboards"
CODE = re.compile(r"`([^`]+)`")
COST = re.compile(r"Cost: ([\d,]+) cells; ([\d,]+) trainings?, ([\d,]+) epochs\.")


def registered(*kinds: str) -> list[tuple[str, str]]:
    """Kind and name of what the project itself registers."""
    return [(one.kind, one.name) for kind in kinds for one in default_registry().entries(kind)]


def section(text: str, heading: str) -> str:
    """What stands under a heading, up to the next of its rank."""
    mark = heading.split(" ")[0]
    return re.split(rf"^#{{1,{len(mark)}}} ", text.partition(f"{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


SECTIONS = {
    "pruner": "## Pruners",
    "quantizer": "## Quantizers",
    "regularizer": "## Regularizers",
    "model": "## Models",
    "dataset": "## Data sets",
}


@pytest.mark.parametrize(("kind", "name"), registered(*SECTIONS))
def test_everything_registered_is_described(kind, name):
    text = section(METHODS, SECTIONS[kind])
    headings = [line for line in text.splitlines() if line.startswith("### ")]
    first_cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")]
    assert name in CODE.findall("\n".join([*headings, *first_cells]))


def test_the_tutorial_names_the_fields_that_no_plugin_can_have():
    told = TUTORIAL.partition("a field must not be called ")[2].partition(":")[0]
    assert set(CODE.findall(told)) == RESERVED >= {*VERBS, *(key for keys in PROTOCOL_KEYS.values() for key in keys)}


@pytest.mark.parametrize("name", [name for name in benchsuite.__all__ if name in api.__all__])
def test_the_tutorial_names_what_plugins_are_made_of(name):
    assert re.search(rf"\b{name}\b", TUTORIAL)


def table(text: str) -> dict[str, list[str]]:
    """The rows of the section's tables by the name in their first cell."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("| `")
    ]
    return {row[0].strip("`"): row[1:] for row in rows}


SHAPES = {
    "digits": DataInfo(1, 8, 8, 10),
    **dict.fromkeys(("mnist", "fashion-mnist", "mnist-unit"), DataInfo(1, 28, 28, 10)),
    "mnist-4v9": DataInfo(1, 28, 28, 2),
    "cifar10": DataInfo(3, 32, 32, 10),
    "sparse-linear": DataInfo(1, 1, 5, 1),
}


def test_the_parameter_counts_are_those_of_the_models():
    told = {name: int(row[-1].replace(",", "")) for name, row in table(section(METHODS, "## Models")).items()}
    counted = {}
    for entry in default_registry().entries("model"):
        model = entry.create({})
        network = model.build(SHAPES[model.default_dataset])
        counted[entry.name] = sum(parameter.numel() for parameter in network.parameters())
    assert told == counted


def test_the_normalisation_and_licence_of_each_data_set():
    rows = table(section(METHODS, "## Data sets"))
    names = {entry.name: entry for entry in default_registry().entries("dataset")}
    assert set(rows) == set(names)
    rows["cifar10-jpeg"][1] = rows["cifar10"][1]
    for name, entry in names.items():
        dataset = entry.create({"path": "."} if name == "image-folder" else {})
        assert dataset.licence.startswith(rows[name][-1]), name
        if name != "sparse-linear":
            mean, std = ([float(one) for one in part.split()] for part in rows[name][1].split(";"))
            assert (mean, std) == (list(dataset.mean), list(dataset.std)), name


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.toml")))
def test_each_board_is_described_and_its_cost_is_what_is_planned(name):
    planned = plan(read_board(FOLDER / f"{name}.toml"), default_registry(), lambda _: "0" * 64)
    training = {link for cell in planned.cells for link in cell.chain.links() if link.step.epochs_trained}
    (told,) = COST.findall(section(BOARDS, f"### `{name}`"))
    epochs = sum(link.step.epochs_trained for link in training)
    assert [int(one.replace(",", "")) for one in told] == [len(planned.cells), len(training), epochs]


def test_no_board_is_described_that_is_not_there():
    described = re.findall(r"^### `(.+)`$", BOARDS, re.MULTILINE)
    assert sorted(described) == sorted(path.stem for path in FOLDER.glob("*.toml"))


TINY = {
    "board": {"name": "tiny", "title": "Tiny", "seeds": [0]},
    "dense": {"dataset": "digits", "model": {"name": "convnet", "widths": [4]}, "recipe": {"epochs": 1}},
    "rows": [
        {"steps": [{"prune": "slimming", "sparsity": 0.5}, {"finetune": 1}]},
        {"steps": [{"prune": "neff-row"}, {"quantize": "ste-symmetric", "bits": 4}]},
    ],
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """One record of each kind: dense, physically smaller, masked and quantized, few weights."""
    folder = tmp_path_factory.mktemp("docs")
    session = Session(device_name="cpu", home=folder, data_root=folder)
    changes = ["dense.recipe.epochs=2", "dense.regularizer=none"]
    found = []
    for board in (parse_board(TINY, "tiny.toml"), session.board("sparse-linear", changes)):
        found += run_cells(board, session.plan(board).cells, session.engine, lambda _: None)
    assert {outcome.record.status for outcome in found} == {"ok"}
    return [outcome.record for outcome in found]


@pytest.mark.parametrize("part", ["metrics", "layers", "history", "cost"])
def test_every_number_of_a_record_is_defined(records, part):
    parts = [layer for record in records for layer in record.layers] if part == "layers" else None
    keys = {key for one in parts or [getattr(record, part) for record in records] for key in one}
    assert len(keys) >= 4
    if part == "metrics":
        defined = {
            name for row in METRICS.splitlines() if row.startswith("| `") for name in CODE.findall(row.split("|")[1])
        }
        assert defined == keys
    else:
        (paragraph,) = [one for one in METRICS.split("\n\n") if one.startswith(f"Under `{part}`")]
        assert keys <= set(CODE.findall(paragraph))
