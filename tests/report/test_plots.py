"""A board's pictures: those that it has, bytes that are a function of the records, and small files."""

import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from xml.etree import ElementTree

import pytest
from make_line import make
from make_record import layer, prune, train

from benchsuite.execution.scheduler import run_cells
from benchsuite.execution.session import Session
from benchsuite.plan import parse_board
from benchsuite.report import same_picture
from benchsuite.report.plots import picture_names, plots
from benchsuite.report.series import AXES, BITS, SIZE, SPARSITY, Point, Series, changes, panels
from benchsuite.results import board_results
from benchsuite.store import read_lines, write_lines

QUICK = Path(__file__).parents[2] / "baselines" / "quick.jsonl"
LIMIT = 100_000

SLIM = {
    "board": {"name": "slim", "title": "Slim", "seeds": [0, 1]},
    "dense": {
        "dataset": "digits",
        "model": {"name": "convnet", "widths": [6, 6]},
        "regularizer": {"name": "bn-l1", "strength": [0.0, 0.01]},
        "recipe": {"epochs": 2},
    },
    "rows": [{"steps": [{"prune": "slimming", "sparsity": [0.3, 0.6]}, {"evaluate": "before"}, {"finetune": 1}]}],
}
NEFF = {
    "board": {"name": "neff", "title": "Neff", "seeds": [0]},
    "dense": {
        "dataset": "digits",
        "model": {"name": "mlp", "hidden": [8, 8], "activation": ["relu", "tanh"]},
        "recipe": {"epochs": 1},
    },
    "rows": [
        {"steps": [{"prune": ["neff-row", "neff-block"], "center": [False, True], "beta": [0.25, 0.5, 1.0]}]},
        {
            "label": "global magnitude",
            "steps": [{"prune": "global-percentile", "sparsity": [{"matched_to": "neff-row"}]}],
        },
    ],
}


@pytest.fixture(scope="module")
def boards(tmp_path_factory):
    """Return the results files of boards that are run here, and of the quick one, by name."""
    folder = tmp_path_factory.mktemp("boards")
    session = Session(device_name="cpu", home=folder / "home", data_root=folder)
    read = [parse_board(content, "b.toml") for content in (SLIM, NEFF)]
    read.append(session.board("sparse-linear", ["dense.recipe.epochs=6"]))
    found = {"quick": QUICK}
    for board in read:
        planned = session.plan(board)
        found[board.board.name] = folder / f"{board.board.name}.jsonl"
        outcomes = run_cells(board, planned.cells, session.engine, lambda _: None)
        write_lines(found[board.board.name], [outcome.record for outcome in outcomes])
    return found


def table(file: Path):
    (found,) = board_results(read_lines(file))
    return found


@pytest.fixture(scope="module")
def pictures(boards):
    return {name: plots(table(file)) for name, file in boards.items()}


def digests(files: list[str]) -> dict[str, str]:
    return {
        f"{Path(file).stem} {name}": sha256(picture).hexdigest()
        for file in files
        for name, picture in plots(table(Path(file))).items()
    }


PICTURES = {
    "quick": ["accuracy-sparsity", "accuracy-bits", "layers"],
    "slim": ["accuracy-compression", "bn-sparsity", "bn-scales"],
    "neff": ["accuracy-sparsity", "layers"],
    "sparse-linear": ["loss", "weights"],
}


@pytest.mark.parametrize("name", PICTURES)
def test_each_board_has_the_pictures_that_belong_to_it(boards, pictures, name):
    found = pictures[name]
    assert list(found) == PICTURES[name] == picture_names(table(boards[name]))
    for picture in found.values():
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        assert len(picture) < LIMIT


