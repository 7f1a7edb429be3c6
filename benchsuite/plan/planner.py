"""From a board to its cells: every row, at every point of its grid, with every seed, and its controls."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import cast

from benchsuite.api import Dataset, Recipe
from benchsuite.chain import Chain, Prune, Step
from benchsuite.errors import ConfigError, PluginError, suggestion
from benchsuite.plan.build import Builder, Evaluate, Matched, tuned, verb_of
from benchsuite.plan.cells import Cell, Plan, Role
from benchsuite.plan.controls import control_of
from benchsuite.plan.dense import Dense, dense_trainings
from benchsuite.plan.grid import expand
from benchsuite.plan.limits import require_few_cells
from benchsuite.plan.schema import Board, RowSection
from benchsuite.plan.settings import method_of, setting_of, shown_keys
from benchsuite.registry import Registry

_Choices = list[list[tuple[dict[str, object], Step | Evaluate | Matched]]]
"""By step of a row: each point of its grid, as a table and as a step."""


@dataclass(frozen=True)
class _Point:
    """A row at one point of its grid, before seeds."""

    method: str
    settings: tuple[str, ...]
    """Of each step, what tells it from its neighbours in the table."""
    steps: tuple[Step | Evaluate | Matched, ...]

    def setting(self, mark: str) -> str:
        """The settings of the steps up to the mark, or of all."""
        marks = [step.label if isinstance(step, Evaluate) else None for step in self.steps]
        told = self.settings[: marks.index(mark)] if mark else self.settings
        return " ".join(filter(None, [", ".join(filter(None, told)), mark]))

    def matched(self, references: "Sequence[_Point]") -> "_Point":
        """The same with the settings of the rows that its steps are matched to."""
        waiting = iter(references)
        settings = [
            " ".join(filter(None, [setting, next(waiting).setting("")])) if isinstance(step, Matched) else setting
            for setting, step in zip(self.settings, self.steps, strict=True)
        ]
        return replace(self, settings=tuple(settings))


@dataclass(frozen=True)
class _Outcome:
    """What a row that others can be matched to ends in: a chain for each seed."""

    point: _Point
    ends: tuple[Chain, ...]


def plan(
    board: Board,
    registry: Registry,
    fingerprint: Callable[[Dataset], str],
    seeds: Sequence[int] | None = None,
    added: Sequence[RowSection] = (),
) -> Plan:
    """Plan the board; nothing is run, and no tensor touched.

    fingerprint: gives the digest of a data set's bytes. seeds: instead of the board's own.
    added: rows after the board's own; what these plan already is not planned twice.
    Errors: ConfigError naming file and key; DataError where a data set is missing.
    """
    if seeds:
        _require_once(seeds, "seeds")
    cells: dict[str, Cell] = {}
    names: dict[tuple[str, str, str], int] = {}
    for cell in _Planner(board, Builder(registry, fingerprint), seeds, added).cells():
        known = cells.setdefault(cell.key, cell)
        require_few_cells(len(cells))
        if known is not cell:
            if cell.role != "control" and not cell.added:
                raise ConfigError(board.place(f'"{cell.label}" plans the same chain as "{known.label}"'))
        elif cell.role == "row" and names.setdefault((cell.group, cell.method, cell.setting), cell.line) != cell.line:
            raise ConfigError(board.place(f'two rows would be called "{cell.label}": give one of them a label'))
    return Plan(board, tuple(seeds or board.board.seeds), tuple(cells.values()))


def tunings(board: Board, registry: Registry) -> Iterator[tuple[str, Recipe, Recipe]]:
    """Of each dense training of the board: what it is called, its recipe, and that of fine-tuning its network.

    The latter is with what `[finetune]` says; a step gives it its epochs, and may change it. No data is looked at.
    Errors: ConfigError naming file and key.
    """
    planner = _Planner(board, Builder(registry, lambda _: ""), None, ())
    for dense in planner.trainings():
        for changes in expand(board.finetune, planner.builder.is_sequence):
            yield dense.label or dense.train.model.name, dense.train.recipe, tuned(dense.finetuning, changes, epochs=0)


def _require_once(seeds: Sequence[int], place: str) -> None:
    if len(set(seeds)) != len(seeds):
        twice = next(seed for seed, count in Counter(seeds).items() if count > 1)
        raise ConfigError(f"{place}: names a seed twice, {twice}")


class _Planner:
    def __init__(
        self, board: Board, builder: Builder, seeds: Sequence[int] | None, added: Sequence[RowSection]
    ) -> None:
        self.board = board
        self.rows = [(f"rows[{number}]", row, False) for number, row in enumerate(board.rows)]
        self.rows += [("--add", row, True) for row in added]
        self.builder = builder
        self.seeds = seeds
        self.line = 0
        self.group = ""

    def trainings(self) -> list[Dense]:
        """The dense trainings that the rows start from."""
        return dense_trainings(self.board, self.builder, self._at)

    def cells(self) -> Iterator[Cell]:
        trainings = self.trainings()
        seeds_of = self._seeds([dense.train.model.name for dense in trainings])
        for dense in trainings:
            self.group = dense.label
            roots = [Chain(dense.train, seed) for seed in self.seeds or seeds_of[dense.train.model.name]]
            grids = [self._choices(row, place, dense.finetuning) for place, row, _ in self.rows]
            with self._at("its grids and seeds"):
                require_few_cells(len(trainings) * len(roots) * (1 + sum(map(_count, self.rows, grids))))
            yield from self._line("dense", "dense", dense.label or dense.train.model.name, roots)
            above: dict[str, list[_Outcome]] = {}
            for (place, row, added), choices in zip(self.rows, grids, strict=True):
                outcomes: list[_Outcome] = []
                measured: set[Chain] = set()
                for free in _points(row, choices):
                    for point, chains in self._with_references(free, roots, above, place):
                        outcomes.append(_Outcome(point, tuple(links[-1][1] for links in chains)))
                        for cell in self._measured(point, chains, place if row.control else None, measured):
                            yield replace(cell, added=added)
                for outcome in outcomes:
                    above.setdefault(outcome.point.method, []).append(outcome)

    def _seeds(self, models: Sequence[str]) -> dict[str, list[int]]:
        """Of each model: its own where the board gives it some, else the board's."""
        own = self.board.dense.seeds
        found = {**dict.fromkeys(models, self.board.board.seeds), **own}
        _require_once(self.board.board.seeds, self.board.place("board.seeds"))
        for model, seeds in own.items():
            place = self.board.place(f"dense.seeds.{model}")
            _require_once(seeds, place)
            if model not in models:
                raise ConfigError(f"{place}: no model of the board{suggestion(model, models)}")
        return found

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        try:
            yield
        except (ConfigError, PluginError) as error:
            raise ConfigError(self.board.place(f"{key}: {error}")) from error

    def _choices(self, row: RowSection, place: str, finetuning: Recipe) -> _Choices:
        choices: _Choices = []
        marks: set[str] = set()
        for index, table in enumerate(row.steps):
            with self._at(f"{place}.steps[{index}]"):
                tables = expand(self._with_defaults(table), self.builder.is_sequence)
                choices.append([(one, self.builder.step(one, finetuning)) for one in tables])
                for mark in (step for _, step in choices[-1] if isinstance(step, Evaluate)):
                    if mark.label in marks:
                        raise ConfigError(f'evaluate: a second mark "{mark.label}" in the row')
                    marks.add(mark.label)
        return choices

    def _with_defaults(self, table: Mapping[str, object]) -> dict[str, object]:
        """The table of a step, its verb first, over what `[finetune]` says of all training after the dense one."""
        verb, changes = verb_of(table), self.board.finetune
        if verb == "finetune":
            return {verb: table[verb], **changes, **table}
        if "schedule" not in table and "recipe" not in table:
            return {verb: table[verb], **table}
        given = table.get("recipe", {})
        recipes: list[object] = given if isinstance(given, list) else [given]
        merged = [{**changes, **one} for one in recipes if isinstance(one, dict)]
        if not merged or len(merged) < len(recipes):
            raise ConfigError(f"recipe: a table such as {{lr = 0.01}}, not {given!r}")
        return {verb: table[verb], **table, "recipe": merged}

    def _with_references(
        self, point: _Point, roots: list[Chain], above: "Mapping[str, list[_Outcome]]", place: str
    ) -> Iterator[tuple[_Point, list[list[tuple[str, Chain]]]]]:
        """For each reference that the point is matched to, or once: per seed, the (mark, chain) to measure."""
        labels = [step.label for step in point.steps if isinstance(step, Matched)]
        for label in labels:
            if label not in above:
                near = suggestion(label, above)
                raise ConfigError(self.board.place(f'{place}: matched_to = "{label}" names no row above{near}'))
        for references in product(*(above[label] for label in labels)):
            self._require_alike(point, references, place)
            chains = [
                _links(root, point.steps, [reference.ends[number] for reference in references])
                for number, root in enumerate(roots)
            ]
            yield point.matched([reference.point for reference in references]), chains

    def _require_alike(self, point: _Point, references: "Sequence[_Outcome]", place: str) -> None:
        """A mask has no channels to count, and a smaller network no zeros: one cannot be matched to the other."""
        matched = (step.step.physical for step in point.steps if isinstance(step, Matched))
        for physical, reference in zip(matched, references, strict=True):
            kinds = {step.physical for step in reference.ends[0].steps if isinstance(step, Prune)}
            if kinds and kinds != {physical}:
                what = "removes channels" if physical else "masks weights"
                label = reference.point.method
                raise ConfigError(
                    self.board.place(f'{place}: it {what}, and "{label}", which it is matched to, does not')
                )

    def _measured(
        self, point: _Point, chains: list[list[tuple[str, Chain]]], controlled: str | None, measured: set[Chain]
    ) -> Iterator[Cell]:
        """The cells of the point, and the controls if its row, at the place `controlled`, is to have some.

        measured: where the marks of the row have measured already; points that differ only later share it.
        """
        for link in zip(*chains, strict=True):
            mark, ends = link[0][0], [chain for _, chain in link]
            if mark and ends[0] in measured:
                continue
            measured.update(ends if mark else ())
            setting = point.setting(mark)
            controls: list[Chain | None] = [None for _ in ends]
            if controlled:
                with self._at(f"{controlled}, the control of random masks"):
                    controls = [control_of(end, self.builder) for end in ends]
            yield from self._line("row", point.method, setting, ends, controls)
            if controls[0] is not None:
                told = " ".join(filter(None, ["as", point.method, setting]))
                yield from self._line("control", "random", told, cast(list[Chain], controls))

    def _line(
        self, role: Role, method: str, setting: str, chains: list[Chain], controls: Sequence[Chain | None] = ()
    ) -> Iterator[Cell]:
        seeds = tuple(chain.seed for chain in chains)
        for number, chain in enumerate(chains):
            control = controls[number] if controls else None
            yield Cell(self.board.board.name, self.line, role, self.group, method, setting, chain, seeds, control)
        self.line += 1


