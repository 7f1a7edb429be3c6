"""From a board to its cells: every row, at every point of its grid, with every seed, and its controls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, cast

from benchsuite.api import Dataset, Recipe
from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.build import Builder, Configured, Evaluate, Matched, tuned, verb_of
from benchsuite.plan.cells import CONTROL, Cell, Plan, Role
from benchsuite.plan.grid import expand
from benchsuite.plan.schema import Board, RowSection
from benchsuite.plan.settings import method_of, setting_of, shown_keys
from benchsuite.plan.steps import Chain, Finetune, Prune, Step, Train
from benchsuite.registry import Registry


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


def plan(
    board: Board, registry: Registry, fingerprint: Callable[[Dataset], str], seeds: Sequence[int] | None = None
) -> Plan:
    """Plan the board; nothing is run, and no tensor touched.

    fingerprint: gives the digest of a data set's bytes. seeds: instead of the board's own.
    Errors: ConfigError naming file and key; DataError where a data set is missing.
    """
    chosen = tuple(seeds or board.board.seeds)
    if len(set(chosen)) != len(chosen):
        twice = f"{list(chosen)} names a seed twice"
        raise ConfigError(f"seeds: {twice}" if seeds else board.place(f"board.seeds: {twice}"))
    cells: dict[str, Cell] = {}
    for cell in _Planner(board, Builder(registry, fingerprint), chosen).cells():
        known = cells.setdefault(cell.key, cell)
        if known is not cell and cell.role != "control":
            raise ConfigError(board.place(f'"{cell.label}" plans the same chain as "{known.label}"'))
    return Plan(board, chosen, tuple(cells.values()))


class _Planner:
    def __init__(self, board: Board, builder: Builder, seeds: tuple[int, ...]) -> None:
        self.board = board
        self.builder = builder
        self.seeds = seeds
        self.line = 0

    def cells(self) -> Iterator[Cell]:
        for train, finetuning in self._dense():
            roots = [Chain(train, seed) for seed in self.seeds]
            yield from self._line("dense", "dense", train.model.name, roots)
            above: dict[str, list[list[Chain]]] = {}
            for number, row in enumerate(self.board.rows):
                place = f"rows[{number}]"
                outcomes: list[tuple[str, list[Chain]]] = []
                measured: set[Chain] = set()
                for point in self._points(row, place, finetuning):
                    for chains in self._with_references(point, roots, above, place):
                        outcomes.append((point.method, [links[-1][1] for links in chains]))
                        yield from self._measured(point, chains, place if row.control else None, measured)
                for method, ends in outcomes:
                    above.setdefault(method, []).append(ends)

    @contextmanager
    def _at(self, key: str) -> Iterator[None]:
        try:
            yield
        except ConfigError as error:
            raise ConfigError(self.board.place(f"{key}: {error}")) from error

    def _dense(self) -> Iterator[tuple[Train, Recipe]]:
        section = self.board.dense
        datasets = self._configured("dataset", section.dataset)
        models = self._configured("model", section.model)
        regularizers = (
            self._configured("regularizer", section.regularizer) if section.regularizer is not None else [None]
        )
        with self._at("dense.recipe"):
            recipes = expand(section.recipe, self.builder.is_sequence)
        for dataset, model, regularizer in product(datasets, models, regularizers):
            for recipe in recipes:
                with self._at("dense.recipe"):
                    train, finetuning = self.builder.train(dataset, model, regularizer, recipe)
                with self._at("finetune"):
                    for changes in expand(self.board.finetune, self.builder.is_sequence):
                        tuned(finetuning, changes, epochs=0)
                yield train, finetuning

    def _configured(self, kind: Literal["dataset", "model", "regularizer"], value: object) -> list[Configured]:
        """Each choice of a key of `[dense]`: a name, a table of name and fields, or a list of these."""

        def is_sequence(key: str, chosen: Mapping[str, object]) -> bool:
            name = chosen.get("name")
            return isinstance(name, str) and self.builder.registry.get(kind, name).field_is_sequence(key)

        with self._at(f"dense.{kind}"):
            choices = value if isinstance(value, list) else [value]
            tables = [{"name": one.get("name"), **one} if isinstance(one, dict) else {"name": one} for one in choices]
            if not tables:
                raise ConfigError("an empty list; a list is a grid, with a value at least")
            return [self.builder.named(kind, one) for table in tables for one in expand(table, is_sequence)]

    def _points(self, row: RowSection, place: str, finetuning: Recipe) -> Iterator[_Point]:
        choices: list[list[tuple[dict[str, object], Step | Evaluate | Matched]]] = []
        marks: set[str] = set()
        for index, table in enumerate(row.steps):
            with self._at(f"{place}.steps[{index}]"):
                tables = expand(self._with_defaults(table), self.builder.is_sequence)
                choices.append([(one, self.builder.step(one, finetuning)) for one in tables])
                for mark in (step for _, step in choices[-1] if isinstance(step, Evaluate)):
                    if mark.label in marks:
                        raise ConfigError(f'evaluate: a second mark "{mark.label}" in the row')
                    marks.add(mark.label)
        written = [set(table) - {"recipe"} if row.label is None else set() for table in row.steps]
        shown = [shown_keys([one for one, _ in step], keys) for step, keys in zip(choices, written, strict=True)]
        for chosen in product(*choices):
            tables, steps = [table for table, _ in chosen], tuple(step for _, step in chosen)
            settings = tuple(setting_of(table, keys) for table, keys in zip(tables, shown, strict=True))
            yield _Point(row.label or method_of(tables), settings, steps)

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
        self, point: _Point, roots: list[Chain], outcomes: Mapping[str, list[list[Chain]]], place: str
    ) -> Iterator[list[list[tuple[str, Chain]]]]:
        """For each reference that the point is matched to, or once: per seed, the (mark, chain) to measure."""
        labels = [step.label for step in point.steps if isinstance(step, Matched)]
        for label in labels:
            if label not in outcomes:
                near = suggestion(label, outcomes)
                raise ConfigError(self.board.place(f'{place}: matched_to = "{label}" names no row above{near}'))
        for references in product(*(outcomes[label] for label in labels)):
            yield [
                _links(root, point.steps, [chains[number] for chains in references])
                for number, root in enumerate(roots)
            ]

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
                    controls = [self._control(end) for end in ends]
            yield from self._line("row", point.method, setting, ends, controls)
            if controls[0] is not None:
                yield from self._line("control", CONTROL, f"as {point.method} {setting}", cast(list[Chain], controls))

    def _line(
        self, role: Role, method: str, setting: str, chains: list[Chain], controls: Sequence[Chain | None] = ()
    ) -> Iterator[Cell]:
        for number, chain in enumerate(chains):
            control = controls[number] if controls else None
            yield Cell(self.board.board.name, self.line, role, method, setting, chain, control)
        self.line += 1

    def _control(self, chain: Chain) -> Chain | None:
        """The same chain with random masks: matched layer by layer, trained for as many epochs."""
        prunes = [step for step in chain.steps if isinstance(step, Prune)]
        if not prunes or all(step.pruner.name == CONTROL for step in prunes):
            return None
        use, _ = self.builder.use("pruner", CONTROL, {})
        built = chain.root
        for link in list(chain.links())[1:]:
            step = link.step
            if isinstance(step, Prune):
                built = built.then(Prune(use, step.skip, matched_to=link))
                if step.recipe:
                    built = built.then(Finetune(step.recipe))
            else:
                built = built.then(step)
        return built


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
