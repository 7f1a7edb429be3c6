"""The digest of a plugin's source: a changed plugin makes exactly its own results stale.

What counts is content under its module name, never where it is installed, and of the content only what can change
a result. The harness itself is left out: its changes are covered by its protocol version.
"""

import ast
import functools
import hashlib
import inspect
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import resolve_name
from pathlib import Path

from benchsuite.api import PROJECT
from benchsuite.registry.equal_sources import EARLIER
from benchsuite.registry.essence import essence
from benchsuite.registry.fields import Factory, class_of


def source_digest(factory: Factory) -> str:
    """SHA-256 over the module that defines the factory's class and the modules of the same top-level package
    that it imports, directly or through others; for a board, over its file.

    A class without a module's file (a notebook's) is digested by its own source, else by its name.
    """
    if isinstance(factory, Path):
        return hashlib.sha256(factory.read_bytes()).hexdigest()
    cls = class_of(factory) or type(factory)
    sources = _module_sources(cls.__module__) or {cls.__qualname__: _class_source(cls)}
    digest = hashlib.sha256()
    for name, content in sorted(sources.items()):
        content = essence(content)
        digest.update(f"{name} {len(content)}\n".encode() + content)
    found = digest.hexdigest()
    return EARLIER.get(found, found)


def _class_source(cls: type) -> bytes:
    if cls.__module__.partition(".")[0] == PROJECT:
        return b""
    try:
        return inspect.getsource(cls).encode()
    except (OSError, TypeError):
        return b""


def _module_sources(module: str) -> dict[str, bytes]:
    """Module name to content: `module` and all of its top-level package that it reaches by imports."""
    top = module.partition(".")[0]
    found: dict[str, bytes] = {}
    waiting = [] if top in {"__main__", PROJECT} else [module]
    while waiting:
        name = waiting.pop()
        spec = _spec(name)
        if name in found or spec is None or spec.origin is None:
            continue
        try:
            found[name] = Path(spec.origin).read_bytes()
        except OSError:  # built in, or inside an archive
            continue
        if spec.origin.endswith(".py"):
            package = name if spec.submodule_search_locations is not None else name.rpartition(".")[0]
            for base, names in _imports(found[name], package):
                if base.partition(".")[0] == top:
                    waiting += _modules(base, names)
    return found


def _modules(base: str, names: tuple[str, ...]) -> Iterator[str]:
    """The modules that `from base import names` takes something from: `base`, unless all names are its submodules.

    Leaving out a package's own file then keeps one plugin of a package independent of the others.
    """
    submodules = [f"{base}.{name}" for name in names if _has_file(f"{base}.{name}")]
    yield from submodules
    if not names or len(submodules) < len(names):
        yield base


@functools.lru_cache(maxsize=1024)
def _imports(source: bytes, package: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each import anywhere in `source`: the module, and the names taken from it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    # What cannot be parsed or resolved cannot be imported either: it imports nothing.
    with suppress(SyntaxError, ValueError, ImportError):
        for node in ast.walk(ast.parse(source)):
            match node:
                case ast.Import(names=aliases):
                    found += [(alias.name, ()) for alias in aliases]
                case ast.ImportFrom(module=module, names=aliases, level=level):
                    base = resolve_name("." * level + (module or ""), package)
                    found.append((base, tuple(alias.name for alias in aliases)))
    return tuple(found)


def _has_file(module: str) -> bool:
    spec = _spec(module)
    return spec is not None and spec.origin is not None


def _spec(module: str) -> ModuleSpec | None:
    """Where `module` lies, found without importing it: an import may run anything."""
    loaded: ModuleSpec | None = getattr(sys.modules.get(module), "__spec__", None)
    if loaded is not None:
        return loaded
    parent = _spec(module.rpartition(".")[0]) if "." in module else None
    if parent is None or parent.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, parent.submodule_search_locations)
