"""The composite action and the workflows: well-formed, and their commands do what docs/ci.md says they do."""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from benchsuite.cli.main import app

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / ".github" / "actions" / "compare" / "action.yml").read_text(encoding="utf-8"))
STEPS = ACTION["runs"]["steps"]
GUIDE = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
INPUT = re.compile(r"\$\{\{ inputs\.([\w-]+) \}\}")

BOARD = """
[board]
name = "gate"
title = "A board for a gate"
seeds = [0, 1, 2]

[dense]
dataset = "digits"
model = {name = "mlp", hidden = [32]}
recipe = {epochs = 8, lr = 3e-3}
"""


@dataclass(frozen=True)
class Job:
    """What a job left: which of the action's commands failed and with what, and the summary it wrote."""

    failed: dict[str, int]
    printed: str
    summary: str


def run_action(folder: Path, **given: str) -> Job:
    """Run the action's commands in order, as GitHub would: after a failure only those that ask for it."""
    values = {name: str(one["default"]) for name, one in ACTION["inputs"].items()}
    values |= {name.replace("_", "-"): value for name, value in given.items()}
    summary = folder / "summary.md"
    summary.write_text("", encoding="utf-8")
    failed, printed = {}, ""
    for step in STEPS:
        if "run" not in step or (failed and "!cancelled()" not in step.get("if", "")):
            continue
        own = {key: filled(value, values) for key, value in step.get("env", {}).items()}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", filled(step["run"], values)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
                "GITHUB_STEP_SUMMARY": str(summary),
                **own,
            },
            check=False,
        )
        printed += done.stdout
        if done.returncode:
            failed[step["name"]] = done.returncode
    return Job(failed, printed, summary.read_text(encoding="utf-8"))


def filled(text: str, values: dict[str, str]) -> str:
    return INPUT.sub(lambda found: values[found[1]], text)


@pytest.fixture(scope="module")
def repository(tmp_path_factory) -> Path:
    """A folder with a board whose results are committed."""
    folder = tmp_path_factory.mktemp("repository")
    (folder / "gate.toml").write_text(BOARD, encoding="utf-8")
    first = run_action(folder, board="gate.toml", install="true")
    assert first.failed == {"Compare with the baselines": 2}, first.printed
    assert "baselines" in first.printed
    (folder / "results").rename(folder / "baselines")
    return folder


def test_what_is_as_committed_passes(repository):
    job = run_action(repository, board="gate.toml", install="true")
    assert job.failed == {}, job.printed
    assert "Same: of " in job.summary


def test_a_regression_fails_and_is_in_the_summary(repository):
    worse = "--set dense.recipe.epochs=1"
    job = run_action(repository, board="gate.toml", install="true", arguments=worse, results="worse")
    assert job.failed == {"Compare with the baselines": 1}, job.printed
    assert re.search(r"^\|.*regressed.*dense mlp.*\|$", job.summary, re.MULTILINE)


def test_a_failed_cell_fails_the_job_and_is_in_the_summary(repository):
    broken = "--set dense.recipe.epochs=9 --timeout 1e-9"
    job = run_action(repository, board="gate.toml", install="true", arguments=broken, results="broken")
    assert job.failed == {"Run the leaderboard": 3, "Compare with the baselines": 1}, job.printed
    assert re.search(r"^\|.*failed.*dense mlp.*\|$", job.summary, re.MULTILINE)


def test_without_installation_nothing_is_compared(repository):
    install = next(step for step in STEPS if step.get("name") == "Install")
    for step in STEPS:
        if "!cancelled()" in step.get("if", ""):
            assert f"steps.{install['id']}.outcome == 'success'" in step["if"]


def test_inputs_are_declared_described_and_used():
    named = set(INPUT.findall(yaml.safe_dump(ACTION["runs"], width=1000)))
    assert named == set(ACTION["inputs"])
    assert all(one["description"] and isinstance(one["default"], str) for one in ACTION["inputs"].values())
    documented = set(re.findall(r"^\| `([\w-]+)` \|", GUIDE, re.MULTILINE))
    assert named <= documented


def test_no_input_is_pasted_into_a_command():
    pasted = {name for step in STEPS if "run" in step for name in INPUT.findall(step["run"])}
    assert pasted == {"install"}  # which is a command
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_every_exit_code_is_told():
    codes = set(re.findall(r"(\d+) [a-z]", app.info.help.partition("Exit codes:")[2]))
    assert len(codes) > 5
    assert set(re.findall(r"^\| (\d+) \|", GUIDE, re.MULTILINE)) == codes


def workflows() -> list[tuple[str, dict]]:
    """The project's own, and those that the guide shows."""
    files = [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / ".github/workflows").glob("*.yml")]
    shown = re.findall(r"^```yaml\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
    return [(name, yaml.safe_load(text)) for name, text in [*files, *((f"guide {n}", t) for n, t in enumerate(shown))]]


@pytest.mark.parametrize(("name", "workflow"), workflows())
def test_a_workflow_uses_the_action_as_it_is(name, workflow):
    jobs = workflow.get("jobs", {})
    uses = [step for job in jobs.values() for step in job["steps"] if "actions/compare" in step.get("uses", "")]
    assert uses or not jobs  # GitLab's have none
    for step in uses:
        assert set(step.get("with", {})) <= set(ACTION["inputs"])
