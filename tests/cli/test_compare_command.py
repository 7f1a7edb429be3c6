"""`benchsuite compare` at the command line: two real runs of a board, what the exit codes mean, what bad input gets."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from benchsuite.chain import Chain
from benchsuite.store.record_reader import read_record

ROWS = '[[rows]]\nlabel = "method"\nsteps = [{{prune = "{pruner}", sparsity = 0.5}}]\n'
EPOCHS = ("epochs = 1, lr = 1e-3", "epochs = 8, lr = 1e-2")


def executed(benchsuite, pruner: str, output: str, **options: str) -> Path:
    """Run the small board with that pruner in its only row; returns the results."""
    name = benchsuite.board(ROWS.format(pruner=pruner))
    path = benchsuite.folder / name
    path.write_text(path.read_text(encoding="utf-8").replace(*EPOCHS), encoding="utf-8")
    told = [part for key, value in options.items() for part in (f"--{key}", value)]
    assert benchsuite("run", name, "--in-process", "--seeds", "0-2", "--output", output, *told).code == 0
    return benchsuite.folder / output / "small.jsonl"


@pytest.fixture
def base(benchsuite) -> Path:
    return executed(benchsuite, "percentile", "base")


def test_a_worse_method_is_found_and_the_same_one_is_not(benchsuite, base):
    again = executed(benchsuite, "percentile", "again")
    unchanged = benchsuite("compare", "base", "again", "--check")
    assert (unchanged.code, again.read_bytes()) == (0, base.read_bytes())
    assert "Same: of 3 cells 3 copied; the new run holds the records of the base" in unchanged.out

    executed(benchsuite, "random", "worse")
    summary = benchsuite.folder / "summary.md"
    summary.write_text("# What was there\n", encoding="utf-8")
    found = benchsuite("compare", "base", "worse", "--check", "--markdown", "summary.md")
    assert found.code == 1
    assert max(map(len, found.out.splitlines())) <= 100
    assert found.out.splitlines()[2].startswith("regressed")
    assert "Regressed: of 3 cells 1 regressed" in found.out
    assert benchsuite("compare", "base", "worse").code == 0
    text = summary.read_text(encoding="utf-8")
    assert text.startswith("# What was there\n### benchsuite compare")
    assert "| regressed | method " in " ".join(text.split())

    facts = benchsuite("compare", "base/small.jsonl", "worse/small.jsonl", "--json").facts
    assert (facts["verdict"], facts["not_run"], facts["counts"]["regressed"]) == ("regressed", [], 1)
    (worse,) = [cell for cell in facts["cells"] if cell["verdict"] == "regressed"]
    assert worse["method"] == "method"
    assert worse["change"] == pytest.approx(worse["new_accuracy"] - worse["base_accuracy"])
    assert worse["interval"][1] < 0

    back = benchsuite("compare", "worse", "base", "--check", "--json")
    assert (back.code, back.facts["verdict"]) == (0, "better")


def test_compare_starts_without_torch(benchsuite, base):
    code = "import atexit; atexit.register(lambda: print('torch' in __import__('sys').modules))"
    assert benchsuite.shell("compare", "base", "base", prelude=code).out.splitlines()[-1] == "False"


def test_what_disappeared_fails_the_check(benchsuite, base):
    lines = base.read_text(encoding="utf-8").splitlines(keepends=True)
    row = [line for line in lines if json.loads(line)["cell"]["role"] == "row"]
    (benchsuite.folder / "new").mkdir()
    for gone, told in ((row[:1], "missing: seed"), (row, "missing")):
        kept = "".join(line for line in lines if line not in gone)
        (benchsuite.folder / "new" / "small.jsonl").write_text(kept, encoding="utf-8")
        result = benchsuite("compare", "base", "new", "--check")
        assert result.code == 1
        assert told in " ".join(result.out.split())
        assert "Missing: of 3 cells" in result.out


def test_nothing_to_compare(benchsuite, base):
    (benchsuite.folder / "empty").mkdir()
    for pair in (("base", "empty"), ("empty", "base"), ("empty", "base/small.jsonl"), ("empty", "empty")):
        result = benchsuite("compare", *pair, "--check")
        assert result.code == 4
        assert "Nothing was compared" in result.out
    assert "small" in benchsuite("compare", "base", "empty").out  # not run


def test_a_board_that_was_not_run_fails_the_check_of_a_folder_and_not_of_its_own_file(benchsuite, base):
    text = base.read_text(encoding="utf-8").replace('"board":"small"', '"board":"other"')
    (base.parent / "other.jsonl").write_text(text, encoding="utf-8")
    executed(benchsuite, "percentile", "again")
    told = benchsuite("compare", "base", "again", "--check")
    assert told.code == 1
    assert "Boards of base that again has no results of: other; --check fails for that" in told.out
    assert benchsuite("compare", "base", "again").code == 0
    assert benchsuite("compare", "base", "again/small.jsonl", "--check").code == 0


def test_a_loss_that_may_be_chance_fails_the_strict_check_alone(benchsuite, base):
    lines = [json.loads(line) for line in base.read_text(encoding="utf-8").splitlines()]
    one_seed = benchsuite.folder / "one-seed"
    write(one_seed, [line for line in lines if line["cell"]["seed"] == 0])
    executed(benchsuite, "percentile", "worse", set="dense.recipe.epochs=1")
    for option in ("--check=strict", "--check=sure", "--check"):
        told = benchsuite("compare", option, "one-seed", "worse")
        assert told.code == (option == "--check=strict")
        assert "Warning: 3 cells lost 0.5 points or more" in " ".join(told.out.split())
    assert benchsuite("compare", "one-seed", "worse", "--json").facts["warns"]


@pytest.mark.parametrize(
    "option", ["--smallest-effect=inf", "--smallest-effect=nan", "--smallest-effect=-1", "--alpha=nan", "--check=loose"]
)
def test_values_that_would_disarm_the_gate_are_refused(benchsuite, option):
    result = benchsuite("compare", "base", "base", option)
    assert result.code == 2
    assert "Traceback" not in result.err


def test_a_board_asked_for_by_its_file_is_missing_where_a_folder_lacks_it(benchsuite, base):
    (benchsuite.folder / "empty").mkdir()
    result = benchsuite("compare", "base/small.jsonl", "empty", "--check", "--json")
    assert (result.code, result.facts["counts"]) == (4, {"missing": 3})


def of_newer_schema(text: str) -> str:
    return text.replace('"schema":1', '"schema":2', 1)


def truncated(text: str) -> str:
    return text[:-50]


def edited(text: str) -> str:
    return text.replace('"correct":', '"correct":1', 1)


def doubled(text: str) -> str:
    return text + text.splitlines(keepends=True)[0]


def of_another_board(text: str) -> str:
    first, *others = text.splitlines(keepends=True)
    return "".join([*others, first.replace('"board":"small"', '"board":"large"')])


def of_another_protocol(text: str) -> str:
    first, *others = text.splitlines(keepends=True)
    record = read_record(first)
    chain = Chain.from_json(record.chain.to_json(), record.seed, protocol=2)
    changed = replace(record, chain=chain, provenance=replace(record.provenance, protocol=2))
    return "".join([*others, f"{changed.text}\n"])


def of_an_edited_protocol(text: str) -> str:
    return text.replace('"protocol":1', '"protocol":2', 1)


BAD = {
    of_newer_schema: "line 1: schema 2, this version reads 1; update benchsuite",
    truncated: "line 9: ",
    edited: "line 1: the accuracy ",
    doubled: "line 10: a second record of key",
    of_another_board: "line 9: a record of board 'large' in a file of board 'small'",
    of_an_edited_protocol: "line 1: its steps and seed have the key ",
    of_another_protocol: "line 9: a record of protocol 2 in a file of protocol 1",
}


def refused(result, *parts: str) -> None:
    assert result.code == 2
    assert result.err.startswith("benchsuite: ")
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


def test_a_file_that_no_run_wrote_is_refused_with_its_line(benchsuite, base):
    text = base.read_text(encoding="utf-8")
    assert len(text.splitlines()) == 9
    bad = benchsuite.folder / "bad" / "small.jsonl"
    bad.parent.mkdir()
    for change, told in BAD.items():
        bad.write_text(change(text), encoding="utf-8")
        for pair in (("bad", "base"), ("base", "bad"), ("base/small.jsonl", "bad/small.jsonl")):
            refused(benchsuite("compare", *pair, "--check", "--markdown", "summary.md"), "bad/small.jsonl, ", told)
        assert bad.read_text(encoding="utf-8") == change(text)
    assert not (benchsuite.folder / "summary.md").exists()


def test_files_of_different_boards_or_protocols_are_not_compared(benchsuite, base):
    text = base.read_text(encoding="utf-8")
    other = benchsuite.folder / "other.jsonl"
    other.write_text(text.replace('"board":"small"', '"board":"large"'), encoding="utf-8")
    refused(benchsuite("compare", "base/small.jsonl", "other.jsonl"), "other.jsonl, line 1: a record of board 'large'")
    renamed = benchsuite.folder / "renamed"
    renamed.mkdir()
    shutil.copy(base, renamed / "large.jsonl")
    refused(benchsuite("compare", "renamed", "renamed"), "large.jsonl, line 1: a record of board 'small'")


def test_a_path_that_is_not_there(benchsuite, base):
    refused(benchsuite("compare", "base", "nowhere.jsonl"), "nowhere.jsonl: cannot be read")
    refused(benchsuite("compare", "nowhere", "base"), "nowhere: cannot be read")
    refused(
        benchsuite("compare", "base", "base", "--markdown", "no/folder.md"), "--markdown no/folder.md: No such file"
    )


def write(folder: Path, lines: list[dict]) -> None:
    folder.mkdir()
    form = {"sort_keys": True, "separators": (",", ":"), "ensure_ascii": False}
    text = "".join(json.dumps(line, **form) + "\n" for line in lines)
    (folder / "small.jsonl").write_text(text, encoding="utf-8")


def altered(path: Path, folder: Path, **changes: object) -> Path:
    """The records of a file, each with another number of threads and these changes, in a folder."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["provenance"]["threads"] = 999
        line |= changes
    write(folder, lines)
    return folder / path.name


