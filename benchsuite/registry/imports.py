"""Reading from a module's source, without importing it, what it imports and which files beside it it names."""

import ast
import functools
import re
import sys
from collections.abc import Container, Iterator
from contextlib import suppress
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, resolve_name
from pathlib import Path

_IMPORTERS = {"import_module", "__import__"}


def imported_modules(source: bytes, package: str, among: Container[str]) -> Iterator[str]:
    """The modules `among` some that the source takes something from: of `from base import names` `base`, unless all
    names are its submodules.

    Leaving out a package's own file then keeps one plugin of a package independent of the others.
    """
    for base, names in _imports(source, package):
        if base not in among:
            continue
        submodules = [f"{base}.{name}" for name in names if _has_file(f"{base}.{name}")]
        yield from submodules
        if not names or len(submodules) < len(names):
            yield base


def data_files(source: bytes, folder: Path) -> dict[str, bytes]:
    """By name the content of each file below a module's folder that its source names in a text: tables, weights, code.

    A name may be in parts: of a folder and of a file in it.
    """
    texts = _file_names(source)
    folders = [folder, *(folder / text for text in texts if "." not in text and (folder / text).is_dir())]
    found: dict[str, bytes] = {}
    for path in (inside / text for inside in folders for text in texts if "." in text):
        with suppress(OSError, ValueError):  # ValueError: outside of the folder
            name = path.resolve().relative_to(folder.resolve()).as_posix()
            if path.is_file():
                found[name] = path.read_bytes()
    return found


def spec_of(module: str) -> ModuleSpec | None:
    """Where the module lies, found without importing it: an import may run anything."""
    loaded: ModuleSpec | None = getattr(sys.modules.get(module), "__spec__", None)
    if loaded is not None:
        return loaded
    parent, _, _ = module.rpartition(".")
    if not parent:
        with suppress(ImportError, ValueError):  # ValueError: of a loaded module without a specification
            return find_spec(module)
        return None
    package = spec_of(parent)
    if package is None or package.submodule_search_locations is None:
        return None
    return PathFinder.find_spec(module, package.submodule_search_locations)


def _has_file(module: str) -> bool:
    spec = spec_of(module)
    return spec is not None and spec.origin is not None


@functools.lru_cache(maxsize=1024)
def _imports(source: bytes, package: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each import anywhere in the source: the module, and the names taken from it."""
    found: list[tuple[str, tuple[str, ...]]] = []
    # What cannot be parsed or resolved cannot be imported either: it imports nothing.
    with suppress(SyntaxError, ValueError, ImportError):
        tree = ast.parse(source)
        bound: set[str] = set()
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=aliases):
                    found += [(alias.name, ()) for alias in aliases]
                    bound |= {alias.name.partition(".")[0] for alias in aliases if not alias.asname}
                case ast.ImportFrom(module=module, names=aliases, level=level):
                    base = resolve_name("." * level + (module or ""), package)
                    found.append((base, tuple(alias.name for alias in aliases)))
                case ast.Call(
                    func=ast.Name(id=name) | ast.Attribute(attr=name), args=[ast.Constant(value=str(text)), *_]
                ):
                    if name in _IMPORTERS and text:
                        found.append((resolve_name(text, package), ()))
        # `import package.module` lets the source take from `package`, too
        found += [
            (node.value.id, (node.attr,))
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in bound
        ]
    return tuple(dict.fromkeys(found))


@functools.lru_cache(maxsize=1024)
def _file_names(source: bytes) -> frozenset[str]:
    """The texts in the source that can be the name of a file or of a folder."""
    with suppress(SyntaxError, ValueError):
        texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
        return frozenset(text for text in texts if isinstance(text, str) and re.fullmatch(r"\w[\w./-]{0,254}", text))
    return frozenset()
