"""The names by which claims tell rows apart: a misspelt one is an error, and not a claim that no row was tested for."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchsuite.errors import ConfigError, suggestion
from benchsuite.registry import default_registry

from .rows import OF_ROWS, OF_TABLES, Board, absent, listed, rows
from .schema import Claim, Matched, Minimum


class _Name(NamedTuple):
    """A name in a claim."""

    key: str
    name: str
    allowed: frozenset[str]
    """The names that it may be beside the fields of pruners."""
    where: Mapping[str, object]
    """The values that select its rows."""


def check_names(claim: Claim, boards: Sequence[Board]) -> None:
    """Refuse names in `where`, `along` and `by` that can be of no row.

    A field is known if a row of the records or an installed pruner has it: whoever has records of only some boards
    need not have rows that have it. No name is refused where its rows may be of a pruner that cannot be looked up:
    the claim asks for one that is neither in the records nor installed, or for none and for a board without records.
    Errors: ConfigError naming the claim's key.
    """
    recorded = rows(boards, {})
    fields = {name for row in recorded for name in row.fields}
    unknown = [name for name in _names(claim) if name.name not in (fields - OF_ROWS) | name.allowed]
    if not unknown:
        return
    installed = default_registry().entries("pruner")
    fields |= {field.name for entry in installed for field in entry.fields()}
    pruners = {row.fields["pruner"] for row in recorded} | {entry.name for entry in installed}
    for key, name, allowed, where in unknown:
        known = (fields - OF_ROWS) | allowed
        named = map(str, listed(where.get("pruner", [])))
        hidden = [pruner for pruner in named if pruner not in pruners] if "pruner" in where else absent(boards, where)
        if name not in known and not hidden:
            raise ConfigError(f'{claim.place(key)}: no row has a "{name}"{suggestion(name, known)}')


def _names(claim: Claim) -> Iterator[_Name]:
    yield from (_Name("where", name, OF_ROWS, claim.where) for name in claim.where)
    if isinstance(claim, Minimum):
        return
    yield _Name("along", claim.along, frozenset(), claim.where)
    if isinstance(claim, Matched):
        for number, part in enumerate(claim.parts):
            key, where = f"parts[{number}]", {**claim.where, **part.where}
            yield from (_Name(f"{key}.where", name, OF_ROWS, where) for name in part.where)
            for place, by in enumerate(part.by):
                yield from (_Name(f"{key}.by[{place}]", name, OF_ROWS | OF_TABLES, where) for name in by)
