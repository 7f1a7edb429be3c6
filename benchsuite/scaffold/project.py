"""Writing a project: the templates of every project and of its kind, filled in, into a folder of its own."""

import string
from collections.abc import Iterator, Mapping
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from benchsuite.api import PROJECT
from benchsuite.errors import ConfigError
from benchsuite.registry import Kind
from benchsuite.scaffold.naming import ProjectName

TEMPLATE_KINDS: tuple[Kind, ...] = ("pruner", "quantizer", "model", "dataset")

_SUFFIX = ".template"  # so that neither Python nor a linter takes a template for what it will be


class _Template(string.Template):
    """`%name` is filled in: `$` belongs to workflows and shells, braces to Python, workflows and TOML."""

    delimiter = "%"


def write_project(named: ProjectName, folder: Path) -> tuple[Path, ...]:
    """Write the project into `folder`, which is made; returns the files, sorted.

    Errors: ConfigError if the folder holds anything or cannot be written.
    """
    words = _words(named)
    contents = {
        _filled(str(path), words): _filled(template.read_text(encoding="utf-8"), words)
        for source in ("project", named.kind)
        for path, template in _templates(resources.files(__package__) / "templates" / source)
    }
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise ConfigError(f"{folder} exists already; nothing is written over it: name another with --into")
        for name, text in contents.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written ({error.strerror}): name another folder with --into") from error
    return tuple(sorted(folder / name for name in contents))


def next_commands(named: ProjectName, folder: Path) -> tuple[str, ...]:
    """What to type next: install, test, see it on a leaderboard."""
    return f"cd {folder}", "pip install -e '.[test]' && pytest", _run(named)


def _run(named: ProjectName) -> str:
    if named.kind in ("pruner", "quantizer"):
        return f"benchsuite run quick --add {named.name}"
    return "benchsuite run board.toml"


def _words(named: ProjectName) -> dict[str, str]:
    """What the templates may name."""
    installed = metadata.version(PROJECT)
    return {
        "kind": named.kind,
        "name": named.name,
        "module": named.module,
        "cls": named.cls,
        "title": named.name.replace("-", " ").capitalize(),
        "run": _run(named),
        "dot": ".",  # a wheel leaves hidden files out, so no template is one
        "requirement": f"{PROJECT}>={installed},<{_next(installed)}",
    }


def _next(version: str) -> str:
    """The first version that may change the API: before 1.0 the next minor one, then the next major one."""
    major, minor = (int(part) for part in version.split(".")[:2])
    return f"{major + 1}" if major else f"0.{minor + 1}"


def _filled(text: str, words: Mapping[str, str]) -> str:
    return _Template(text).substitute(words)


def _templates(folder: Traversable) -> Iterator[tuple[PurePosixPath, Traversable]]:
    """Each template below `folder`, with the path that its file will have."""
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from ((entry.name / path, template) for path, template in _templates(entry))
        else:
            yield PurePosixPath(entry.name.removesuffix(_SUFFIX)), entry
