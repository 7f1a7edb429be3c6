"""The commands: what they print, what they leave, and the exit codes that scripts rely on."""

import json
import os
import re
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

from benchsuite.cli.options import parse_seeds
from benchsuite.errors import ConfigError

SEEDS_OF_OTHER_FORMS = ("", ",", "a", "-1", "1-", "-", "1--2", "1-2-3", "1.5", "1e3", "1_000", "+1", "٣", "１", "0x1")
ROWS = """
[[rows]]
steps = [{prune = ["percentile", "weight"], sparsity = [0.5, 0.9]}]

[[rows]]
steps = [{quantize = "ste-symmetric", bits = 4}, {finetune = 1}]
"""


def test_run_writes_one_record_a_cell_and_ends_with_the_table(benchsuite):
    result = benchsuite("run", benchsuite.board(ROWS))
    assert result.code == 0, result.err
    assert "A small board" in result.out
    assert "percentile" in result.out
    records = benchsuite.results()
    assert len(records) == 1 + 4 * 2 + 1
    assert result.out.rstrip().endswith("10 records in results/small.jsonl")
    lines = (benchsuite.folder / "results" / "small.jsonl").read_text(encoding="utf-8").splitlines()
    keys = [json.loads(line)["key"] for line in lines]
    assert keys == sorted(keys)


def written(benchsuite) -> dict[str, int]:
    """When each record of the store was written."""
    return {path.parent.name: path.stat().st_mtime_ns for path in (benchsuite.home / "store").glob("*/record.json")}


def test_a_second_run_computes_nothing_and_says_the_same(benchsuite):
    board = benchsuite.board(ROWS)
    first = benchsuite("run", board)
    file = benchsuite.folder / "results" / "small.jsonl"
    content = file.read_bytes()
    before = written(benchsuite)
    second = benchsuite("run", board)
    assert (second.code, second.out) == (0, first.out)
    assert file.read_bytes() == content
    again = benchsuite("run", board, "--rerun", "all")
    assert again.code == 0
    after = written(benchsuite)
    assert before.keys() == after.keys()
    assert not set(before.items()) & set(after.items())
    kept = benchsuite.results()
    assert {name: json.loads(record.text)["metrics"] for name, record in kept.items()} == {
        name: json.loads(line)["metrics"]
        for line in content.decode().splitlines()
        for name in [" ".join(filter(None, (json.loads(line)["cell"]["method"], json.loads(line)["cell"]["setting"])))]
    }


def test_progress_is_plain_lines_where_there_is_no_terminal(benchsuite):
    result = benchsuite("run", benchsuite.board(ROWS))
    assert "\x1b" not in result.err + result.out
    assert result.err.splitlines()[-1].startswith("10/10 cells, ")
    assert result.err.splitlines()[-1].endswith(" s: done")


def test_run_json_is_one_list_over_all_boards(benchsuite):
    one = benchsuite.board(ROWS)
    other = benchsuite.board(ROWS, name="other.toml")
    path = benchsuite.folder / other
    path.write_text(path.read_text(encoding="utf-8").replace('name = "small"', 'name = "other"'), encoding="utf-8")
    result = benchsuite("run", one, other, "--json")
    assert result.code == 0
    assert [record["cell"]["board"] for record in result.facts] == ["small"] * 10 + ["other"] * 10
    assert {record["status"] for record in result.facts} == {"ok"}
    assert benchsuite.results("other").keys() == benchsuite.results("small").keys()


def test_only_runs_matching_rows_with_what_they_need(benchsuite):
    board = benchsuite.board(ROWS)
    result = benchsuite("run", board, "--only", "pruner=perc*", "--only", "setting=*0.9")
    assert result.code == 0
    assert set(benchsuite.results()) == {"dense mlp", "percentile sparsity 0.9", "random as percentile sparsity 0.9"}
    assert benchsuite("run", board, "--only", "quantizer=*").code == 0
    assert len(benchsuite.results()) == 4, "what an earlier run left stays"


