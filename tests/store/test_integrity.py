"""A results file is what a run wrote: each slip of an editor or of a merge is named with its line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_record import dense_record, finetune, layer, make_record, prune

from benchsuite.errors import ConfigError
from benchsuite.store import Failure, Metrics, Record, write_lines
from benchsuite.store.integrity import read_verified

BASELINES = Path(__file__).parents[2] / "baselines"
CORRECT, EXAMPLES = 3, 10
OPTIONAL = {"instructions", "threads", "processor", "blas"}


def records() -> list[Record]:
    """Return the records of a board with one row, of two seeds each."""
    result = {
        "board": "dots",
        "seeds": (0, 1),
        "right": np.arange(EXAMPLES) < CORRECT,
        "layers": (layer("fc1", 10, weights=20), layer("fc2", 10, weights=20)),
    }
    return [
        record
        for seed in (0, 1)
        for record in (
            dense_record(seed, **result),
            make_record(prune(sparsity=0.5), finetune(1), seed=seed, **result),
        )
    ]


@pytest.fixture
def path(tmp_path) -> Path:
    file = tmp_path / "dots.jsonl"
    write_lines(file, records())
    return file


def test_what_a_run_wrote_is_read(path):
    assert read_verified(path) == read_verified(path, board="dots")
    assert len(read_verified(path)) == len(records())


@pytest.mark.parametrize("file", sorted(BASELINES.glob("*.jsonl")), ids=lambda file: file.stem)
def test_the_committed_baselines_are_as_runs_wrote_them(file):
    assert read_verified(file, board=file.stem)


def test_a_failed_record_has_no_figures_to_contradict(path):
    failed = [replace(one, status="failed", metrics=Metrics(), layers=(), error=Failure("no")) for one in records()]
    write_lines(path, failed)
    assert len(read_verified(path)) == len(failed)


def edited(path: Path, number: int, edit) -> None:
    """Change one line's JSON, and write it as a run would."""
    lines = path.read_text(encoding="utf-8").splitlines()
    values = json.loads(lines[number - 1])
    edit(values)
    lines[number - 1] = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def setting(part: str, name: str, value: object):
    return lambda values: values[part].__setitem__(name, value)


def without_loss(record: Record) -> Record:
    return replace(record, metrics=replace(record.metrics, numbers={**record.metrics.numbers, "loss": None}))


