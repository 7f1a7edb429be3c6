"""`checkpoints`: dense networks committed beside their records; and what runs do with them."""

import json
import shutil
from pathlib import Path

import pytest

import benchsuite as package
from benchsuite.store import read_lines

ROWS = """
[[rows]]
steps = [{prune = "percentile", sparsity = [0.5, 0.8]}]

[[rows]]
label = "tuned"
steps = [{prune = "weight", sparsity = 0.8}, {finetune = 1}]
"""
SECONDS = 12345.0
"""What the committed training is said to have taken, so that it is told from one here."""
TAKEN = "1 dense network is the committed one (committed/checkpoints); --from-scratch trains it here\n"


def write(path: Path, lines: list[dict]) -> None:
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    path.write_text("".join(json.dumps(line, **form) + "\n" for line in lines), encoding="utf-8")


def edit_dense(path: Path, part: str, **values: object) -> None:
    """Change a part of the dense record of committed results."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    (dense,) = [line for line in lines if line["cell"]["role"] == "dense"]
    dense[part] |= values
    write(path, lines)


@pytest.fixture
def committed(benchsuite):
    """A board whose results and dense network are committed, and a store that knows nothing of them."""
    board = benchsuite.board(ROWS)
    assert benchsuite("run", board).code == 0
    records = benchsuite.folder / "committed" / "small.jsonl"
    (benchsuite.folder / "results").rename(records.parent)
    edit_dense(records, "cost", train_seconds=SECONDS)
    laid = benchsuite("checkpoints", "small", "--baselines", "committed")
    assert (laid.code, laid.err) == (0, "")
    shutil.rmtree(benchsuite.home)
    return board


@pytest.fixture
def folder(benchsuite, committed) -> Path:
    return benchsuite.folder / "committed" / "checkpoints"


@pytest.fixture
def network(folder) -> Path:
    (path,) = folder.glob("*.safetensors")
    return path


def deterministic(path: Path) -> list[tuple[object, ...]]:
    """The fields that another run gives again, of all records."""
    return [(one.key, one.status, one.place, one.metrics, one.layers, one.history) for one in read_lines(path)]


def seconds(benchsuite) -> object:
    return benchsuite.results()["dense mlp"].cost.train_seconds


def the_rows_are_the_committed_ones(benchsuite) -> None:
    found, expected = (benchsuite.folder / one / "small.jsonl" for one in ("results", "committed"))
    assert deterministic(found) == deterministic(expected)


def test_a_run_starts_from_the_committed_network(benchsuite, committed):
    facts = benchsuite("plan", committed, "--baselines", "committed", "--json").facts
    assert [fact["stored"] for fact in facts if fact["role"] == "dense"] == ["committed"]
    assert {fact["stored"] for fact in facts if fact["role"] != "dense"} == {None}
    assert (
        " 0 in the store; 1 more is a committed network;"
        in benchsuite("plan", committed, "--baselines", "committed").out
    )
    result = benchsuite("run", committed, "--baselines", "committed")
    assert (result.code, result.err.partition("\n")[0] + "\n") == (0, TAKEN)
    the_rows_are_the_committed_ones(benchsuite)
    dense = benchsuite.results()["dense mlp"]
    assert dense.text in (benchsuite.folder / "committed" / "small.jsonl").read_text(encoding="utf-8").splitlines()
    stored = read_lines(benchsuite.home / "store" / dense.key / "record.json")[0]
    assert stored.place is None
    again = benchsuite("run", committed, "--baselines", "committed")
    assert "committed" not in again.err
    assert seconds(benchsuite) == SECONDS


@pytest.mark.parametrize("option", [("--from-scratch",), ("--rerun", "all"), ("--set", "dense.recipe.lr=2e-3")])
def test_a_run_that_trains_nevertheless(benchsuite, committed, option):
    result = benchsuite("run", committed, "--baselines", "committed", *option)
    assert (result.code, "committed" in result.err) == (0, False)
    assert seconds(benchsuite) != SECONDS
    if "--set" not in option:
        the_rows_are_the_committed_ones(benchsuite)


def test_what_failed_here_is_taken_over_by_a_rerun_of_failures(benchsuite, committed):
    assert benchsuite("run", committed, "--baselines", "committed", "--from-scratch", "--timeout", "1e-9").code == 3
    assert "committed" not in benchsuite("run", committed, "--baselines", "committed").err
    result = benchsuite("run", committed, "--baselines", "committed", "--rerun", "failed")
    assert (result.code, TAKEN in result.err) == (0, True)
    the_rows_are_the_committed_ones(benchsuite)


def test_an_added_method_starts_from_the_committed_network(benchsuite, committed):
    result = benchsuite("run", committed, "--baselines", "committed", "--add", "random")
    assert (result.code, TAKEN in result.err, "warning" in result.err) == (0, True, False)
    assert seconds(benchsuite) == SECONDS
    assert "random sparsity 0.8" in benchsuite.results()


def test_another_board_starts_from_it_too(benchsuite, committed):
    text = Path(committed).read_text(encoding="utf-8").partition("[[rows]]")[0].replace('"small"', '"other"')
    other = benchsuite.board('[[rows]]\nsteps = [{prune = "unit", sparsity = 0.5}]', text=text, name="other.toml")
    result = benchsuite("run", other, "--baselines", "committed")
    assert (result.code, TAKEN in result.err) == (0, True)
    assert benchsuite.results("other")["dense mlp"].place.board == "other"


def test_python_starts_from_it_and_says_nothing(benchsuite, committed, network, capsys):
    records = package.run(committed, baselines="committed", home=benchsuite.folder / "one")
    assert capsys.readouterr() == ("", "")
    (dense,) = [one for one in records if one.place.role == "dense"]
    assert dense.cost.train_seconds == SECONDS
    scratch = package.run(committed, baselines="committed", from_scratch=True, home=benchsuite.folder / "two")
    assert [one.metrics for one in scratch] == [one.metrics for one in records]
    network.unlink()
    with pytest.warns(UserWarning, match=rf"{network.name}: cannot be read: .*; trained here"):
        package.run(committed, baselines="committed", home=benchsuite.folder / "three")


def share(folder: Path, board: str) -> None:
    """Commit the records of the small board under another name, and the network with them."""
    lines = [json.loads(line) for line in (folder.parent / "small.jsonl").read_text(encoding="utf-8").splitlines()]
    write(folder.parent / f"{board}.jsonl", [{**line, "cell": {**line["cell"], "board": board}} for line in lines])


def test_a_network_that_its_first_board_lacks_is_taken_from_the_next(benchsuite, committed, folder, network):
    share(folder, "other")
    assert benchsuite("checkpoints", "other", "--baselines", "committed").code == 0
    (folder.parent / "other.jsonl").unlink()
    result = benchsuite("run", committed, "--baselines", "committed")
    assert (result.code, TAKEN in result.err) == (0, True)
    (folder.parent / "small.jsonl").unlink()
    shutil.rmtree(benchsuite.home)
    result = benchsuite("run", committed, "--baselines", "committed")
    assert "the committed records of other, small have no such network; trained here" in result.err


def damage_file(network: Path) -> None:
    network.write_bytes(network.read_bytes()[:-1] + b"\x01")


def remove_file(network: Path) -> None:
    network.unlink()


def exchange_weights_of_record(network: Path) -> None:
    edit_dense(network.parents[1] / "small.jsonl", "metrics", weights_sha256="0" * 16)


def remove_records(network: Path) -> None:
    (network.parents[1] / "small.jsonl").unlink()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (damage_file, ".safetensors: damaged, it has not the digest that manifest.json gives; trained here"),
        (remove_file, ".safetensors: cannot be read: No such file or directory; trained here"),
        (exchange_weights_of_record, ": the committed records of small have no such network; trained here"),
        (remove_records, ": the committed records of small have no such network; trained here"),
    ],
)
def test_what_does_not_agree_is_trained_here(benchsuite, committed, network, harm, told):
    expected = deterministic(network.parents[1] / "small.jsonl")
    harm(network)
    result = benchsuite("run", committed, "--baselines", "committed")
    assert result.code == 0
    assert f"warning: committed/checkpoints/{network.stem}{told}\n" in result.err
    assert "--from-scratch" not in result.err
    assert deterministic(benchsuite.folder / "results" / "small.jsonl") == expected


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 1}', '{"schema": 1, "checkpoints": {"k": {}}}'])
def test_a_broken_manifest_is_refused(benchsuite, committed, folder, text):
    (folder / "manifest.json").write_text(text, encoding="utf-8")
    for command in (("run", committed), ("plan", committed), ("checkpoints", "small"), ("checkpoints", "--check")):
        result = benchsuite(*command, "--baselines", "committed")
        assert result.code == 2
        assert "committed/checkpoints/manifest.json: not a manifest as `benchsuite checkpoints` writes it" in result.err


@pytest.mark.parametrize("boards", [[], "small", None, ["small", 1]])
def test_a_manifest_whose_boards_are_no_list_of_names_is_refused(benchsuite, committed, folder, network, boards):
    content = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    content["checkpoints"][network.stem]["boards"] = boards
    (folder / "manifest.json").write_text(json.dumps(content), encoding="utf-8")
    for command in (("run", committed), ("checkpoints", "small"), ("checkpoints", "--check")):
        result = benchsuite(*command, "--baselines", "committed")
        assert result.code == 2
        told = f'the "boards" of {network.stem} should be a list of at least one name, not {boards!r}'
        assert "committed/checkpoints/manifest.json: not a manifest as" in result.err
        assert told in result.err


def test_a_manifest_of_a_later_version_is_refused(benchsuite, committed, folder):
    (folder / "manifest.json").write_text('{"schema": 2}', encoding="utf-8")
    result = benchsuite("run", committed, "--baselines", "committed")
    assert result.code == 2
    assert "manifest.json: schema 2, this version reads 1" in result.err


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_manifest_tells_whose_weights_these_are(committed, folder, network):
    (dense,) = [one for one in read_lines(folder.parent / "small.jsonl") if one.place.role == "dense"]
    assert network.stem == dense.key
    (entry,) = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["checkpoints"].values()
    assert (entry["boards"], entry["seed"], entry["file_bytes"]) == (["small"], 0, network.stat().st_size)
    assert entry["weights_sha256"] == dense.metrics.weights_sha256
    assert (entry["model"]["name"], entry["model"]["fields"]["hidden"]) == ("mlp", [8])
    assert entry["dataset"]["name"] == "digits"


def test_laid_once_they_stay_without_the_store(benchsuite, folder):
    before = contents(folder)
    (fact,) = benchsuite("checkpoints", "small", "--baselines", "committed", "--json").facts
    assert (fact["board"], fact["name"], fact["seed"], fact["state"]) == ("small", "mlp", 0, "there")
    assert contents(folder) == before


def test_what_is_too_large_is_left_out_and_removed(benchsuite, committed, folder, network):
    size = network.stat().st_size / 1_000_000
    assert benchsuite("run", committed, "--baselines", "committed").code == 0
    result = benchsuite("checkpoints", "small", "--baselines", "committed", "--largest", "0.001")
    assert (result.code, result.out.endswith(f": left out: {size:.2g} MB, more than 0.001\n")) == (0, True)
    assert list(contents(folder)) == ["manifest.json"]
    assert benchsuite("checkpoints", "--check", "--baselines", "committed").code == 0


def test_what_is_committed_and_too_large_is_said_to_be_so_without_the_store(benchsuite, folder, network):
    size = network.stat().st_size / 1_000_000
    result = benchsuite("checkpoints", "small", "--baselines", "committed", "--largest", "0.001")
    assert (result.code, result.out.endswith(f": left out: {size:.2g} MB, more than 0.001\n")) == (0, True)
    assert list(contents(folder)) == ["manifest.json"]


def test_a_board_without_records_stops_it_before_anything_is_written(benchsuite, committed, folder, network):
    assert benchsuite("run", committed, "--baselines", "committed").code == 0
    share(folder, "other")
    shutil.rmtree(folder)
    result = benchsuite("checkpoints", "other", "nowhere", "--baselines", "committed")
    assert (result.code, "nowhere.jsonl: cannot be read" in result.err) == (2, True)
    assert not folder.exists()


def test_what_the_store_lacks_or_has_otherwise_is_left_out(benchsuite, committed, folder, network):
    exchange_weights_of_record(network)
    command = ("checkpoints", "small", "--baselines", "committed")
    assert benchsuite(*command).out.endswith(": left out: not in the store\n")
    assert benchsuite("run", committed, "--baselines", "committed").code == 0
    assert benchsuite(*command).out.endswith(": left out: the store has other weights than the committed record\n")
    assert list(contents(folder)) == ["manifest.json"]


def test_boards_share_a_network_until_the_last_has_it_no_more(benchsuite, committed, folder, network):
    share(folder, "other")

    def boards() -> list[list[str]]:
        entries = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["checkpoints"]
        return [entry["boards"] for entry in entries.values()]

    assert benchsuite("checkpoints", "other", "--baselines", "committed").code == 0
    assert boards() == [["other", "small"]]
    for board, left in (("small", [["other"]]), ("other", [])):
        write(folder.parent / f"{board}.jsonl", [])
        assert benchsuite("checkpoints", board, "--baselines", "committed").code == 0
        assert (boards(), network.exists()) == (left, bool(left))


def exchange_tensors(network: Path) -> None:
    """Other weights, with a manifest that knows the file."""
    from hashlib import sha256

    damage_file(network)
    manifest = network.parent / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["checkpoints"][network.stem]["file_sha256"] = sha256(network.read_bytes()).hexdigest()
    manifest.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def put_another_beside(network: Path) -> None:
    network.with_stem("another").write_bytes(b"")


def respell_manifest(network: Path) -> None:
    manifest = network.parent / "manifest.json"
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")


def empty_records(network: Path) -> None:
    write(network.parents[1] / "small.jsonl", [])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (damage_file, "{network}: damaged, it has not the digest that manifest.json gives"),
        (remove_file, "{network}: cannot be read: No such file or directory"),
        (exchange_tensors, "{network}: its tensors are not the weights of the record of small"),
        (exchange_weights_of_record, "{network}: its entry in manifest.json is not that of the record of small"),
        (empty_records, "{network}: the board small has no dense network of that key"),
        (put_another_beside, "committed/checkpoints/another.safetensors: not in manifest.json"),
        (respell_manifest, "committed/checkpoints/manifest.json: not in the form in which it is written"),
    ],
)
def test_check(benchsuite, network, harm, told):
    command = ("checkpoints", "--check", "--baselines", "committed")
    assert benchsuite(*command).code == 0
    harm(network)
    before = contents(network.parent)
    result = benchsuite(*command)
    assert (result.code, result.out) == (5, told.format(network=f"committed/checkpoints/{network.name}") + "\n")
    assert benchsuite(*command, "--json").facts == {"faults": result.out.splitlines()}
    assert contents(network.parent) == before


def test_boards_or_a_check(benchsuite):
    for arguments in ((), ("small", "--check")):
        result = benchsuite("checkpoints", *arguments)
        assert result.code == 2
        assert "name the boards whose networks to commit, or give --check alone" in result.err
    missing = benchsuite("checkpoints", "nowhere")
    assert missing.code == 2
    assert "nowhere.jsonl: cannot be read" in missing.err
