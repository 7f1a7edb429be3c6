"""`benchsuite report`: compile BENCHMARKS.md, and the tables in other documents, from the baselines."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from benchsuite.cli.options import JsonOption, print_json, say

if TYPE_CHECKING:
    from benchsuite.registry import Registry
    from benchsuite.store import Record

_NOTHING, _STALE = 4, 5
_DOCUMENTS = (Path("README.md"), Path("docs/boards.md"))
_GENERATED = ("tables/*.md", "plots/*/*.svg")
"""Files under the baselines that this command alone writes."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(
    baselines: Annotated[Path, typer.Option("--baselines", help="Folder of the records.")] = Path("baselines"),
    page: Annotated[Path, typer.Option("--page", help="The page to write.")] = Path("BENCHMARKS.md"),
    tables_in: Annotated[
        list[Path] | None, typer.Option("--tables-in", help="Documents whose marked parts are set anew.")
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; exit with 5 if a file is stale.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write BENCHMARKS.md, the pages of plugins, and what is marked in documents, from baselines/."""
    from benchsuite.errors import ConfigError
    from benchsuite.registry import default_registry
    from benchsuite.report import read_baselines

    records = read_baselines(baselines)
    if not records:
        say(f"no records under {baselines}: benchsuite run BOARD --output {baselines} writes some", err=True)
        raise typer.Exit(_NOTHING)
    registry = default_registry()
    for problem in registry.problems():
        say(problem, err=True)
    contents = _pages(registry, records, baselines, page)
    try:
        contents |= _documents(registry, records, tables_in or [path for path in _DOCUMENTS if path.is_file()])
        stale = [path for path, content in contents.items() if not _is_current(path, content, check)]
        unknown = sorted({path for form in _GENERATED for path in baselines.glob(form)} - contents.keys())
        if not check:
            _write({path: contents[path] for path in stale}, page)
    except OSError as error:
        raise ConfigError(f"{error.filename}: {error.strerror}") from None
    if as_json:
        facts = {"files": contents, "stale": stale, "unknown": unknown}
        print_json({**{name: list(map(str, paths)) for name, paths in facts.items()}, "written": not check})
    else:
        for path in contents:
            state = "up to date" if path not in stale else "stale: run benchsuite report" if check else "written"
            say(f"{path}: {state}")
        for path in unknown:
            say(f"{path}: of no record here: remove it")
    if check and (stale or unknown):
        raise typer.Exit(_STALE)


def _pages(registry: "Registry", records: "Sequence[Record]", baselines: Path, page: Path) -> dict[Path, bytes]:
    """Return the generated files: the page, the pages of plugins beside it, full tables and pictures."""
    from benchsuite.report import benchmarks_page, full_tables, pictures
    from benchsuite.report.extra_pages import extra_pages

    extra = extra_pages(registry, baselines, records, page.parent)
    beside = {title: Path(os.path.relpath(next(iter(files)), page.parent)).as_posix() for title, files in extra.items()}
    contents = {page: benchmarks_page(records, beside).encode()}
    contents |= {path: content for files in extra.values() for path, content in files.items()}
    contents |= {baselines / path: full.encode() for path, full in full_tables(records).items()}
    return contents | {baselines / path: picture for path, picture in pictures(records).items()}


def _documents(registry: "Registry", records: "Sequence[Record]", documents: Sequence[Path]) -> dict[Path, bytes]:
    """Return the documents with their marked parts set anew. Errors: ConfigError naming document and mark."""
    from benchsuite.reading import read_text
    from benchsuite.report import with_tables

    known = {entry.name for entry in registry.entries("leaderboard")}
    return {path: with_tables(read_text(path), records, known, path).encode() for path in documents}


def _write(contents: dict[Path, bytes], page: Path) -> None:
    for path, content in contents.items():
        if path != page:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _is_current(path: Path, content: bytes, check: bool) -> bool:
    """Return whether the file has that content; in a check a picture of another version of matplotlib passes."""
    from benchsuite.report import same_picture

    current = path.read_bytes() if path.is_file() else None
    return current is not None and (current == content or (check and same_picture(current, content)))