def test_what_an_older_version_called_a_result_without_a_finite_loss_is_read_as_failed(path):
    write_lines(path, map(without_loss, records()))
    assert {record.status for record in read_verified(path)} == {"failed"}
    before = path.read_text(encoding="utf-8")
    path.write_text(before.replace(",", ", ", 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1: not in the form"):
        read_verified(path)
    path.write_text(before, encoding="utf-8")
    edited(path, 1, setting("metrics", "accuracy", 97.0))
    with pytest.raises(ConfigError, match=r"line 1: the accuracy 97\.0 is not that"):
        read_verified(path)


EDITS = {
    "accuracy": (setting("metrics", "accuracy", 97.0), "the accuracy 97.0 is not that of 3 correct in 10"),
    "correct": (setting("metrics", "correct", 4), "the accuracy 30.0 is not that of 4 correct in 10"),
    "bits": (setting("metrics", "correct_bits", "AAA="), "correct_bits do not hold 3 correct in 10"),
    "bits of more examples": (setting("metrics", "correct_bits", "4AAA"), "correct_bits do not hold"),
    "bits beyond the examples": (setting("metrics", "correct_bits", "wAE="), "correct_bits do not hold"),
    "no bits": (setting("metrics", "correct_bits", "!"), "correct_bits do not hold"),
    "sparsity": (setting("metrics", "sparsity", 0.9), "sparsity 0.9 is not that of the layers, 0.5"),
    "nonzeros": (setting("metrics", "nonzeros", 7), "nonzeros 7 is not that of the layers, 20"),
    "MACs": (setting("metrics", "effective_macs", 1), "effective_macs 1 is not that of the layers, 20"),
    "bit width": (setting("metrics", "bits_per_weight", 8.0), "bits_per_weight 8.0 is not that of the layers, 32.0"),
    "no sparsity": (lambda values: values["metrics"].pop("sparsity"), "sparsity None is not that of the layers, 0.5"),
    "zeros of a layer": (lambda values: values["layers"][0].update(zeros=18), "nonzeros 20 is not that of the layers"),
    "a layer without counts": (lambda values: values["layers"][0].pop("zeros"), "layers[0].zeros: Field required"),
    "seed": (setting("cell", "seed", 7), "its steps and seed have the key"),
    "a step": (lambda values: values["cell"]["steps"][0].update(data="1" * 64), "its steps and seed have the key"),
    "no steps": (setting("cell", "steps", []), "cell.steps: should be a list of at least one step"),
    "key": (lambda values: values.update(key="f" * 40), "its steps and seed have the key"),
    "board": (setting("cell", "board", "lines"), "a record of board 'lines' in a file of board 'dots'"),
    "protocol": (setting("provenance", "protocol", 2), "its steps and seed have the key"),
    "schema": (lambda values: values.update(schema=99), "schema 99, this version reads 1; update benchsuite"),
}


@pytest.mark.parametrize(("edit", "message"), EDITS.values(), ids=EDITS)
def test_an_edited_line_is_refused(path, edit, message):
    edited(path, 3, edit)
    with pytest.raises(ConfigError) as refused:
        read_verified(path)
    assert str(refused.value).startswith(f"{path}, line 3: ")
    assert message in str(refused.value)


def test_records_of_two_protocols_are_refused(path):
    other = make_record(seed=5, board="dots", protocol=2)
    mixed = sorted([*records(), other], key=lambda record: record.key)
    write_lines(path, mixed)
    line = max(2, mixed.index(other) + 1)
    with pytest.raises(ConfigError, match=rf"line {line}: a record of protocol [12] in a file of protocol [12]"):
        read_verified(path)


WRITTEN = json.loads(records()[0].text)


@pytest.mark.parametrize("status", ["ok", "failed"])
@pytest.mark.parametrize(
    ("part", "name"),
    [("cell", name) for name in WRITTEN["cell"]]
    + [("provenance", name) for name in WRITTEN["provenance"] if name not in OPTIONAL],
)
def test_a_record_without_what_tables_are_made_from_is_refused(path, part, name, status):
    edited(path, 3, lambda values: (values[part].pop(name), values.update(status=status)))
    with pytest.raises(ConfigError, match=rf"line 3: {part}\.{name}: "):
        read_verified(path)


def test_a_record_without_a_place_is_refused(path):
    write_lines(path, [replace(record, place=None) for record in records()])
    with pytest.raises(ConfigError, match="line 1: it has no place on a board; a run writes no such line: restore"):
        read_verified(path)


@pytest.mark.parametrize("name", ["name", "fingerprint"])
def test_data_without_a_name_or_fingerprint_are_refused(path, name):
    edited(path, 3, lambda values: values["provenance"]["data"].pop(name))
    with pytest.raises(ConfigError, match=rf"line 3: provenance\.data\.{name}: Field required"):
        read_verified(path)
    edited(path, 3, setting("provenance", "data", "digits"))
    with pytest.raises(ConfigError, match=r"line 3: provenance\.data: should be an object"):
        read_verified(path)


def test_another_form_of_the_same_values_is_refused(path):
    path.write_text(path.read_text(encoding="utf-8").replace('":', '": ', 1), encoding="utf-8")
    with pytest.raises(ConfigError, match="line 1: not in the form in which records are written"):
        read_verified(path)


def test_a_truncated_file_is_refused(path):
    path.write_text(path.read_text(encoding="utf-8")[:-40], encoding="utf-8")
    with pytest.raises(ConfigError, match=f"line {len(records())}: "):
        read_verified(path)


def test_a_line_twice_is_refused(path):
    text = path.read_text(encoding="utf-8")
    path.write_text(text + text.splitlines(keepends=True)[0], encoding="utf-8")
    with pytest.raises(ConfigError, match=f"line {len(records()) + 1}: a second record of key"):
        read_verified(path)


def test_two_records_of_one_cell_are_refused(path):
    lines = [json.loads(line)["cell"]["line"] for line in path.read_text(encoding="utf-8").splitlines()]
    number = max(lines.index(0), lines.index(1)) + 1
    edited(path, number, setting("cell", "line", 1 - lines[number - 1]))
    with pytest.raises(ConfigError, match="a second record of the cell of line"):
        read_verified(path)


def test_a_file_of_another_board_is_refused(path):
    with pytest.raises(ConfigError, match="line 1: a record of board 'dots' in a file of board 'quick'"):
        read_verified(path, board="quick")
