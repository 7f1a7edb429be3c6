"""What of a plugin's distribution enters its digest: all that the plugin reaches, in whatever module it lies."""

import importlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchsuite.registry.provenance import source_digest

IMPORTS = {
    "import": "import core_of_it",
    "import as": "import core_of_it as core",
    "from": "from core_of_it import keep",
    "late": "def late():\n    from core_of_it import keep",
    "by name": 'from importlib import import_module\ncore = import_module("core_of_it")',
    "by a longer name": 'import importlib\ncore = importlib.import_module("core_of_it")',
    "by the built-in": 'core = __import__("core_of_it")',
    "through another": "import between_it",
    "a submodule": "import parts_of_it.inner",
    "a submodule by from": "from parts_of_it import inner",
    "what a package imports": "from parts_of_it import keep",
    "through the package of a submodule": "import parts_of_it.other\nkeep = parts_of_it.keep",
    "in a namespace": "from space_of_it.part import keep",
}
FILES = {
    "core_of_it.py": "keep = 1\n",
    "between_it.py": "from core_of_it import keep\n",
    "parts_of_it/__init__.py": "from .inner import keep\n",
    "parts_of_it/inner.py": "from core_of_it import keep\n",
    "parts_of_it/other.py": "",
    "space_of_it/part.py": "from core_of_it import keep\n",
}


@dataclass
class Installation:
    """A plugin module and what lies beside it, in a folder on `sys.path`."""

    folder: Path
    name: str = "of-it"

    def write(self, files: dict[str, str]) -> None:
        for file, text in files.items():
            (self.folder / file).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / file).write_text(text)
        importlib.invalidate_caches()

    def metadata(self, *listed: str, at: Path | None = None, name: str | None = None, **files: str) -> None:
        """Metadata that lists these files."""
        information = (at or self.folder) / f"{(name or self.name).replace('-', '_')}-1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name or self.name}\nVersion: 1.0\n")
        (information / "RECORD").write_text("".join(f"{file},,\n" for file in listed))
        for file, text in files.items():
            (information / file.replace("__", ".")).write_text(text)

    def digest(self, module: str = "plugin_of_it") -> str:
        return source_digest(importlib.import_module(module).Mine, self.name)


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    made = Installation(tmp_path / "site")
    made.folder.mkdir()
    monkeypatch.syspath_prepend(made.folder)
    before = set(sys.modules)
    yield made
    for name in set(sys.modules) - before:
        if "of_it" in name:
            del sys.modules[name]


PLUGIN = "\nclass Mine: pass\n"


@pytest.mark.parametrize("statement", IMPORTS.values(), ids=IMPORTS)
def test_another_module_of_the_distribution_counts_however_it_is_imported(installation, statement):
    installation.write({**FILES, "plugin_of_it.py": statement + PLUGIN})
    installation.metadata("plugin_of_it.py", *FILES)
    before = installation.digest()
    installation.write({"core_of_it.py": "keep = 2\n"})
    assert installation.digest() != before
    installation.write({"core_of_it.py": "keep = 1  # a comment\n"})
    assert installation.digest() == before


def test_a_module_that_is_not_imported_does_not_count(installation):
    installation.write({**FILES, "plugin_of_it.py": f"import core_of_it{PLUGIN}"})
    installation.metadata("plugin_of_it.py", *FILES)
    before = installation.digest()
    installation.write({"between_it.py": "changed = True\n", "parts_of_it/inner.py": "changed = True\n"})
    assert installation.digest() == before


def test_another_distribution_does_not_count(installation):
    installation.write({**FILES, "plugin_of_it.py": f"import core_of_it{PLUGIN}"})
    installation.metadata("plugin_of_it.py")
    installation.metadata("core_of_it.py", name="core-of-another")
    before = installation.digest()
    installation.write({"core_of_it.py": "keep = 2\n"})
    assert installation.digest() == before


def test_a_base_class_counts_that_the_plugin_gets_from_elsewhere(installation):
    files = {"base_of_it.py": "class Base: pass\n", "plugin_of_it.py": "class Mine(hidden.Base): pass\n"}
    installation.write(files)
    installation.metadata(*files)
    installation.write(
        {"plugin_of_it.py": f"import sys\nhidden = sys.modules['base' + '_of_it']\n{files['plugin_of_it.py']}"}
    )
    importlib.import_module("base_of_it")
    before = installation.digest()
    installation.write({"base_of_it.py": "class Base: level = 1\n"})
    assert installation.digest() != before


