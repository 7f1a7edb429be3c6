"""A third party's pruner or quantizer on a board: the board's own rows, with the added plugin in their place."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import cast

from benchsuite.api import ChannelPruner
from benchsuite.errors import ConfigError
from benchsuite.plan.build import PLUGIN_OF_VERB, PROTOCOL_KEYS
from benchsuite.plan.schema import Board, RowSection
from benchsuite.plan.settings import method_of, setting_of
from benchsuite.registry import Entry, Kind, Registry
from benchsuite.registry.reference import find, parse_reference

_VERB_OF_PLUGIN = {kind: verb for verb, kind in PLUGIN_OF_VERB.items()}
_PROTOCOL = {"finetune", *PROTOCOL_KEYS["prune"]}
"""The keys of a step that are not its plugin's."""
_LEVEL = {"prune": "sparsity", "quantize": "bits"}
"""The field that a board asks its levels by."""


def added_rows(board: Board, references: Sequence[str], registry: Registry) -> tuple[RowSection, ...]:
    """The rows that put each `NAME[field=value,…]` on the board, at the levels and with the training of its own rows.

    Its other fields are what the reference says, a list being a grid, or their defaults. A plugin that is asked for a
    level, and is given none, follows only rows that have one. Errors: ConfigError for an unknown name, and where the
    board has no row to follow; PluginError for a name that cannot be had.
    """
    found: dict[str, RowSection] = {}
    for reference in references:
        try:
            name, fields = parse_reference(reference)
            entry = find(name, registry, list(_VERB_OF_PLUGIN))
        except ConfigError as error:
            raise ConfigError(f"--add {reference}: {error}") from error
        verb = _VERB_OF_PLUGIN[entry.kind]
        shown = reference.strip().removeprefix(f"{entry.kind}/")
        rows = sorted(board.rows, key=lambda row: _remoteness(row, _LEVEL[verb]))
        followed = list(filter(None, (_following(row, verb, entry, fields, shown, registry) for row in rows)))
        if not followed:
            told = f"{verb} step that {entry.name} could follow" if board.rows else "row"
            raise ConfigError(f'--add {reference}: leaderboard "{board.board.name}" has no {told}')
        for row in followed:
            found.setdefault(json.dumps(row.steps), row)
    calls = Counter(row.label for row in found.values())
    return tuple(_told_apart(row) if row.label and calls[row.label] > 1 else row for row in found.values())


def _remoteness(row: RowSection, level: str) -> int:
    """Of two rows that come to the same, the one that names a level in numbers gives the better label."""
    asked = [table[level] for table in row.steps if level in table]
    return 1 if not asked else 2 if isinstance(asked[0], dict) else 0


def _following(
    row: RowSection, verb: str, entry: Entry, fields: Mapping[str, object], shown: str, registry: Registry
) -> RowSection | None:
    """The row with the added plugin in its step of that verb; None where it has none that the plugin can follow."""
    places = [place for place, table in enumerate(row.steps) if verb in table]
    if len(places) != 1:
        return None
    table = row.steps[places[0]]
    if not any(_alike(entry, other) for other in _plugins(table[verb], entry.kind, registry)):
        return None
    own = {field.name for field in entry.fields()}
    level = _LEVEL[verb]
    asked = {level: table[level]} if level in own and level in table else {}
    needs_level = level in own or "schedule" in table
    if needs_level and not {level} & {*asked, *fields}:
        return None
    protocol = {key: table[key] for key in PROTOCOL_KEYS[verb] if key in table}
    steps = [*row.steps]
    steps[places[0]] = {verb: entry.name, **asked, **fields, **protocol}
    label = _label(row, verb, shown) if row.label or fields else None
    return row.model_copy(update={"steps": steps, "label": label})


def _label(row: RowSection, verb: str, shown: str) -> str:
    """What the row is called with the added plugin, `shown`, in its step of that verb."""
    plugins = [table for table in row.steps if {*table} & {*PLUGIN_OF_VERB}]
    if row.label is None:
        return method_of([{verb: shown} if verb in table else _fixed(table) for table in plugins])
    replaced = row.label if len(plugins) == 1 else f"the {PLUGIN_OF_VERB[verb]} of {row.label}"
    return f"{shown} (in place of {replaced})"


def _told_apart(row: RowSection) -> RowSection:
    """The row, which another one shares its label with, with what it does besides in the label."""
    tables = [_fixed(table) for table in row.steps]
    told = ", ".join(filter(None, (setting_of(table, {*table} & _PROTOCOL) for table in tables)))
    return row.model_copy(update={"label": f"{row.label} ({told})"}) if told else row


def _fixed(table: Mapping[str, object]) -> dict[str, object]:
    """What all lines of the row's grid have in common: a list has a value for each, but for the layers to skip."""
    return {key: value for key, value in table.items() if key == "skip" or not isinstance(value, list)}


def _plugins(names: object, kind: Kind, registry: Registry) -> list[Entry]:
    known = {entry.name for entry in registry.entries(kind)}
    asked = names if isinstance(names, list) else [names]
    return [registry.get(kind, cast(str, name)) for name in asked if name in known]


def _alike(one: Entry, other: Entry) -> bool:
    """Whether both remove channels, or neither."""
    return one.is_a(ChannelPruner) == other.is_a(ChannelPruner)