def test_nothing_to_run_is_exit_code_4(benchsuite):
    board = benchsuite.board(ROWS)
    result = benchsuite("run", board, "--only", "pruner=nothing-*")
    assert result.code == 4
    assert result.err == "small: no row matches pruner=nothing-*\n"
    as_json = benchsuite("run", board, "--only", "pruner=nothing-*", "--json")
    assert (as_json.code, as_json.facts) == (4, [])
    assert not (benchsuite.folder / "results").exists()


@pytest.mark.parametrize(("text", "seeds"), [("0", {0}), ("1-3", {1, 2, 3}), ("0, 2,4-5", {0, 2, 4, 5})])
def test_seeds(benchsuite, text, seeds):
    facts = benchsuite("plan", benchsuite.board(ROWS), "--seeds", text, "--json").facts
    assert {fact["seed"] for fact in facts} == seeds
    assert len(facts) == 10 * len(seeds)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0-10000000000", "--seeds 0-10000000000: names 10,000,000,001 seeds; the most is 100,000"),
        ("0-99999,100000", "names 100,001 seeds; the most is 100,000"),
        ("4-2", "--seeds 4-2: the range 4-2 ends before it begins; give 2-4"),
        ("0,4-2", "the range 4-2 ends before it begins"),
        ("9223372036854775808", "the largest seed is 9223372036854775807"),
        ("9" * 5000, "…: the largest seed is 9223372036854775807"),
        *((text, "give numbers such as 0,1,2 or a range such as 0-4") for text in SEEDS_OF_OTHER_FORMS),
    ],
)
def test_seeds_that_are_refused(text, reason):
    with pytest.raises(ConfigError) as refusal:
        parse_seeds(text)
    assert reason in str(refusal.value)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0,1,2", [0, 1, 2]), ("0-4", [0, 1, 2, 3, 4]), (" 3 , 5-6", [3, 5, 6]), ("007", [7]), ("8-8", [8]), (None, None)],
)
def test_seeds_in_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


def test_seeds_named_twice(benchsuite):
    result = benchsuite("plan", benchsuite.board(ROWS), "--seeds", "1,0-2")
    assert result.code == 2
    assert "names a seed twice" in result.err


def test_plan_says_what_a_run_would_do_and_what_the_store_holds(benchsuite):
    board = benchsuite.board(ROWS)
    before = benchsuite("plan", board, "--json")
    assert before.code == 0
    assert {fact["stored"] for fact in before.facts} == {None}
    assert set(before.facts[0]) >= {"board", "role", "method", "setting", "seed", "key", "epochs", "stored"}
    assert benchsuite("run", board).code == 0
    after = benchsuite("plan", board, "--json").facts
    assert {fact["stored"] for fact in after} == {"ok"}
    assert [fact["key"] for fact in after] == [fact["key"] for fact in before.facts]
    assert {fact["key"] for fact in after} == {record.key for record in benchsuite.results().values()}
    printed = benchsuite("plan", board).out
    assert "10 cells, controls included; 10 in the store; 2 trainings of 2 epochs in all" in printed


def test_plan_only(benchsuite):
    result = benchsuite("plan", benchsuite.board(ROWS), "--only", "method=weight", "--json")
    assert [fact["role"] for fact in result.facts] == ["dense", "row", "control", "row", "control"]
    nothing = benchsuite("plan", benchsuite.board(ROWS), "--only", "method=none", "--json")
    assert nothing.facts == []


def test_list(benchsuite):
    facts = benchsuite("list", "--json").facts
    assert all(set(fact) == {"kind", "name", "summary", "distribution", "version", "status"} for fact in facts)
    by_kind = {kind: {fact["name"] for fact in facts if fact["kind"] == kind} for kind in {f["kind"] for f in facts}}
    assert by_kind["pruner"] >= {"percentile", "global-percentile", "weight", "unit", "random", "neff-row"}
    assert by_kind["quantizer"] >= {"ste-symmetric", "ste-asymmetric"}
    assert by_kind["model"] >= {"mlp", "convnet"}
    assert by_kind["dataset"] >= {"digits", "mnist"}
    assert by_kind["leaderboard"] >= {"quick"}
    assert all(fact["summary"] and fact["status"] == "ok" for fact in facts if fact["distribution"] == "benchsuite")
    only = benchsuite("list", "quantizer", "--json").facts
    assert {fact["kind"] for fact in only} == {"quantizer"}
    printed = benchsuite("list", "quantizer").out
    assert all(fact["name"] in printed for fact in only)


