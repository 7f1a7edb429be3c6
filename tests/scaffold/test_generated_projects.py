"""Each generated project is really installed by pip, and its own tests pass untouched."""

import json

import pytest
import yaml

from benchsuite.registry import default_registry
from benchsuite.scaffold import TEMPLATE_KINDS, project_name, write_project


@pytest.fixture(scope="module")
def projects(environment):
    """The environment with a project of each kind installed, each in a folder named as its module is."""
    for kind in TEMPLATE_KINDS:
        write_project(project_name(kind, f"some{kind}", default_registry()), environment.folder / f"some{kind}")
    editable = " ".join(f"-e './some{kind}[test]'" for kind in TEMPLATE_KINDS)
    environment.shell(f"pip install {editable}", environment.folder)
    return environment


def test_they_are_loaded_where_they_are_installed(projects):
    facts = json.loads(projects.shell("benchsuite list --json", projects.folder))
    mine = {(fact["kind"], fact["name"]): fact for fact in facts if fact["name"].startswith("some")}
    assert set(mine) == {(kind, f"some{kind}") for kind in TEMPLATE_KINDS}
    assert {(fact["distribution"], fact["version"], fact["status"]) for fact in mine.values()} == {
        (f"some{kind}", "0.1.0", "ok") for kind in TEMPLATE_KINDS
    }
    assert all(fact["summary"] for fact in mine.values())


def test_the_folder_of_a_project_does_not_hide_its_module(projects):
    imports = "".join(f"import some{kind}; print(some{kind}.__file__)\n" for kind in TEMPLATE_KINDS)
    found = projects.shell(f"python -c '{imports}'", projects.folder).splitlines()
    assert found == [str(projects.folder / f"some{kind}" / "src" / f"some{kind}.py") for kind in TEMPLATE_KINDS]


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_its_own_tests_pass(projects, kind):
    printed = projects.shell("pytest", projects.folder / f"some{kind}")
    assert " passed in " in printed
    assert "skipped" not in printed


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_ruff_has_nothing_to_say(projects, kind):
    projects.shell("ruff check . && ruff format --check .", projects.folder / f"some{kind}")


BRIEFLY = """
benchsuite() { command benchsuite "$@" --seeds 0 --set dense.recipe.epochs=1 --only 'quantizer=ste-*'; }
"""


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_its_workflow_installs_tests_and_runs_a_board(projects, kind):
    workflow = yaml.safe_load(
        (projects.folder / f"some{kind}" / ".github/workflows/ci.yml").read_text(encoding="utf-8")
    )
    *before, board = (step["run"] for step in workflow["jobs"]["test"]["steps"] if "run" in step)
    assert before == ["pip install -e '.[test]'", "pytest"]
    assert board.startswith("benchsuite run ")


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_its_workflow_writes_the_table_into_the_summary(projects, kind):
    folder = projects.folder / f"some{kind}"
    workflow = yaml.safe_load((folder / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    board = workflow["jobs"]["test"]["steps"][-1]
    assert board["shell"] == "bash"  # with pipefail, as here: a run that fails fails the job
    projects.shell(f"GITHUB_STEP_SUMMARY=summary.md\n{BRIEFLY}{board['run']}", folder)
    assert "\n    dense " in (folder / "summary.md").read_text(encoding="utf-8")
