"""Pages of plugins: written as they are, each file by one page, and a broken page named."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from make_record import dense_record

from benchsuite import ConfigError
from benchsuite.api import ReportPage
from benchsuite.errors import PluginError
from benchsuite.registry.registry import Registry
from benchsuite.report.extra_pages import extra_pages

ROOT = Path("root")
EMPTY = Registry((), ())


def page_of(name, content):
    """Return a page class whose files are `content(baselines, records, root)`."""

    @dataclass(frozen=True)
    class Page(ReportPage):
        title: ClassVar[str] = f"page {name}"

        def files(self, baselines, records, root):
            return content(baselines, records, root)

    return Page


def pages(**contents):
    registry = EMPTY
    for name, content in contents.items():
        registry = registry.add("report", name, page_of(name, content))
    return extra_pages(registry, Path("baselines"), [dense_record()], ROOT)


def test_pages_are_sorted_by_name_and_get_folder_records_and_root():
    def told(baselines, records, root):
        return {root / "told.md": f"{baselines} {len(records)}".encode()}

    found = pages(second=told, first=lambda *_: {ROOT / "a.md": b"a"}, nothing=lambda *_: {})
    assert list(found.items()) == [
        ("page first", {ROOT / "a.md": b"a"}),
        ("page second", {ROOT / "told.md": b"baselines 1"}),
    ]


def test_without_plugins_there_are_no_pages():
    assert extra_pages(EMPTY, Path("baselines"), [], ROOT) == {}


def test_two_pages_that_write_one_file_are_refused():
    with pytest.raises(PluginError) as error:
        pages(first=lambda *_: {ROOT / "a.md": b"a"}, second=lambda *_: {ROOT / "a.md": b"a"})
    assert str(error.value) == f'report "second": {ROOT / "a.md"} is a file of report "first" already'


@pytest.mark.parametrize(
    "files", [None, [], "a.md", {"a.md": b"a"}, {ROOT / "a.md": "text"}, {ROOT / "a.md": None}], ids=repr
)
def test_what_is_no_mapping_of_paths_to_bytes_is_refused(files):
    with pytest.raises(PluginError, match=r'report "broken": files\(\) should return a mapping of paths to bytes'):
        pages(broken=lambda *_: files)


def test_an_exception_of_a_page_names_the_page():
    with pytest.raises(PluginError, match=r'report "broken": ZeroDivisionError: division by zero'):
        pages(broken=lambda *_: 1 / 0)


def test_a_mistake_in_the_input_of_a_page_stays_one():
    def mistaken(*_):
        raise ConfigError("input.toml, key: is missing")

    with pytest.raises(ConfigError, match=r"^input\.toml, key: is missing$"):
        pages(mistaken=mistaken)