def test_info(benchsuite):
    facts = benchsuite("info", "mlp", "--json").facts
    assert (facts["kind"], facts["name"], facts["distribution"]) == ("model", "mlp", "benchsuite")
    assert facts["parameters"] == 64 * 64 + 64 + 64 * 32 + 32 + 32 * 10 + 10
    assert facts["macs"] == 64 * 64 + 64 * 32 + 32 * 10
    fields = {field["name"]: field for field in facts["fields"]}
    assert fields["hidden"] == {
        "name": "hidden",
        "type": "tuple[int, ...]",
        "default": [64, 32],
        "required": False,
        "meaning": "Widths of the hidden layers.",
    }
    assert fields["activation"]["type"] == '"relu" | "gelu" | "sigmoid" | "tanh"'
    assert benchsuite("info", "ste-symmetric", "--json").facts["fields"][0]["required"]
    printed = benchsuite("info", "mlp").out
    assert "Widths of the hidden layers." in printed
    assert "parameters" in printed


CLASHING = """
from dataclasses import dataclass

from benchsuite import LayerPruner, hookimpl


@dataclass(frozen=True)
class Mlp(LayerPruner):
    def mask(self, weight, context):
        return weight > 0


@hookimpl
def benchsuite_pruners():
    return {"mlp": Mlp}
"""


def test_info_of_a_name_that_two_kinds_share(benchsuite, install_plugin):
    install_plugin("mlp-pruner", CLASHING)
    result = benchsuite("info", "mlp")
    assert result.code == 2
    assert result.err == 'benchsuite: "mlp" is a model and a pruner; ask for model/mlp or pruner/mlp\n'
    assert benchsuite("info", "pruner/mlp", "--json").facts["distribution"] == "mlp-pruner"
    assert benchsuite("info", "model/mlp", "--json").facts["distribution"] == "benchsuite"


def test_doctor(benchsuite):
    facts = benchsuite("doctor", "--json").facts
    assert facts["problems"] == []
    assert facts["datasets"]["digits"] == "ready"
    assert facts["datasets"]["image-folder"] == "needs path=…"
    assert facts["home"] == str(benchsuite.home)
    printed = benchsuite("doctor")
    assert printed.code == 0
    assert "torch" in printed.out


def test_doctor_writes_nothing(benchsuite):
    data = benchsuite.folder / "data"
    (data / "cifar10-jpeg").mkdir(parents=True)
    for split in ("train", "test"):
        (data / "cifar10-jpeg" / split / "cat").mkdir(parents=True)
        (data / "cifar10-jpeg" / split / "cat" / "1.png").write_bytes(b"no image")
    before = sorted(benchsuite.folder.rglob("*"))
    assert benchsuite("doctor", "--data", str(data)).code == 0
    assert sorted(benchsuite.folder.rglob("*")) == before


def test_doctor_names_what_stands_in_the_way(benchsuite, install_plugin, monkeypatch):
    install_plugin("broken-at-import", "raise OSError('no such device')")
    (benchsuite.folder / "file").write_text("no folder")
    monkeypatch.setenv("BENCHSUITE_HOME", str(benchsuite.folder / "file"))
    result = benchsuite("doctor", "--json")
    assert result.code == 2
    plugin, store = result.facts["problems"]
    assert "broken-at-import" in plugin
    assert "is not writable" in store


