"""Each generated project is really installed by pip, and its own tests pass untouched."""

import json

import pytest

from benchsuite.registry import default_registry
from benchsuite.scaffold import TEMPLATE_KINDS, project_name, write_project


@pytest.fixture(scope="module")
def projects(environment):
    """The environment with a project of each kind installed, each in the folder named for its kind."""
    for kind in TEMPLATE_KINDS:
        write_project(project_name(kind, f"some-{kind}", default_registry()), environment.folder / kind)
    editable = " ".join(f"-e './{kind}[test]'" for kind in TEMPLATE_KINDS)
    environment.shell(f"pip install {editable}", environment.folder)
    return environment


def test_they_are_loaded_where_they_are_installed(projects):
    facts = json.loads(projects.shell("benchsuite list --json", projects.folder))
    mine = {(fact["kind"], fact["name"]): fact for fact in facts if fact["name"].startswith("some-")}
    assert set(mine) == {(kind, f"some-{kind}") for kind in TEMPLATE_KINDS}
    assert {(fact["distribution"], fact["version"], fact["status"]) for fact in mine.values()} == {
        (f"some-{kind}", "0.1.0", "ok") for kind in TEMPLATE_KINDS
    }
    assert all(fact["summary"] for fact in mine.values())


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_its_own_tests_pass(projects, kind):
    printed = projects.shell("pytest", projects.folder / kind)
    assert " passed in " in printed
    assert "skipped" not in printed


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_ruff_has_nothing_to_say(projects, kind):
    projects.shell("ruff check . && ruff format --check .", projects.folder / kind)


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_its_board_runs(projects, kind):
    quick = "--seeds 0 --set dense.recipe.epochs=1 --only 'quantizer=ste-*' --json 2>/dev/null"
    records = json.loads(projects.shell(f"benchsuite run board.toml {quick}", projects.folder / kind))
    assert records
    assert {record["status"] for record in records} == {"ok"}
