"""`baselines/published.toml`: published figures, each with the line of a board that is its counterpart."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, NamedTuple, get_args, get_type_hints

from pydantic import Field, ValidationError

from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.schema import Location, Section, complaint, read_toml
from benchsuite.results import Line

Number = Annotated[Decimal, Field(strict=False)]
"""A number as it was printed: with the digits that the file gives it."""

Texts = Annotated[list[str], Field(min_length=1)] | str


class Selector(Section):
    """A line of a board, by its names in the table; a list holds alternatives, as boards word settings differently."""

    group: Texts | None = None
    method: Texts | None = None
    setting: Texts | None = None

    @property
    def alternatives(self) -> dict[str, list[str]]:
        """By column the texts of which one has to stand there."""
        given = {"group": self.group, "method": self.method, "setting": self.setting}
        return {
            name: [texts] if isinstance(texts, str) else texts for name, texts in given.items() if texts is not None
        }

    def fits(self, line: Line) -> bool:
        """Return whether it selects the line."""
        columns = {"group": line.group, "method": line.method, "setting": line.setting}
        return all(columns[name] in texts for name, texts in self.alternatives.items())


class Figure(Section):
    """Published figures of one line, by metric."""

    line: Selector
    label: str = ""
    """Its name in the table, instead of that of its line."""
    published: dict[str, Number] = Field(default_factory=dict)
    below: dict[str, Number] = Field(default_factory=dict)
    """By metric the number that it was said to lie below."""
    above: dict[str, Number] = Field(default_factory=dict)
    """By metric the number that it was said to lie above."""
    minus: Selector | None = None
    """A line whose metrics are subtracted, seed by seed."""
    spread: Number | None = None
    """The published sample standard deviation of the accuracy."""
    exact: bool = False
    """True for a matter of arithmetic, to be met to its last printed digit."""
    again: bool = False
    """True where another figure of the file is the same one, which is counted there."""
    reason: str = ""
    """Name of the reason in the file why ours differs."""
    not_comparable: str = ""
    """The reason why it cannot be held against ours on any board."""


class FigureTable(Section):
    """Figures of one source for the same boards."""

    title: str
    source: str
    boards: Annotated[list[str], Field(min_length=1)]
    """Those that are committed are shown."""
    note: str = ""
    figures: Annotated[list[Figure], Field(min_length=1)]


class Quote(Section):
    """A figure of ours that a reason quotes."""

    board: str
    line: Selector
    metric: str = "accuracy"
    beside: Selector | None = None
    """A line with which it is correlated over the seeds: Pearson's r is quoted then."""


class Reason(Section):
    """A reason why figures were not reproduced; its texts quote our figures as {name}."""

    title: str
    text: str
    experiment: str
    """The experiment that showed it."""
    quotes: dict[str, Quote] = Field(default_factory=dict)


class Literature(Section):
    """The file."""

    sources: dict[str, str]
    """Citations by short names."""
    not_comparable: dict[str, str] = Field(default_factory=dict)
    """By board, the reason why its figures cannot be held against published ones."""
    tables: list[FigureTable]
    reasons: dict[str, Reason] = Field(default_factory=dict)


class Place(NamedTuple):
    """A figure and where it stands in the file."""

    key: str
    figure: Figure


def places(literature: Literature, table: FigureTable) -> Iterator[Place]:
    """Yield the figures of a table with their keys, for messages."""
    number = literature.tables.index(table)
    return (Place(f"tables[{number}].figures[{index}]", figure) for index, figure in enumerate(table.figures))


def read_literature(path: Path) -> Literature:
    """Return the published figures of a file. Errors: ConfigError naming file and key."""
    content = read_toml(path, parse_float=Decimal)
    try:
        literature = Literature.model_validate(content)
    except ValidationError as invalid:
        raise ConfigError(f"{path.name}, {complaint(invalid, _section)}") from None
    for table in literature.tables:
        _check_names(path.name, literature, table)
    return literature


def _check_names(file: str, literature: Literature, table: FigureTable) -> None:
    """Refuse sources and reasons that a table names and the file lacks."""
    if table.source not in literature.sources:
        number = literature.tables.index(table)
        known = suggestion(table.source, literature.sources)
        raise ConfigError(f'{file}, tables[{number}].source: unknown source "{table.source}"{known}')
    for key, figure in places(literature, table):
        if figure.reason and figure.reason not in literature.reasons:
            known = suggestion(figure.reason, literature.reasons)
            raise ConfigError(f'{file}, {key}.reason: unknown reason "{figure.reason}"{known}')
        if not (figure.published or figure.below or figure.above):
            raise ConfigError(f"{file}, {key}: has no figure: give published, below or above")


def _section(location: Location) -> type[Section]:
    """Return the section that a key belongs to, following the annotations from that of the file."""
    section: type[Section] = Literature
    for part in location[:-1]:
        if isinstance(part, str) and part in section.model_fields:
            section = next(_sections(get_type_hints(section)[part]), section)
    return section


def _sections(annotation: object) -> Iterator[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        yield annotation
    for inner in get_args(annotation):
        yield from _sections(inner)
