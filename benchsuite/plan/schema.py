"""Leaderboard files: TOML, validated, with the file, the key and the nearest valid name in every error."""

import reprlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_core import ErrorDetails

from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.limits import MOST_SEED
from benchsuite.reading import nesting, read_text

Metric = Literal["accuracy", "sparsity", "compression", "effective_macs", "bits_per_weight", "size_bytes", "loss"]

_MOST_BYTES = 4 << 20
_DEEPEST = 32
_TOO_DEEP = f"tables and lists nested more than {_DEEPEST} deep: none has a use for that"

_EXPECTED = {
    "bool_type": "should be true or false",
    "dict_type": "should be a table",
    "int_type": "should be a whole number",
    "list_type": "should be a list",
    "model_type": "should be a table",
    "string_pattern_mismatch": "should be lower-case letters and digits, with dashes between",
    "string_type": "should be a text",
    "too_short": "should have a value at least",
}
"""What pydantic calls by Python's names, in TOML's."""

Seeds = Annotated[list[Annotated[int, Field(ge=0, le=MOST_SEED)]], Field(min_length=1)]

Location = tuple[int | str, ...]
"""The path of a key in a file."""


class Section(BaseModel):
    """A table of the file; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class BoardSection(Section):
    """What the board is called, over which seeds it runs and what orders its rows."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    question: str = ""
    seeds: Seeds
    rank_by: Metric | None = None
    shown: dict[str, object] = Field(default_factory=dict)
    """Which rows a short table shows: by field of a plugin the value, or a list of values, that it has there."""


class DenseSection(Section):
    """What every row starts from: names, or tables of a name and the plugin's fields; a list is a grid."""

    dataset: object
    model: object
    regularizer: object = None
    weights: str | None = None
    """A checkpoint to start from; a path relative to the board's file."""
    seeds: dict[str, Seeds] = Field(default_factory=dict)
    """By model, other seeds than the board's: of what is too costly for them."""
    recipe: dict[str, object] = Field(default_factory=dict)


class RowSection(Section):
    """A method: steps after the dense training; a list of values is a grid."""

    steps: Annotated[list[dict[str, object]], Field(min_length=1)]
    label: str | None = None
    control: bool = True


class Board(Section):
    """A leaderboard file."""

    board: BoardSection
    dense: DenseSection
    finetune: dict[str, object] = Field(default_factory=dict)
    rows: list[RowSection] = Field(default_factory=list)
    _file: str = PrivateAttr(default="")
    _folder: Path = PrivateAttr(default=Path())
    _changes: tuple[str, ...] = PrivateAttr(default=())

    @property
    def folder(self) -> Path:
        """Where the file is: what its paths are relative to."""
        return self._folder

    @property
    def title(self) -> str:
        """The title, and what was changed of the file's protocol for this run."""
        return " · ".join([self.board.title, *self._changes])

    def place(self, key: str) -> str:
        """How an error names a key of this file."""
        return f"leaderboard {self._file}, {key}"


def read_toml(path: Path, what: str = "", parse_float: Callable[[str], object] = float) -> dict[str, Any]:
    """The content of a file, which messages call `what` and its name. Errors: ConfigError."""
    try:
        text = read_text(path, _MOST_BYTES)
    except ConfigError as error:
        raise ConfigError(f"{what}{error}") from error
    try:
        content = tomllib.loads(text.replace("\r\n", "\n"), parse_float=parse_float)
    except ValueError as error:  # also of a number with thousands of digits
        raise ConfigError(f"{what}{path.name}: not valid TOML: {error}") from error
    except RecursionError:
        raise ConfigError(f"{what}{path.name}: {_TOO_DEEP}") from None
    if nesting(content) > _DEEPEST:
        raise ConfigError(f"{what}{path.name}: {_TOO_DEEP}")
    return content


def read_board(path: Path, changes: Sequence[str] = ()) -> Board:
    """Parse and validate the file, with `changes` such as "dense.dataset=cifar10-jpeg" made to it.

    Errors: ConfigError naming file and key.
    """
    content = read_toml(path, "leaderboard ")
    for change in changes:
        _change(content, change)
    board = parse_board(content, path.name)
    board._folder = path.parent
    board._changes = tuple(changes)
    return board


def _change(content: dict[str, object], change: str) -> None:
    """Set one key of the content to a value in TOML, or to a bare text. Errors: ConfigError."""
    path, equals, value = change.partition("=")
    *sections, key = path.strip().split(".")
    if not equals or not key:
        raise ConfigError(f"--set {change}: give KEY=VALUE, such as dense.dataset=cifar10-jpeg")
    table = content
    for section in sections:
        inner = table.setdefault(section, {})
        if not isinstance(inner, dict):
            raise ConfigError(
                f"--set {change}: {section} is no table of single keys; copy the board's file and edit it"
            )
        table = inner
    try:
        table[key] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[key] = value.strip()


def parse_board(content: Mapping[str, object], file: str) -> Board:
    """Validate the parsed content of `file`. Errors: ConfigError naming file and key."""
    try:
        board = Board.model_validate(content)
    except ValidationError as invalid:
        raise ConfigError(f"leaderboard {file}, {complaint(invalid, _section)}") from None
    board._file = file
    return board


def complaint(invalid: ValidationError, section: Callable[[Location], type[Section]]) -> str:
    """What is wrong with a file, in its own words: the key and the reason.

    section: which table of the file is meant by a key that it does not know.
    """
    problems = invalid.errors()
    misspelt = [one for one in problems if one["type"] == "extra_forbidden"]  # and why another key is missing
    problem = (misspelt or problems)[0]
    return f"{_path(problem['loc'])}: {_reason(problem, section)}"


def _path(location: Location) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _reason(problem: ErrorDetails, section: Callable[[Location], type[Section]]) -> str:
    location, kind, value = problem["loc"], problem["type"], problem["input"]
    if kind == "extra_forbidden":
        return "unknown key" + suggestion(str(location[-1]), section(location).model_fields)
    if kind == "missing":
        return "is missing"
    if kind == "literal_error":
        return f'unknown metric "{value}"{suggestion(str(value), get_args(Metric))}'
    return f"{_EXPECTED.get(kind) or problem['msg'].removeprefix('Input ')}, not {reprlib.repr(value)}"


def _section(location: Location) -> type[Section]:
    sections: dict[object, type[Section]] = {"board": BoardSection, "dense": DenseSection, "rows": RowSection}
    return sections[location[0]] if len(location) > 1 else Board
