"""From a board to its cells: every row, at every point of its grid, with every seed, and its controls."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal, cast

from benchsuite.api import Dataset, Recipe
from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.build import PLUGIN_OF_VERB, Builder, Evaluate, Matched, verb_of
from benchsuite.plan.grid import expand
from benchsuite.plan.schema import Board, RowSection
from benchsuite.plan.steps import Chain, Finetune, Prune, Step, Train
from benchsuite.registry import Registry

CONTROL = "random"
"""The pruner that every other one has to beat."""

Role = Literal["dense", "row", "control"]


@dataclass(frozen=True)
class Cell:
    """One planned measurement: a chain, and its place on the board."""

    board: str
    line: int
    """Which line of the table; the seeds of a line differ in nothing else."""
    role: Role
    method: str
    setting: str
    chain: Chain
    control: Chain | None = None
    """The random masks of the same sparsity per layer and the same training."""

    @property
    def key(self) -> str:
        """The key of its chain: no two cells of a board share one."""
        return self.chain.key

    @property
    def name(self) -> str:
        """How progress and messages name it."""
        return f"{self.method} {self.setting}, seed {self.chain.seed}"


@dataclass(frozen=True)
class Plan:
    """All cells of a board, in the order of the table, seeds of a line together."""

    board: Board
    seeds: tuple[int, ...]
    cells: tuple[Cell, ...]


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
        raise ConfigError(board.place(f"board.seeds: {list(chosen)} names a seed twice"))
    cells: dict[str, Cell] = {}
    for cell in _Planner(board, Builder(registry, fingerprint), chosen).cells():
        known = cells.setdefault(cell.key, cell)
        if known is not cell and cell.role != "control":
            same = f'"{known.method} {known.setting}"'.replace(' "', '"')
            raise ConfigError(board.place(f'"{cell.method} {cell.setting}" plans the same chain as {same}'))
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
            outcomes: dict[str, list[list[Chain]]] = {}
            for number, row in enumerate(self.board.rows):
                place = f"rows[{number}]"
                for point in self._points(row, place, finetuning):
                    for chains in self._with_references(point, roots, outcomes, place):
                        outcomes.setdefault(point.method, []).append([links[-1][1] for links in chains])
                        yield from self._measured(point, chains, row.control)

    def _dense(self) -> Iterator[tuple[Train, Recipe]]:
        section = self.board.dense
        try:
            for dataset, model, regularizer in product(
                self._named("dataset", section.dataset),
                self._named("model", section.model),
                self._named("regularizer", section.regularizer),
            ):
                for recipe in expand(section.recipe, self.builder.is_sequence):
                    table = {"dataset": dataset, "model": model, "regularizer": regularizer, "recipe": recipe}
                    yield self.builder.train(table)
        except ConfigError as error:
            raise ConfigError(self.board.place(f"dense: {error}")) from error

    def _named(self, kind: Literal["dataset", "model", "regularizer"], value: object) -> list[object]:
        choices: list[object] = []
        for one in value if isinstance(value, list) else [value]:
            if not isinstance(one, dict):
                choices.append(one)
                continue
            name = str(one.get("name"))

            def is_sequence(key: str, _: Mapping[str, object], name: str = name) -> bool:
                return key != "name" and self.builder.registry.get(kind, name).field_is_sequence(key)

            choices.extend(expand(one, is_sequence))
        return choices

    def _points(self, row: RowSection, place: str, finetuning: Recipe) -> Iterator[_Point]:
        changes = self.board.finetune
        choices: list[list[tuple[dict[str, object], Step | Evaluate | Matched]]] = []
        for index, table in enumerate(row.steps):
            try:
                verb = verb_of(table)
                ordered = {verb: table[verb], **table}
                if verb == "finetune":
                    ordered = {verb: table[verb], **changes, **table}
                elif "schedule" in table:
                    ordered["recipe"] = {**changes, **cast(dict[str, object], table.get("recipe", {}))}
                choices.append(
                    [
                        ({key: value for key, value in one.items() if key in table}, self.builder.step(one, finetuning))
                        for one in expand(ordered, self.builder.is_sequence)
                    ]
                )
            except ConfigError as error:
                raise ConfigError(self.board.place(f"{place}.steps[{index}]: {error}")) from error
        shown = [_shown([table for table, _ in step], row.label is None) for step in choices]
        for chosen in product(*choices):
            tables, steps = [table for table, _ in chosen], tuple(step for _, step in chosen)
            settings = tuple(_setting(table, keys) for table, keys in zip(tables, shown, strict=True))
            yield _Point(row.label or _method(tables), settings, steps)

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

    def _measured(self, point: _Point, chains: list[list[tuple[str, Chain]]], with_control: bool) -> Iterator[Cell]:
        for measured in zip(*chains, strict=True):
            setting = point.setting(measured[0][0])
            ends = [chain for _, chain in measured]
            controls = [self._control(end) if with_control else None for end in ends]
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


def _method(tables: Sequence[Mapping[str, object]]) -> str:
    names = [str(table[verb]) for table in tables for verb in PLUGIN_OF_VERB if verb in table]
    return " + ".join(names) or "trained on"


def _shown(tables: Sequence[Mapping[str, object]], all_fields: bool) -> set[str]:
    """The keys of a step that its rows differ in; without a label also those that are written down."""
    quiet = {"prune", "quantize", "evaluate", "recipe", "skip"}
    keys = {key for table in tables for key in table} - quiet
    return {key for key in keys if all_fields or len({repr(table.get(key)) for table in tables}) > 1}


def _setting(table: Mapping[str, object], keys: set[str]) -> str:
    words = []
    for key, value in table.items():
        if key not in keys or value is False:
            continue
        if isinstance(value, dict):
            words += [f"{key} of {value.get('matched_to')}"]
        elif value is True:
            words += [key]
        elif key == "schedule":
            words += [str(value)]
        elif key in ("finetune", "epochs"):
            words += [f"{value} epochs"]
        else:
            words += [f"{key} {value}"]
    return " ".join(words)