def _points(row: RowSection, choices: _Choices) -> Iterator[_Point]:
    written = [set(table) - {"recipe"} if row.label is None else set() for table in row.steps]
    shown = [shown_keys([one for one, _ in step], keys) for step, keys in zip(choices, written, strict=True)]
    for chosen in product(*choices):
        tables, steps = [table for table, _ in chosen], tuple(step for _, step in chosen)
        settings = tuple(setting_of(table, keys) for table, keys in zip(tables, shown, strict=True))
        yield _Point(row.label or method_of(tables), settings, steps)


def _count(place: "tuple[str, RowSection, bool]", choices: _Choices) -> int:
    """Lines of a row without those of its marks and of what it is matched to: one a point, and its control."""
    _, row, _ = place
    prunes = any(isinstance(step, Prune | Matched) for one in choices for _, step in one)
    return prod(map(len, choices)) * (2 if row.control and prunes else 1)


def _links(root: Chain, steps: Sequence[Step | Evaluate | Matched], references: list[Chain]) -> list[tuple[str, Chain]]:
    waiting = iter(references)
    chain, measured = root, []
    for step in steps:
        if isinstance(step, Evaluate):
            measured.append((step.label, chain))
        elif isinstance(step, Matched):
            chain = chain.then(replace(step.step, matched_to=next(waiting)))
        else:
            chain = chain.then(step)
    return [*measured, ("", chain)]
