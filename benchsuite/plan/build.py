"""From one table of a board file, its grid resolved, to one step."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TypeVar, cast, get_args

from pydantic import TypeAdapter, ValidationError

from benchsuite.api import Dataset, Model, Pruner, Recipe
from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.steps import Finetune, Frozen, Prune, Quantize, Schedule, Step, Train, Use
from benchsuite.registry import Kind, Registry

PLUGIN_OF_VERB: dict[str, Kind] = {"prune": "pruner", "quantize": "quantizer"}
VERBS = (*PLUGIN_OF_VERB, "finetune", "evaluate")
_KEYS_OF_STEP = {"prune": ("schedule", "epochs", "skip", "recipe"), "quantize": ("skip",)}
_RECIPE = TypeAdapter(Recipe)
_RECIPE_KEYS = tuple(asdict(Recipe()))
_SEQUENCES = {"skip", "milestones", "augmentation"}

T = TypeVar("T")


@dataclass(frozen=True)
class Evaluate:
    """Not a step but a mark: measure here, too, under this label."""

    label: str


@dataclass(frozen=True)
class Matched:
    """A prune step whose sparsity comes from another row's outcome."""

    step: Prune
    label: str


def frozen(value: object) -> Frozen:
    """A JSON value with tuples for lists, so that it can be hashed."""
    if isinstance(value, list | tuple):
        return tuple(frozen(one) for one in value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ConfigError(f"a plugin's field holds {value!r}; fields are numbers, texts, truth values or lists of them")


@dataclass
class Builder:
    """Turns tables into steps; remembers plugins that it configured before."""

    registry: Registry
    fingerprint: Callable[[Dataset], str]
    _uses: dict[tuple[str, str, str], tuple[Use, object]] = field(default_factory=dict)
    _fingerprints: dict[Use, str] = field(default_factory=dict)

    def use(self, kind: Kind, name: str, fields: Mapping[str, object]) -> tuple[Use, object]:
        """The plugin with these fields, as a reference and as an object. Errors: ConfigError."""
        known = (kind, name, json.dumps(fields))
        if known not in self._uses:
            entry = self.registry.get(kind, name)
            plugin = entry.create(fields)
            values = tuple((key, frozen(value)) for key, value in entry.values(plugin).items())
            self._uses[known] = Use(kind, name, values, entry.source), plugin
        return self._uses[known]

    def train(self, table: Mapping[str, object]) -> tuple[Train, Recipe]:
        """The dense training of a resolved `[dense]` table, and the recipe for fine-tuning its model."""
        dataset, data = self._named("dataset", table["dataset"])
        model, architecture = self._named("model", table["model"])
        regularizer = self._named("regularizer", table["regularizer"])[0] if table["regularizer"] else None
        if dataset not in self._fingerprints:
            self._fingerprints[dataset] = self.fingerprint(cast(Dataset, data))
        model_type = cast(Model, architecture)
        changes = cast(Mapping[str, object], table["recipe"])
        recipe = override(model_type.training_recipe(), changes)
        precision = {"precision": recipe.precision}
        step = Train(dataset, self._fingerprints[dataset], model, recipe, regularizer)
        return step, override(model_type.finetuning_recipe(), precision)

    def step(self, table: Mapping[str, object], finetuning: Recipe) -> Step | Evaluate | Matched:
        """The step of a resolved table. Errors: ConfigError without the place, which the caller adds."""
        verb = verb_of(table)
        if verb == "evaluate":
            return Evaluate(_expect(table, "evaluate", str))
        if verb == "finetune":
            changes = {key: value for key, value in table.items() if key != "finetune"}
            return Finetune(override(finetuning, {**changes, "epochs": table["finetune"]}))
        own = {key: table[key] for key in _KEYS_OF_STEP[verb] if key in table}
        fields = {key: value for key, value in table.items() if key != verb and key not in own}
        name = _expect(table, verb, str)
        if verb == "quantize":
            use, _ = self.use("quantizer", name, fields)
            return Quantize(use, _layer_names(own.get("skip", [])))
        return self._prune(name, fields, own, finetuning)

    def is_sequence(self, key: str, chosen: Mapping[str, object]) -> bool:
        """Whether a list is one value of `key`, given the keys chosen before it."""
        if key in _SEQUENCES:
            return True
        for verb, kind in PLUGIN_OF_VERB.items():
            name = chosen.get(verb)
            if isinstance(name, str):
                return self.registry.get(kind, name).field_is_sequence(key)
        return False

    def _prune(
        self, name: str, fields: dict[str, object], own: Mapping[str, object], finetuning: Recipe
    ) -> Prune | Matched:
        level = fields.get("sparsity")
        label = None
        if isinstance(level, dict):
            if list(level) != ["matched_to"] or not isinstance(level["matched_to"], str):
                raise ConfigError('sparsity: a number, or {matched_to = "the label of a row above"}')
            label = level["matched_to"]
            self._require_sparsity(name, "sparsity = {matched_to = …}")
            fields = {key: value for key, value in fields.items() if key != "sparsity"}
        use, plugin = self.use("pruner", name, fields)
        skip = _layer_names(own["skip"]) if "skip" in own else cast(Pruner, plugin).skip
        schedule = own.get("schedule", "one-shot")
        if schedule not in get_args(Schedule):
            raise ConfigError(f"schedule: unknown {schedule!r}{suggestion(str(schedule), get_args(Schedule))}")
        recipe = None
        if schedule == "one-shot":
            if "epochs" in own or "recipe" in own:
                raise ConfigError('epochs and recipe belong to a schedule; give schedule = "linear" or "cubic"')
        else:
            self._require_sparsity(name, f'schedule = "{schedule}"')
            if label is not None:
                raise ConfigError("a schedule needs a sparsity of its own, not a matched one")
            if "epochs" not in own:
                raise ConfigError(f'schedule = "{schedule}" needs epochs')
            changes = cast(Mapping[str, object], own.get("recipe", {}))
            recipe = override(finetuning, {**changes, "epochs": own["epochs"]})
            if recipe.epochs < 1:
                raise ConfigError(f'schedule = "{schedule}" needs at least one epoch')
        step = Prune(use, skip, cast(Schedule, schedule), recipe)
        return step if label is None else Matched(step, label)

    def _require_sparsity(self, name: str, what: str) -> None:
        if not any(one.name == "sparsity" for one in self.registry.get("pruner", name).fields()):
            raise ConfigError(f'{what} needs a pruner with a field sparsity, and "{name}" has none')

    def _named(self, kind: Kind, table: object) -> tuple[Use, object]:
        fields = {"name": table} if isinstance(table, str) else dict(cast(Mapping[str, object], table))
        name = fields.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(f'{kind}: a name, or a table with a name such as {{name = "mlp"}}')
        return self.use(kind, name, fields)


def verb_of(table: Mapping[str, object]) -> str:
    """What the table asks for. Errors: ConfigError unless it has exactly one verb."""
    verbs = [key for key in table if key in VERBS]
    if len(verbs) != 1:
        unknown = next(iter(table), "")
        raise ConfigError(
            f"a step has one of {', '.join(VERBS)}" + ("" if verbs else suggestion(unknown, VERBS).replace(";", ":", 1))
        )
    return verbs[0]


def override(recipe: Recipe, changes: Mapping[str, object]) -> Recipe:
    """The recipe with some values replaced. Errors: ConfigError naming the value."""
    for key in changes:
        if key not in _RECIPE_KEYS:
            raise ConfigError(f"recipe: unknown key {key!r}{suggestion(key, _RECIPE_KEYS)}")
    try:
        return _RECIPE.validate_json(json.dumps({**asdict(recipe), **changes}), strict=True)
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        where = "".join(f".{part}" for part in problem["loc"][:1])
        raise ConfigError(f"recipe{where}: {problem['msg'].removeprefix('Value error, ')}") from None


def _layer_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError('skip: a list of layers, such as ["first", "last"]')
    return tuple(value)


def _expect(table: Mapping[str, object], key: str, kind: type[T]) -> T:
    value = table[key]
    if not isinstance(value, kind):
        raise ConfigError(f"{key}: expected {'a name' if kind is str else kind.__name__}, not {value!r}")
    return value
