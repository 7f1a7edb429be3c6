"""Which plugins their process does not survive: tried in one of its own, before they are loaded in this one."""

from collections.abc import Iterator
from importlib import metadata

from benchsuite.api import PROJECT
from benchsuite.isolation import AVAILABLE, Isolated, LostCallError, RaisedError
from benchsuite.registry.loader import Lost, identified, load_one

_MOST_SECONDS = 60.0


def lost_plugins(seconds: float = _MOST_SECONDS) -> tuple[Lost, ...]:
    """The third-party plugins whose import or hooks exit, crash or hang, each with the reason.

    seconds: that each may take, up to a minute. What merely raises is no such plugin: loading it will tell. No process
    is started where there is no plugin to try; none is lost where the system has no process to isolate them in.
    """
    names = [plugin.identity for plugin, point in identified() if not _first_party(point)]
    return tuple(_lost(names, min(seconds, _MOST_SECONDS))) if names and AVAILABLE else ()


def _lost(names: list[tuple[str, str]], seconds: float) -> Iterator[Lost]:
    with Isolated() as isolated:
        for name, distribution in names:
            try:
                isolated.call(load_one, name, distribution, timeout=seconds)
            except RaisedError:
                continue
            except LostCallError as lost:
                yield Lost(name, distribution, f"{lost} when it was loaded", lost.output)


def _first_party(point: metadata.EntryPoint) -> bool:
    return point.dist is not None and point.dist.name == PROJECT
