"""All checks of named plugins, in a process of its own: one that hangs or crashes fails the check it did it in."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import NamedTuple

from benchsuite.errors import ConfigError, PluginError, suggestion
from benchsuite.execution.limits import Limits
from benchsuite.isolation import AVAILABLE, Isolated, LostCallError
from benchsuite.registry import default_registry
from benchsuite.testing.checks import Check, Verdict
from benchsuite.testing.kit import checks

SECONDS = 120.0
"""Of one check, and of loading the plugins."""


class Answer(NamedTuple):
    """A check, and what came of it."""

    plugin: str
    check: str
    verdict: Verdict
    detail: str
    why: str


class _Asked(NamedTuple):
    plugin: str
    check: str
    why: str


def examine(names: Sequence[str], only: str = "*", *, strict: bool = False) -> Iterator[Answer]:
    """The answers of the plugins, each `NAME[field=value,…]`, to the checks that match a pattern.

    Where the system has no process to isolate them in, they are asked in this one.
    Errors: ConfigError for an unknown name or field, and a pattern that matches no check; PluginError for a plugin
    whose loading its process does not survive.
    """
    if not AVAILABLE:
        for one in _chosen(tuple(names), only, strict):
            yield Answer(one.plugin, one.check, *_answered(one, strict), one.why)
        return
    memory = Limits().bytes()
    with Isolated() as isolated:
        try:
            asked = isolated.call(_chosen, tuple(names), only, strict, timeout=SECONDS, memory=memory)
        except LostCallError as lost:
            raise PluginError(f"{', '.join(names)}: loading the plugins {lost}\n{lost.output}".rstrip()) from None
        for one in asked:
            try:
                verdict, detail = isolated.call(_answered, one, strict, timeout=SECONDS, memory=memory)
            except LostCallError as lost:
                verdict, detail = "failed", str(lost)
            yield Answer(one.plugin, one.check, verdict, detail, one.why)


def _chosen(names: tuple[str, ...], only: str, strict: bool) -> list[_Asked]:
    asked = [_Asked(one.shown, one.name, one.why) for name in names for one in _checks(name, strict).values()]
    chosen = [one for one in asked if fnmatchcase(one.check, only)]
    if not chosen:
        raise ConfigError(f"--only {only}: no check matches{suggestion(only, {one.check for one in asked})}")
    return chosen


def _answered(asked: _Asked, strict: bool) -> tuple[Verdict, str]:
    return _checks(asked.plugin, strict)[asked.check].verdict()


@cache
def _checks(name: str, strict: bool) -> dict[str, Check]:
    return {check.name: check for check in checks(name, default_registry(strict=strict))}