def test_the_bytes_are_a_function_of_the_records(boards, pictures):
    files = [str(boards[name]) for name in ("slim", "neff")]
    here = digests(files)
    assert here == {
        f"{name} {picture}": sha256(content).hexdigest()
        for name in ("slim", "neff")
        for picture, content in pictures[name].items()
    }
    code = f"import json, test_plots; print(json.dumps(test_plots.digests({files!r})))"
    there = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent,
        env=os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(there.stdout) == here


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (b"Matplotlib v3.10.0, <path 1>", b"Matplotlib v3.10.0, <path 1>", True),
        (b"Matplotlib v3.10.0, <path 1>", b"Matplotlib v3.10.0, <path 2>", False),
        (b"Matplotlib v3.10.0, <path 1>", b"Matplotlib v3.11.2, <path 2>", True),
        (b"Matplotlib v3.10.0, <path 1>", b"<path 1>", False),
        (b"a page", b"a page", True),
        (b"a page", b"another page", False),
    ],
)
def test_pictures_of_two_versions_of_matplotlib_cannot_be_told_apart(one, other, same):
    assert same_picture(one, other) is same_picture(other, one) is same


def test_a_picture_tells_its_maker(pictures):
    for picture in pictures["quick"].values():
        assert same_picture(picture, b"Matplotlib v0.1, ")


def with_numbers(record, **numbers):
    """Return the record with some metrics replaced."""
    return replace(record, metrics=replace(record.metrics, numbers={**record.metrics.numbers, **numbers}))


def test_a_sweep_of_four_activations_stays_small(boards):
    """As large as a board of the project gets: 4 dense networks, 7 methods, 11 levels."""
    (relu,) = [lines for group, lines in table(boards["neff"]).groups.items() if group == "relu"]
    row = next(line for line in relu if line.role == "row")
    lines = [
        replace(
            row,
            place=replace(row.place, group=group, method=method, setting=f"{center}beta {level}"),
            records=tuple(
                with_numbers(record, sparsity=1 / (level + 1.7), accuracy=100 / 3 + level) for record in row.records
            ),
        )
        for group in ("relu", "gelu", "sigmoid", "tanh")
        for method in ("neff-column", "neff-row", "neff-block", "global magnitude")
        for center in ("", "center ")
        for level in range(11)
    ]
    big = replace(table(boards["neff"]), lines=tuple(lines))
    found = plots(big)
    assert list(found) == ["accuracy-sparsity"]
    assert len(found["accuracy-sparsity"]) < LIMIT


def curves(file: Path, axis) -> dict[str, dict[str, int]]:
    """Return the number of points by panel and curve."""
    return {
        panel: {series.name: len(series.points) for series in curves}
        for panel, curves in panels(table(file), axis).items()
    }


def test_a_curve_is_one_method_with_all_its_switches(boards):
    assert curves(boards["neff"], SPARSITY) == {
        group: {
            "neff-row": 3,
            "neff-row center": 3,
            "neff-block": 3,
            "neff-block center": 3,
            "global magnitude": 6,
        }
        for group in ("relu", "tanh")
    }
    assert curves(boards["quick"], BITS) == {
        "not trained after": {"ste-symmetric before QAT": 4, "ste-asymmetric before QAT": 4},
        "trained after": {
            "ste-symmetric": 4,
            "ste-asymmetric": 4,
            "prune, quantize before QAT": 3,
            "prune, quantize": 3,
        },
    }
    tuned = curves(boards["quick"], SPARSITY)["trained after"]
    assert set(tuned) == {
        "neff-block, tuned",
        "percentile, tuned",
        "iterative, global linear",
        "iterative, global cubic",
    }
    assert not [name for name in curves(boards["quick"], SPARSITY)["not trained after"] if "ste" in name]


def test_what_was_physically_removed_is_drawn_by_its_size(boards):
    assert set(curves(boards["slim"], SIZE)) == {"strength 0.0", "strength 0.01"}
    assert {name for found in curves(boards["slim"], SIZE).values() for name in found} == {
        "slimming before",
        "slimming",
    }
    assert curves(boards["slim"], SPARSITY) == {}
    assert curves(boards["quick"], SIZE) == {}


def test_a_method_of_one_level_is_a_point_beside_the_curves_of_others():
    records = [make(0, 0, role="dense"), make(1, 0, method="neff-row", setting="beta 1.0", sparsity=0.4)]
    assert plots(board_results(records)[0]) == {}
    records += [
        make(2 + place, 0, sparsity=level, setting=f"sparsity {level}") for place, level in enumerate((0.2, 0.8))
    ]
    (found,) = panels(board_results(records)[0], SPARSITY).values()
    assert {series.name: len(series.points) for series in found} == {"neff-row": 1, "percentile": 2}
    drawn = texts(plots(board_results(records)[0])["accuracy-sparsity"])
    assert {"neff-row", "percentile", "test accuracy, %"} <= set(drawn)