def test_report_compiles_checks_and_says_when_it_is_stale(benchsuite):
    board = benchsuite.board(ROWS)
    assert benchsuite("report").code == 4
    assert "no records under baselines" in benchsuite("report").err
    assert benchsuite("run", board, "--output", "baselines").code == 0
    stale = benchsuite("report", "--check")
    files = ("BENCHMARKS.md", "baselines/tables/small.md", "baselines/plots/small/accuracy-sparsity.svg")
    assert (stale.code, stale.out) == (5, "".join(f"{file}: stale: run benchsuite report\n" for file in files))
    assert not any((benchsuite.folder / file).exists() for file in files)
    assert benchsuite("report").out == "".join(f"{file}: written\n" for file in files)
    assert benchsuite("report").out == "".join(f"{file}: up to date\n" for file in files)
    assert benchsuite("report", "--check").code == 0
    readme = benchsuite.folder / "README.md"
    readme.write_text("# Mine\n<!-- table small: generated by `benchsuite report` -->\n<!-- end of table small -->\n")
    assert benchsuite("report", "--check").code == 5
    facts = benchsuite("report", "--json").facts
    assert facts == {"files": [*files, "README.md"], "stale": ["README.md"], "unknown": [], "written": True}
    assert "percentile" in readme.read_text(encoding="utf-8")
    assert benchsuite("report", "--check").code == 0
    page = benchsuite.folder / "BENCHMARKS.md"
    page.write_text(page.read_text(encoding="utf-8").replace("percentile", "magic", 1), encoding="utf-8")
    assert benchsuite("report", "--check").code == 5


def test_a_picture_of_another_matplotlib_passes_the_check_and_is_written_anew(benchsuite):
    assert benchsuite("run", benchsuite.board(ROWS), "--output", "baselines").code == 0
    assert benchsuite("report").code == 0
    picture = benchsuite.folder / "baselines" / "plots" / "small" / "accuracy-sparsity.svg"
    content = picture.read_bytes()
    picture.write_bytes(re.sub(rb"Matplotlib v[^,<]*", b"Matplotlib v0.1", content).replace(b"sparsity", b"density"))
    assert benchsuite("report", "--check").code == 0
    assert "accuracy-sparsity.svg: written\n" in benchsuite("report").out
    assert picture.read_bytes() == content


def test_a_document_whose_mark_names_no_board_is_refused(benchsuite):
    assert benchsuite("run", benchsuite.board(), "--output", "baselines").code == 0
    document = benchsuite.folder / "README.md"
    document.write_text(
        "<!-- cost vgg19-slimming: generated by `benchsuite report` -->\n<!-- end of cost vgg19-slimming -->\n"
    )
    assert benchsuite("report").code == 0
    document.write_text("<!-- table smal: generated by `benchsuite report` -->\n<!-- end of table smal -->\n")
    for option in ([], ["--check"]):
        result = benchsuite("report", *option)
        assert result.code == 2
        assert result.err.startswith("benchsuite: README.md: <!-- table smal: generated by")


def test_what_a_board_left_behind_is_reported_and_stays(benchsuite):
    assert benchsuite("run", benchsuite.board(), "--output", "baselines").code == 0
    assert benchsuite("report").code == 0
    left = ("baselines/plots/gone/loss.svg", "baselines/tables/gone.md")
    for file in left:
        (benchsuite.folder / file).parent.mkdir(parents=True, exist_ok=True)
        (benchsuite.folder / file).write_text("of a board that is gone")
    checked = benchsuite("report", "--check")
    assert checked.code == 5
    assert checked.out.endswith("".join(f"{file}: of no record here: remove it\n" for file in left))
    assert benchsuite("report").code == 0
    assert benchsuite("report", "--json").facts["unknown"] == list(left)
    assert all((benchsuite.folder / file).is_file() for file in left)


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--page", "nowhere/page.md"], "nowhere/page.md: No such file or directory"),
        (["--tables-in", "nowhere.md"], "nowhere.md: cannot be read: No such file or directory"),
        (["--tables-in", "latin.md"], "latin.md: is not UTF-8"),
    ],
)
def test_a_report_that_cannot_be_written_or_read(benchsuite, arguments, part):
    assert benchsuite("run", benchsuite.board(), "--output", "baselines").code == 0
    (benchsuite.folder / "latin.md").write_bytes("é".encode("latin-1"))
    result = benchsuite("report", *arguments)
    assert result.code == 2
    assert result.err.startswith("benchsuite: ")
    assert part in result.err


