"""Source digests: what changes them and what must not."""

import importlib
import sys
from functools import partial
from pathlib import Path

import pytest

from benchsuite.api import Pruner
from benchsuite.registry import provenance
from benchsuite.registry.provenance import source_digest

PACKAGE = {
    "__init__.py": '"""A package."""\n',
    "one.py": "from pack.shared.core import value\nclass One:\n    pass\n",
    "two.py": "from . import leaf\nfrom .shared import VERSION\nclass Two:\n    pass\n",
    "leaf.py": "import json\nimport pack.deep\n",
    "deep.py": "def late():\n    from .shared.core import value\n    return value\n",
    "lonely.py": "import no_such_module_anywhere.sub\nclass Lonely: pass\n",
    "shared/__init__.py": "VERSION = 1\n",
    "shared/core.py": "value = 1\n",
}

REACHED = {
    "one": {"one.py", "shared/core.py"},
    "two": {"two.py", "leaf.py", "deep.py", "shared/__init__.py", "shared/core.py"},
}


@pytest.fixture
def folder(install_plugin) -> Path:
    return install_plugin("pack", PACKAGE) / "pack"


def digest(module: str) -> str:
    return source_digest(getattr(importlib.import_module(f"pack.{module}"), module.capitalize()))


@pytest.mark.parametrize("module", REACHED)
@pytest.mark.parametrize("changed", PACKAGE)
def test_a_change_counts_where_it_is_imported(folder, module, changed):
    before = digest(module)
    (folder / changed).write_text(PACKAGE[changed] + "changed = True\n")
    assert (digest(module) != before) == (changed in REACHED[module])


def test_nothing_is_imported_to_find_out(folder):
    (folder / "leaf.py").write_text("raise RuntimeError\n")
    (folder / "two.py").write_text("class Two:\n    def late(self):\n        from . import leaf\n")
    digest("two")
    assert "pack.leaf" not in sys.modules


def test_what_cannot_be_parsed_counts_by_its_bytes(folder):
    (folder / "shared" / "core.py").write_text("value = 1\n")
    one = digest("one")
    (folder / "shared" / "core.py").write_text("def (")
    assert digest("one") != one


def test_the_same_content_elsewhere_has_the_same_digest(folder, tmp_path, monkeypatch):
    here = digest("two")
    for name in [name for name in sys.modules if name.partition(".")[0] == "pack"]:
        del sys.modules[name]
    (tmp_path / "elsewhere").mkdir()
    folder.rename(tmp_path / "elsewhere" / "pack")
    monkeypatch.syspath_prepend(tmp_path / "elsewhere")
    assert digest("two") == here
    assert "elsewhere" in sys.modules["pack"].__file__


def test_two_modules_of_equal_text_differ(folder):
    (folder / "one.py").write_text("class One: pass\nclass Two: pass\n")
    (folder / "two.py").write_text("class One: pass\nclass Two: pass\n")
    assert digest("one") != digest("two")


def test_a_missing_import_is_no_obstacle(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "no_such_module_anywhere", sys)
    monkeypatch.setitem(sys.modules, "no_such_module_anywhere.sub", sys)
    assert len(digest("lonely")) == 64


def test_bound_values_are_fields_not_source(folder):
    one = importlib.import_module("pack.one").One
    assert source_digest(partial(one, beta=1)) == source_digest(one)


def test_a_class_from_a_prompt_is_digested_by_its_name():
    first, second = (type(name, (), {"__module__": "__main__"}) for name in ("First", "Second"))
    assert source_digest(first) != source_digest(second)
    assert source_digest(first) == source_digest(type("First", (), {"__module__": "__main__"}))


def test_a_class_of_a_script_is_digested_by_its_own_source(tmp_path, monkeypatch):
    script = tmp_path / "script.py"
    module = type(sys)("__main__")
    module.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", module)

    def written(text: str) -> str:
        script.write_text(text)
        exec(compile(text, str(script), "exec"), vars(module))
        return source_digest(vars(module)["Mine"])

    plain = written("class Mine:\n    a = 1\n")
    assert plain == written("# elsewhere\nclass Mine:\n    a = 1\n")
    assert plain != written("class Mine:\n    a = 22\n")


def test_the_harness_is_left_out(monkeypatch):
    def refuse(path: Path) -> bytes:
        raise AssertionError(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert len(source_digest(Pruner)) == 64


def test_a_board_is_digested_by_its_file(tmp_path):
    board = tmp_path / "a.toml"
    board.write_text("a = 1")
    copy = tmp_path / "b.toml"
    copy.write_text("a = 1")
    assert source_digest(board) == source_digest(copy)
    copy.write_text("a = 2")
    assert source_digest(board) != source_digest(copy)


def test_a_source_declared_equal_has_the_digest_of_the_earlier_one(folder, monkeypatch):
    before = digest("one")
    (folder / "one.py").write_text(PACKAGE["one.py"] + "faster = True\n")
    monkeypatch.setattr(provenance, "EARLIER", {digest("one"): before})
    assert digest("one") == before
    (folder / "one.py").write_text(PACKAGE["one.py"] + "faster = False\n")
    assert digest("one") != before
