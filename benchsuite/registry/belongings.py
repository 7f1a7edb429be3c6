"""Which modules are a plugin's distribution's own: those that its digest follows."""

import json
import sys
from collections.abc import Iterator
from functools import cached_property
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

from benchsuite.api import PROJECT
from benchsuite.registry.imports import spec_of

_LIBRARIES = {"site-packages", "dist-packages"}
_NOBODYS = {"__main__", PROJECT, *sys.stdlib_module_names}


class Belongings:
    """The modules of the distribution that has `module`; `name in belongings` asks by dotted name.

    They are those of its top-level package, and of each that the distribution lists. Where its list leaves its own
    module out (an editable install), or there is none (a loose file), those of its project folder are, too, unless
    another distribution lists them. The suite's own are as its protocol says, and follow nothing else.
    """

    def __init__(self, module: str, distribution: str) -> None:
        self._top = module.partition(".")[0]
        self._distribution = distribution
        self._known: dict[str, bool] = {}

    def __contains__(self, module: object) -> bool:
        top = str(module).partition(".")[0]
        if top not in self._known:
            self._known[top] = top not in _NOBODYS and self._top not in _NOBODYS and self._has(top)
        return self._known[top]

    def _has(self, top: str) -> bool:
        if top == self._top or self._distribution == PROJECT:
            return top == self._top
        return top in self._listed or (self._folder is not None and self._lies_in(top, self._folder))

    @cached_property
    def _installed(self) -> metadata.Distribution | None:
        try:
            return metadata.distribution(self._distribution)
        except (metadata.PackageNotFoundError, ValueError):
            return None

    @cached_property
    def _listed(self) -> set[str]:
        return set(_listed(self._installed)) if self._installed else set()

    @cached_property
    def _folder(self) -> Path | None:
        """Where the plugin's modules lie beside each other; None where its distribution lists them."""
        project = self._installed and _project(self._installed)
        if project is None and self._top in self._listed:
            return None
        home = project or _folder(self._top)
        return None if home is None or _LIBRARIES & set(home.parts) else home

    def _lies_in(self, top: str, folder: Path) -> bool:
        home = _folder(top)
        if home is None or not home.is_relative_to(folder) or _LIBRARIES & set(home.relative_to(folder).parts):
            return False
        return top not in self._others

    @cached_property
    def _others(self) -> set[str]:
        """What other distributions in the plugin's folder list."""
        others = metadata.distributions(path=[str(_folder(self._top))])
        return {top for one in others if one.name != self._distribution for top in _listed(one)}


def _listed(distribution: metadata.Distribution) -> Iterator[str]:
    """The top-level modules and packages that the distribution says it has."""
    yield from (distribution.read_text("top_level.txt") or "").split()
    for file in distribution.files or ():
        first = file.parts[0]
        if len(file.parts) > 1 and first.isidentifier():
            yield first
        elif file.suffix in {".py", ".so", ".pyd"}:
            yield first.partition(".")[0]


def _project(distribution: metadata.Distribution) -> Path | None:
    """The folder of the project that is installed in place."""
    try:
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if origin.get("dir_info", {}).get("editable"):
            return Path(url2pathname(unquote(urlsplit(origin["url"]).path))).resolve()
    except (ValueError, KeyError, AttributeError, TypeError):
        pass
    return None


def _folder(top: str) -> Path | None:
    """Where the file of a top-level module lies, or the folder of a package."""
    spec = spec_of(top)
    if spec is None:
        return None
    if spec.submodule_search_locations is not None:
        places = [Path(one) for one in spec.submodule_search_locations]
    else:
        places = [Path(spec.origin)] if spec.has_location and spec.origin else []
    return places[0].resolve().parent if places else None
