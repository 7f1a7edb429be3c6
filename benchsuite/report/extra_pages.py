"""The pages of plugins: what `benchsuite report` writes beside its own, each file by one page."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchsuite.api import ReportPage
from benchsuite.errors import BenchsuiteError, PluginError
from benchsuite.registry import Entry, Registry
from benchsuite.store import Record


def extra_pages(
    registry: Registry, baselines: Path, records: Sequence[Record], root: Path
) -> dict[str, Mapping[Path, bytes]]:
    """Return the files of each page by its title, sorted by the names of the pages; without pages that have none.

    Errors: ConfigError for a mistake in the input of a page; PluginError for a page that breaks its contract.
    """
    pages: dict[str, Mapping[Path, bytes]] = {}
    writers: dict[Path, Entry] = {}
    for name in dict.fromkeys(entry.name for entry in registry.entries("report")):
        entry = registry.get("report", name)
        page = entry.create({})
        assert isinstance(page, ReportPage), "only such are registered"
        files = _files(entry, page, baselines, records, root)
        for path in files:
            if writer := writers.get(path):
                raise PluginError(f"{entry}: {path} is a file of {writer} already")
            writers[path] = entry
        if files:
            pages[page.title] = files
    return pages


def _files(
    entry: Entry, page: ReportPage, baselines: Path, records: Sequence[Record], root: Path
) -> Mapping[Path, bytes]:
    try:
        files = page.files(baselines, records, root)
    except BenchsuiteError:
        raise
    except Exception as error:
        raise PluginError(f"{entry}: {type(error).__name__}: {error}") from error
    if not isinstance(files, Mapping) or not all(
        isinstance(path, Path) and isinstance(content, bytes) for path, content in files.items()
    ):
        raise PluginError(f"{entry}: files() should return a mapping of paths to bytes")
    return files
