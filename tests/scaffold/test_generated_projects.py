"""Each generated project is really installed by pip, and its own tests pass untouched."""

import json
import os
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchsuite.registry import default_registry
from benchsuite.scaffold import TEMPLATE_KINDS, project_name, write_project

BENCHSUITE = ("-c", "from benchsuite.cli.main import main; main()")


@dataclass(frozen=True)
class Installation:
    """An environment of its own, which sees what is installed beside these tests, and the projects installed there."""

    folder: Path

    def python(self, *arguments: str, cwd: Path) -> str:
        """What Python of the environment printed; the test fails if it failed."""
        done = subprocess.run(
            [self.folder / "environment" / "bin" / "python", *arguments],
            capture_output=True,
            text=True,
            cwd=cwd,
            env={**os.environ, "BENCHSUITE_HOME": str(self.folder / "home")},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installation(tmp_path_factory) -> Installation:
    folder = tmp_path_factory.mktemp("projects")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    (site,) = environment.glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "these-tests.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
    projects = []
    for kind in TEMPLATE_KINDS:
        write_project(project_name(kind, f"some-{kind}", default_registry()), folder / kind)
        projects += ["--editable", str(folder / kind)]
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python"), "install"]
    offline = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, *offline, *projects], check=True, capture_output=True)
    return Installation(folder)


def test_they_are_loaded_where_they_are_installed(installation):
    facts = json.loads(installation.python(*BENCHSUITE, "list", "--json", cwd=installation.folder))
    mine = {(fact["kind"], fact["name"]): fact for fact in facts if fact["name"].startswith("some-")}
    assert set(mine) == {(kind, f"some-{kind}") for kind in TEMPLATE_KINDS}
    assert {(fact["distribution"], fact["version"], fact["status"]) for fact in mine.values()} == {
        (f"some-{kind}", "0.1.0", "ok") for kind in TEMPLATE_KINDS
    }
    assert all(fact["summary"] for fact in mine.values())


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_the_conformance_test_passes(installation, kind):
    printed = installation.python("-m", "pytest", "-q", "-W", "error", cwd=installation.folder / kind)
    assert " passed" in printed


@pytest.mark.parametrize("kind", TEMPLATE_KINDS)
def test_ruff_has_nothing_to_say(installation, kind):
    for command in (["check"], ["format", "--check"]):
        installation.python("-m", "ruff", *command, ".", cwd=installation.folder / kind)


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_the_board_runs(installation, kind):
    quick = ["--seeds", "0", "--set", "dense.recipe.epochs=1", "--only", "quantizer=ste-*", "--json"]
    records = json.loads(installation.python(*BENCHSUITE, "run", "board.toml", *quick, cwd=installation.folder / kind))
    assert records
    assert {record["status"] for record in records} == {"ok"}