def test_methods_that_choose_one_level_on_several_networks_are_points():
    records = []
    for place, group in enumerate(("small", "large")):
        first = 10 * place
        dense = train(group)
        records.append(make(first, 0, 95.0, role="dense", group=group, steps=[dense]))
        steps = [dense, prune("own", beta=1.0)]
        own = make(first + 1, 0, 90.0, method="own", group=group, steps=steps, sparsity=0.4 + place / 10)
        matched = [dense, prune("global", matched_to=own.chain, sparsity=0.5)]
        records += [own, make(first + 2, 0, 94.0, method="magnitude", group=group, steps=matched, sparsity=0.4)]
    (found,) = board_results(records)
    assert changes(found) == [
        Series("own", (Point(0.4, -5.0), Point(0.5, -5.0))),
        Series("magnitude", (Point(0.4, -1.0), Point(0.4, -1.0))),
    ]
    assert panels(found, SPARSITY) == {}
    drawn = plots(found)
    assert list(drawn) == ["changes"]
    assert {"own", "magnitude", "change of test accuracy, points"} <= set(texts(drawn["changes"]))


def test_points_are_in_order_of_the_axis(boards):
    for axis in AXES:
        for file in boards.values():
            for series in itertools.chain(*panels(table(file), axis).values()):
                assert list(series.points) == sorted(series.points, key=lambda point: point.x)


def texts(picture: bytes) -> list[str]:
    return [text.strip() for text in re.findall(r">([^<>]+)</text>", picture.decode()) if text.strip()]


def test_what_is_drawn_is_told(pictures):
    found = texts(pictures["neff"]["accuracy-sparsity"])
    assert {"relu", "tanh", "neff-block center", "global magnitude", "their random controls", "sparsity"} <= set(found)
    found = pictures["slim"]
    assert {"strength 0.0", "strength 0.01", "epoch", "training accuracy, %"} <= set(texts(found["bn-sparsity"]))
    assert {"strength 0.0", "strength 0.01", "channels"} <= set(texts(found["bn-scales"]))
    found = pictures["sparse-linear"]
    assert {"none", "l0-projection", "l1 strength 2.0"} <= set(texts(found["weights"])) & set(texts(found["loss"]))


def test_the_layers_are_those_of_the_sparsest_line(pictures):
    found = texts(pictures["quick"]["layers"])
    assert "iterative, global sparsity 0.95 linear, seed 0" in found
    assert {"fc1", "fc2", "fc3"} <= set(found)


def test_layers_without_weights_and_trainings_that_diverged_are_drawn():
    layers = [layer("a", 900), layer("b", 500), layer("c", 100), layer("empty", 0, weights=0)]
    row = make(1, 0, layers=layers, setting="sparsity $0.5$")
    losses = (1.0, 1e308, None), (1, -1e308, 2)
    dense = [
        replace(
            make(place, 0, role="dense", setting=f"lr {place}", steps=[train(epochs=3 + place)]),
            history={"train_loss": values, "weights": ((1.0, 1e308), (None, 2), (0.5, -1e308))},
        )
        for place, values in zip((0, 2), losses, strict=True)
    ]
    drawn = plots(board_results([*dense, row])[0])
    assert list(drawn) == ["layers", "loss", "weights"]
    assert {"a", "b", "c", "empty"} <= set(texts(drawn["layers"]))
    assert {"lr 0", "lr 2"} <= set(texts(drawn["loss"])) & set(texts(drawn["weights"]))


def test_what_failed_is_not_drawn():
    records = [make(0, 0, role="dense")]
    records += [make(1, 0, setting="sparsity 0.5", sparsity=0.5), make(2, 0, setting="sparsity 0.8", status="failed")]
    assert plots(board_results(records)[0]) == {}
    records += [make(3, 0, setting="sparsity 0.9", sparsity=0.9)]
    assert list(plots(board_results(records)[0])) == ["accuracy-sparsity"]