def _top_level(made: Installation) -> None:
    made.metadata("plugin_of_it.pth", top_level__txt="plugin_of_it\ncore_of_it\n")


def _in_place(made: Installation) -> None:
    origin = {"url": made.folder.as_uri(), "dir_info": {"editable": True}}
    made.metadata("__editable__.of_it.pth", at=made.folder.parent / "libraries", direct_url__json=json.dumps(origin))


def _in_place_below(made: Installation) -> None:
    origin = {"url": made.folder.parent.as_uri(), "dir_info": {"editable": True}}
    made.metadata("of_it.pth", at=made.folder.parent / "libraries", direct_url__json=json.dumps(origin))


def _without_a_list(made: Installation) -> None:
    made.metadata()
    (made.folder / "of_it-1.0.dist-info" / "RECORD").unlink()


INSTALLATIONS = {
    "lists its top level": _top_level,
    "in place": _in_place,
    "in place, with a source folder": _in_place_below,
    "without a list of files": _without_a_list,
    "not installed at all": lambda made: None,
}


@pytest.mark.parametrize("install", INSTALLATIONS.values(), ids=INSTALLATIONS)
def test_a_distribution_whose_list_leaves_its_modules_out(installation, monkeypatch, install):
    monkeypatch.syspath_prepend(installation.folder.parent / "libraries")
    installation.write({**FILES, "plugin_of_it.py": f"import core_of_it, other_of_it{PLUGIN}", "other_of_it.py": ""})
    installation.metadata("other_of_it.py", name="another-of-it")
    install(installation)
    before = installation.digest()
    installation.write({"core_of_it.py": "keep = 2\n"})
    after = installation.digest()
    assert after != before
    if install not in (_in_place, _in_place_below):
        installation.write({"other_of_it.py": "changed = True\n"})
        assert installation.digest() == after


def test_libraries_in_the_folder_of_a_project_do_not_count(installation, monkeypatch):
    libraries = ".venv/lib/site-packages"
    monkeypatch.syspath_prepend(installation.folder / libraries)
    installation.write({"plugin_of_it.py": f"import library_of_it{PLUGIN}", f"{libraries}/library_of_it.py": ""})
    _in_place(installation)
    before = installation.digest()
    installation.write({f"{libraries}/library_of_it.py": "changed = True\n"})
    assert installation.digest() == before


NAMES = {
    "beside": 'Path(__file__).with_name("table.json")',
    "in parts": 'Path(__file__).parent / "tables" / "inner.txt"',
    "in one": 'files("plugin_of_it") / "tables/inner.txt"',
    "code": 'exec(open("run_of_it.py").read())',
}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_data_file_counts_where_it_is_named(installation, name):
    files = {"table.json": "[1]", "tables/inner.txt": "1", "run_of_it.py": "1", "other.json": "1"}
    inside = {f"package_of_it/{file}": text for file, text in files.items()}
    source = f"def read():\n    return {name}\n{PLUGIN}"
    installation.write({"package_of_it/__init__.py": "", "package_of_it/plugin.py": source, **inside})
    installation.metadata("package_of_it/__init__.py")
    before = installation.digest("package_of_it.plugin")
    (named,) = [file for file in inside if file.rpartition("/")[2] in name]
    installation.write({"package_of_it/other.json": "2"})
    assert installation.digest("package_of_it.plugin") == before
    installation.write({named: "[2]"})
    assert installation.digest("package_of_it.plugin") != before


def test_a_network_in_another_package_of_the_distribution_counts_by_the_name_of_its_model(install_plugin):
    from benchsuite.registry import default_registry

    model = (
        "from dataclasses import dataclass\n"
        "from benchsuite import Model, Recipe, hookimpl\n\n\n"
        "@dataclass(frozen=True)\n"
        "class Mine(Model):\n"
        "    recipe = Recipe()\n\n"
        "    def build(self, data):\n"
        "        from nets_of_it.network import Network\n\n"
        "        return Network()\n\n\n"
        "@hookimpl\n"
        "def benchsuite_models():\n"
        "    return {'mine': Mine}\n"
    )
    folder = install_plugin("of-it", model)
    (folder / "nets_of_it").mkdir()
    (folder / "nets_of_it" / "network.py").write_text("class Network: width = 1\n")
    record = folder / "of_it-1.0.dist-info" / "RECORD"
    record.write_text(record.read_text() + "nets_of_it/network.py,,\n")
    before = default_registry().get("model", "mine").source
    (folder / "nets_of_it" / "network.py").write_text("class Network: width = 2\n")
    default_registry.cache_clear()
    assert default_registry().get("model", "mine").source != before