def test_a_baseline_that_is_no_record(benchsuite):
    (benchsuite.folder / "baselines").mkdir()
    (benchsuite.folder / "baselines" / "small.jsonl").write_text('{"schema": 1}\n')
    result = benchsuite("report")
    assert result.code == 2
    assert result.err.startswith("benchsuite: baselines/small.jsonl, line 1: ")


USAGE = [["run"], ["ruin"], ["run", "quick", "--rerun", "sometimes"], ["info"], ["list", "--jsn"], ["plan", "--seeds"]]


@pytest.mark.parametrize("arguments", USAGE, ids=" ".join)
def test_usage_errors(benchsuite, arguments):
    result = benchsuite(*arguments)
    assert result.code == 2
    assert "Traceback" not in result.err
    assert "Error: " in result.err


def test_without_a_command_there_is_help(benchsuite):
    result = benchsuite()
    assert result.code in (0, 2)
    assert "Exit codes: 0 ok" in result.out + result.err


def test_help_imports_nothing_that_takes_time(benchsuite):
    report = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    heavy = {"torch", "torchvision", "numpy", "pydantic", "sklearn", "scipy", "matplotlib", "safetensors"}
    # of a command's own help typer itself imports pydantic
    for arguments, allowed in ((["--help"], set()), (["run", "--help"], {"pydantic"})):
        result = benchsuite.shell(*arguments, prelude=report)
        assert result.code == 0
        assert "Usage: benchsuite" in result.out
        assert heavy & set(result.err.split()) <= allowed


def test_exit_codes_as_the_shell_sees_them(benchsuite, install_plugin):
    site = install_plugin("broken-at-import", "raise OSError('no such device')")
    unknown = benchsuite.shell("run", "quik")
    assert (unknown.code, unknown.out) == (2, "")
    assert unknown.err == 'benchsuite: unknown leaderboard "quik"; did you mean "quick"?\n'
    assert benchsuite.shell("list", "--strict-plugins", site=site).code == 6


TELLING = """
import os
from dataclasses import dataclass
from pathlib import Path

from benchsuite import Regularizer, hookimpl

told = False


@dataclass(frozen=True)
class Telling(Regularizer):
    def after_step(self, model, lr):
        global told
        if lr < 1e-3 and not told:
            told = True
            Path(os.environ["TELL"]).write_text(f"{os.getpid()}\\n")


@hookimpl
def benchsuite_regularizers():
    return {"telling": Telling}
"""


def test_an_interruption_is_exit_code_130_keeps_what_was_done_and_leaves_no_worker(benchsuite, install_plugin):
    site = install_plugin("telling-training", TELLING)
    board = benchsuite.board("[[rows]]\nsteps = [{prune = 'percentile', sparsity = 0.5}, {finetune = 5000}]\n")
    path = benchsuite.folder / board
    text = path.read_text(encoding="utf-8").replace("[dense]", '[dense]\nregularizer = "telling"')
    path.write_text(text, encoding="utf-8")
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # which a shell's job may not
    command = [sys.executable, "-c", f"{heed}; from benchsuite.cli.main import main; main()", "run", board]
    news = benchsuite.folder / "news"
    os.mkfifo(news)
    path = os.pathsep.join([str(site), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path, "TELL": str(news)}
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, cwd=benchsuite.folder, env=environment
    ) as process:
        trainer = int(news.read_text())
        process.send_signal(signal.SIGINT)
        err = process.stderr.read()
    assert trainer != process.pid
    with suppress(psutil.NoSuchProcess):
        psutil.Process(trainer).wait(10)
    assert process.returncode == 130
    assert err.endswith("benchsuite: interrupted; the same command goes on where it stopped\n")
    assert "Traceback" not in err
    assert {name: record.status for name, record in benchsuite.results().items()} == {"dense mlp": "ok"}
    assert len(list((benchsuite.home / "store").iterdir())) == 1


def test_a_run_leaves_torch_to_its_worker(benchsuite):
    prelude = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules, file=sys.stderr))"
    result = benchsuite.shell("run", benchsuite.board(), prelude=prelude)
    assert result.code == 0
    assert result.err.splitlines()[-1] == "False"
