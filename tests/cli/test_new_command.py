"""`benchsuite new`: what it writes, and what it refuses."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

KINDS = ("pruner", "quantizer", "model", "dataset")


def written(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


PROJECT = {
    ".github/workflows/ci.yml",
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "src/some_method.py",
    "tests/test_some_method.py",
}


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("pruner", PROJECT),
        ("quantizer", PROJECT),
        ("model", PROJECT | {"board.toml"}),
        ("dataset", PROJECT | {"board.toml"}),
    ],
)
def test_a_project_is_complete(benchsuite, kind, files):
    result = benchsuite("new", kind, "some-method")
    assert result.code == 0
    assert written(Path("some-method")) == files
    assert all(f"some-method/{file}" in result.out.splitlines() for file in files)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in(benchsuite, kind):
    benchsuite("new", kind, "some-method")
    for path in Path("some-method").rglob("*"):
        if path.is_file():
            assert "%" not in path.read_text(encoding="utf-8"), path


def test_the_project_requires_a_version_with_this_api(benchsuite):
    from benchsuite import __version__

    benchsuite("new", "pruner", "some-method")
    project = tomllib.loads(Path("some-method/pyproject.toml").read_text(encoding="utf-8"))["project"]
    major, minor = __version__.split(".")[:2]
    assert major == "0"
    assert project["dependencies"] == [f"benchsuite>={__version__},<0.{int(minor) + 1}"]
    assert project["entry-points"]["benchsuite"] == {"some-method": "some_method"}


@pytest.mark.parametrize(
    ("kind", "run"),
    [
        ("pruner", "benchsuite run quick --add some-method"),
        ("quantizer", "benchsuite run quick --add some-method"),
        ("model", "benchsuite run board.toml"),
        ("dataset", "benchsuite run board.toml"),
    ],
)
def test_it_ends_with_the_next_commands(benchsuite, kind, run):
    result = benchsuite("new", kind, "some-method", "--into", "elsewhere")
    assert result.out.splitlines()[-3:] == [
        "  cd elsewhere",
        "  pip install -e '.[test]' && pytest",
        f"  {run}",
    ]
    assert run in Path("elsewhere/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "name", "cls"),
    [
        ("pruner", "my-pruner", "MyPruner"),
        ("pruner", "lottery2", "Lottery2Pruner"),
        ("quantizer", "log-grid", "LogGridQuantizer"),
        ("model", "net", "NetModel"),
        ("dataset", "bars", "BarsDataset"),
    ],
)
def test_the_class_is_called_after_the_name(benchsuite, kind, name, cls):
    benchsuite("new", kind, name)
    source = Path(name, "src", f"{name.replace('-', '_')}.py").read_text(encoding="utf-8")
    assert f"class {cls}(" in source
    assert f'return {{"{name}": {cls}}}' in source


REFUSED = {
    "kind": (("regularizer", "x"), 'there is no template for "regularizer"; did you mean "quantizer"?'),
    "upper case": (("pruner", "MyPruner"), "a name is lower-case letters and digits, joined by single dashes"),
    "underscore": (("pruner", "my_pruner"), "joined by single dashes"),
    "digit first": (("pruner", "2bit"), "begins with a letter"),
    "path": (("pruner", "../my-pruner"), "joined by single dashes"),
    "keyword": (("model", "lambda"), "the module would have a keyword of Python as its name"),
    "standard module": (("pruner", "json"), 'there is a module "json", which yours would hide'),
    "installed module": (("model", "torchvision"), 'there is a module "torchvision", which yours would hide'),
    "installed distribution": (("dataset", "scikit-learn"), "is installed, and yours would take its place"),
    "registered": (
        ("pruner", "percentile"),
        'pruner "percentile": registered already, by the plugin "magnitude" (benchsuite ',
    ),
    "class of benchsuite": (("pruner", "layer-pruner"), 'its class would be called "LayerPruner"'),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_name_that_would_not_do_is_refused(benchsuite, case):
    arguments, reason = REFUSED[case]
    result = benchsuite("new", *arguments)
    assert result.code == 2
    assert reason in result.err
    assert not any(Path().iterdir())


def test_a_name_of_another_kind_is_free(benchsuite):
    assert benchsuite("new", "model", "percentile").code == 0


def test_nothing_is_overwritten(benchsuite):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("precious")
    result = benchsuite("new", "pruner", "some-method", "--into", "mine")
    assert result.code == 2
    assert result.err == "benchsuite: mine exists already; nothing is written over it: name another with --into\n"
    assert written(Path("mine")) == {"notes.txt"}


def test_a_file_is_not_overwritten_either(benchsuite):
    Path("some-method").write_text("precious")
    assert benchsuite("new", "pruner", "some-method").code == 2
    assert Path("some-method").read_text() == "precious"


def test_an_empty_folder_will_do(benchsuite):
    Path("mine").mkdir()
    assert benchsuite("new", "pruner", "some-method", "--into", "mine").code == 0


def test_a_folder_that_cannot_be_made_is_named(benchsuite):
    Path("file").write_text("")
    result = benchsuite("new", "pruner", "some-method", "--into", "file/project")
    assert result.code == 2
    assert "file/project cannot be written (Not a directory)" in result.err


def test_torch_is_not_imported(tmp_path):
    program = (
        "import sys; from benchsuite.cli.main import main\n"
        "try: main()\n"
        "except SystemExit as end: sys.exit(end.code or 'torch' in sys.modules)"
    )
    command = [sys.executable, "-c", program, "new", "model", "some-net"]
    assert subprocess.run(command, cwd=tmp_path, capture_output=True, check=False).returncode == 0
