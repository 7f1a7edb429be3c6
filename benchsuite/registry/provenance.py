"""The digest of a plugin's source: a changed plugin makes exactly its own results stale.

What counts is content under its module name, never where it is installed, and of the content only what can change
a result. The harness itself is left out: its changes are covered by its protocol version.
"""

import hashlib
import inspect
from pathlib import Path

from benchsuite.api import PROJECT
from benchsuite.registry.belongings import Belongings
from benchsuite.registry.equal_sources import EARLIER
from benchsuite.registry.essence import essence
from benchsuite.registry.fields import Factory, class_of
from benchsuite.registry.imports import data_files, imported_modules, spec_of


def source_digest(factory: Factory, distribution: str = "") -> str:
    """SHA-256 over the modules that define the factory's class and its bases, and all of the plugin's distribution
    that they reach: modules that they import, directly or through others, and data files that they name; for a
    board, over its file.

    distribution: the name of the plugin's distribution, if it has one.
    A class without a module's file (a notebook's) is digested by its own source, else by its name.
    """
    if isinstance(factory, Path):
        return hashlib.sha256(factory.read_bytes()).hexdigest()
    cls = class_of(factory) or type(factory)
    sources = _sources(cls, distribution) or {cls.__qualname__: _class_source(cls)}
    digest = hashlib.sha256()
    for name, content in sorted(sources.items()):
        digest.update(f"{name} {len(content)}\n".encode() + content)
    found = digest.hexdigest()
    return EARLIER.get(found, found)


def _class_source(cls: type) -> bytes:
    if cls.__module__.partition(".")[0] == PROJECT:
        return b""
    try:
        return essence(inspect.getsource(cls).encode())
    except (OSError, TypeError):
        return b""


def _sources(cls: type, distribution: str) -> dict[str, bytes]:
    """Module name to content of all that the class takes of its distribution; empty where its module has no file."""
    belongings = Belongings(cls.__module__, distribution)
    found: dict[str, bytes] = {}
    waiting = [base.__module__ for base in cls.__mro__]
    while waiting:
        name = waiting.pop()
        spec = spec_of(name) if name in belongings and name not in found else None
        if spec is None or spec.origin is None:
            continue
        path = Path(spec.origin)
        try:
            content = path.read_bytes()
        except OSError:  # built in, or inside an archive
            continue
        found[name] = essence(content)
        if path.suffix == ".py":
            package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
            waiting += imported_modules(content, package, belongings)
            found |= {f"{name} {file}": data for file, data in data_files(content, path.parent).items()}
    return found
