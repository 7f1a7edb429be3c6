"""References: a plugin and its fields in one word of a command line, `my-pruner[sparsity=0.5,skip=["first"]]`."""

import re
import tomllib
from collections.abc import Sequence

from benchsuite.errors import ConfigError, suggestion
from benchsuite.registry.catalog import Entry
from benchsuite.registry.kinds import KINDS, Kind
from benchsuite.registry.registry import Registry

_FORM = 'NAME or NAME[field=value,…], such as percentile[sparsity=0.8] or my-pruner[widths=[64, 32],mode="row"]'
_REFERENCE = re.compile(r"(?P<name>[^\s\[\]=,]+)(?P<fields>\[(?P<inside>.*)\])?", re.DOTALL)
_FIELD = re.compile(r"\s*(?P<field>[A-Za-z_]\w*)\s*=(?P<value>.*)", re.DOTALL)


def parse_reference(text: str) -> tuple[str, dict[str, object]]:
    """The name, which may be KIND/NAME, and the fields in order.

    A value is what TOML makes of it, lists included, else the bare text itself: `mode=row` says `mode="row"`.
    Errors: ConfigError for any other form, and for a field that is given twice.
    """
    found = _REFERENCE.fullmatch(text.strip())
    if not found:
        raise ConfigError(f"{text!r} is no reference to a plugin: write {_FORM}")
    fields: dict[str, object] = {}
    for part in _parts(found["inside"], text) if found["fields"] else ():
        given = _FIELD.fullmatch(part)
        if not given or not given["value"].strip():
            raise ConfigError(f'{text!r}: "{part.strip()}" is no field=value; write {_FORM}')
        if given["field"] in fields:
            raise ConfigError(f'{text!r}: the field "{given["field"]}" is given twice')
        fields[given["field"]] = _value(given["value"].strip(), text)
    return found["name"], fields


def _parts(inside: str, text: str) -> list[str]:
    """What stands between the commas that are in no list and in no string."""
    parts, depth, quote = [""], 0, ""
    for character in inside:
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        else:
            depth += {"[": 1, "]": -1}.get(character, 0)
        if character == "," and not depth and not quote:
            parts.append("")
        else:
            parts[-1] += character
        if depth < 0:
            break
    if depth or quote:
        raise ConfigError(f"{text!r}: a bracket or a quotation mark has no partner; write {_FORM}")
    return parts


def _value(written: str, text: str) -> object:
    try:
        # in an inline table, where no comment and no second line can follow it
        value: object = tomllib.loads(f"given = {{value = {written}}}")["given"]["value"]
    except tomllib.TOMLDecodeError:
        if re.search(r"[\[\]\"']", written):
            raise ConfigError(f"{text!r}: {written} is neither a TOML value nor a bare word; write {_FORM}") from None
        return written
    return value if isinstance(value, bool | int | float | str | list) else written


def find(name: str, registry: Registry, kinds: Sequence[Kind] = KINDS) -> Entry:
    """The entry of that name among the kinds; KIND/NAME where two share it.

    Errors: ConfigError with the nearest name, and with what failed to load.
    """
    kind, _, bare = name.rpartition("/")
    entries = [entry for entry in registry.entries() if entry.kind in kinds and kind in ("", entry.kind)]
    found = sorted({entry.kind for entry in entries if entry.name == bare})
    if not found:
        problems = [f" ({problem})" for problem in registry.problems()]
        known = {entry.name for entry in entries}
        raise ConfigError(f'unknown name "{name}"{suggestion(bare, known)}{"".join(problems)}')
    if len(found) > 1:
        choices = " or ".join(f"{one}/{bare}" for one in found)
        raise ConfigError(f'"{bare}" is a {" and a ".join(found)}; ask for {choices}')
    return registry.get(found[0], bare)


def configured(text: str, registry: Registry) -> object:
    """The plugin that a reference names, with its fields. Errors: ConfigError for an unknown name or a wrong field."""
    name, fields = parse_reference(text)
    return find(name, registry, [kind for kind in KINDS if kind not in ("leaderboard", "report")]).create(fields)