def test_a_run_in_which_all_failed_is_no_repetition(benchsuite, base):
    gone = {"status": "failed", "metrics": {}, "layers": [], "error": {"reason": "it broke"}}
    altered(base, benchsuite.folder / "failed", **gone)
    found = benchsuite("compare", "base", "failed", "--exact", "--json")
    assert (found.code, found.facts["retrained"], len(found.facts["different"])) == (1, 0, 9)


def test_where_all_was_trained_otherwise_it_is_compared_by_its_answers(benchsuite, base):
    threads = json.loads(base.read_text(encoding="utf-8").partition("\n")[0])["provenance"]["threads"]
    other = altered(base, benchsuite.folder / "other")
    lines = [json.loads(line) for line in other.read_text(encoding="utf-8").splitlines()]
    digests = {line["metrics"]["weights_sha256"] for line in lines if line["cell"]["role"] == "dense"}
    text = other.read_text(encoding="utf-8")
    for digest in digests:
        text = text.replace(digest, digest[::-1])
    other.write_text(text, encoding="utf-8")
    found = benchsuite("compare", "base", "other", "--exact", "--json")
    assert (found.code, found.facts["retrained"], found.facts["equal"]) == (0, 9, 0)
    assert found.facts["environments"] == [f"threads: {threads} before, 999 now"]
    assert found.facts["paired"]["counts"] == {"same": 3}


def test_a_repetition_is_found_exact_and_a_deviation_named(benchsuite, base):
    again = executed(benchsuite, "percentile", "again")
    told = benchsuite("compare", "base", "again", "--exact")
    assert (told.code, told.out) == (0, "9 of 9 cells are equal in every field.\n")
    text = again.read_text(encoding="utf-8")
    place = text.index('"train_loss":[') + len('"train_loss":[')
    again.write_text(f"{text[:place]}1{text[place:]}", encoding="utf-8")
    differing = benchsuite("compare", "base", "again", "--exact", "--json")
    assert differing.code == 1
    assert (differing.facts["equal"], len(differing.facts["different"])) == (8, 1)
