"""From one table of a board file, its grid resolved, to one step."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TypeAlias, cast, get_args

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from benchsuite.api import ChannelPruner, Dataset, Model, Recipe
from benchsuite.chain import Finetune, Frozen, Prune, Quantize, Schedule, Step, Train, Use
from benchsuite.errors import ConfigError, PluginError, suggestion
from benchsuite.registry import Kind, Registry

PLUGIN_OF_VERB: dict[str, Kind] = {"prune": "pruner", "quantize": "quantizer"}
VERBS = (*PLUGIN_OF_VERB, "finetune", "evaluate")
PROTOCOL_KEYS = {"prune": ("schedule", "epochs", "skip", "recipe"), "quantize": ("skip",)}
"""Of a step: the keys that are the board's, not the plugin's."""
_RECIPE = TypeAdapter(Recipe)
_RECIPE_KEYS = tuple(asdict(Recipe()))
_TUNING_KEYS = tuple(key for key in _RECIPE_KEYS if key != "epochs")
_DIGITS = 12
"""Of a rate that is computed: 1e-4, not 1.0000000000000002e-4, in keys and tables."""
_SEQUENCES = {"skip", "milestones", "augmentation"}

Configured: TypeAlias = tuple[Use, object]
"""A plugin as a reference and as an object; None for one that cannot be had: its cells will say why."""


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
    _uses: dict[tuple[str, str, str], Configured] = field(default_factory=dict)
    _fingerprints: dict[Use, str] = field(default_factory=dict)

    def use(self, kind: Kind, name: str, fields: Mapping[str, object]) -> Configured:
        """The plugin with these fields. Errors: ConfigError; PluginError if the plugin is at fault."""
        known = (kind, name, json.dumps(fields, default=repr))
        if known not in self._uses:
            entry = self.registry.get(kind, name)
            plugin = entry.create(fields)
            values = tuple((key, frozen(value)) for key, value in entry.values(plugin).items())
            self._uses[known] = Use(kind, name, values, entry.source), plugin
        return self._uses[known]

    def named(self, kind: Kind, table: object) -> Configured:
        """The plugin of a name, or of a table of a name and fields. Errors: ConfigError."""
        fields = dict(table) if isinstance(table, dict) else {"name": table}
        name = fields.pop("name", None)
        if not isinstance(name, str):
            raise ConfigError(f'a name, or a table with a name such as {{name = "mlp"}}, not {table!r}')
        return self.use(kind, name, fields)

    def train(
        self,
        dataset: Configured,
        model: Configured,
        regularizer: Configured | None,
        changes: Mapping[str, object],
        weights: tuple[Path, str] | None = None,
    ) -> tuple[Train, Recipe]:
        """The dense training, and the recipe for fine-tuning its model. Errors: ConfigError, DataError."""
        use, data = dataset
        if use not in self._fingerprints:
            self._fingerprints[use] = self.fingerprint(cast(Dataset, data))
        architecture = cast(Model, model[1])
        usual = architecture.training_recipe()
        recipe = override(usual, changes)
        file, digest = weights or (None, None)
        step = Train(use, self._fingerprints[use], model[0], recipe, regularizer and regularizer[0], digest, file)
        return step, derived(architecture.finetuning_recipe(), usual, recipe)

    def decision(self, kind: Kind, name: str, fields: Mapping[str, object]) -> Configured:
        """As `use`, of a plugin that decides in a step: where it is at fault, a reference to what cannot be had."""
        try:
            return self.use(kind, name, fields)
        except PluginError:
            return Use(kind, name, tuple((key, frozen(value)) for key, value in fields.items()), source=""), None

    def step(self, table: Mapping[str, object], finetuning: Recipe) -> Step | Evaluate | Matched:
        """The step of a resolved table. Errors: ConfigError without the place, which the caller adds."""
        verb = verb_of(table)
        if verb == "evaluate":
            _known_keys(table, ("evaluate",))
            return Evaluate(_name(table, "evaluate"))
        if verb == "finetune":
            changes = {key: value for key, value in table.items() if key != "finetune"}
            return Finetune(tuned(finetuning, changes, _epochs(table, "finetune")))
        name = _name(table, verb)
        known = self._fields(PLUGIN_OF_VERB[verb], name)
        if known is not None:
            _known_keys(table, (verb, *PROTOCOL_KEYS[verb], *known))
        own = {key: table[key] for key in PROTOCOL_KEYS[verb] if key in table}
        fields = {key: value for key, value in table.items() if key != verb and key not in own}
        if verb == "quantize":
            use, _ = self.decision("quantizer", name, fields)
            return Quantize(use, _layer_names(own.get("skip", [])))
        return self._prune(name, fields, own, finetuning)

    def is_sequence(self, key: str, chosen: Mapping[str, object]) -> bool:
        """Whether a list is one value of `key`, given the keys chosen before it."""
        if key in _SEQUENCES:
            return True
        for verb, kind in PLUGIN_OF_VERB.items():
            name = chosen.get(verb)
            if isinstance(name, str) and self._fields(kind, name) is not None:
                return self.registry.get(kind, name).field_is_sequence(key)
        return False

    def _fields(self, kind: Kind, name: str) -> tuple[str, ...] | None:
        """The names of the plugin's fields; None if it cannot be had. Errors: ConfigError for an unknown plugin."""
        try:
            return tuple(one.name for one in self.registry.get(kind, name).fields())
        except PluginError:
            return None

    def _prune(
        self, name: str, fields: dict[str, object], own: Mapping[str, object], finetuning: Recipe
    ) -> Prune | Matched:
        level = fields.get("sparsity")
        label = None
        if isinstance(level, dict):
            if list(level) != ["matched_to"] or not isinstance(level["matched_to"], str):
                raise ConfigError('sparsity: a number, or {matched_to = "the label of a row above"}')
            label = level["matched_to"]
            fields = {key: value for key, value in fields.items() if key != "sparsity"}
        use, plugin = self.decision("pruner", name, fields)
        physical = isinstance(plugin, ChannelPruner)
        skip = _layer_names(own["skip"]) if "skip" in own else cast(tuple[str, ...], getattr(plugin, "skip", ()))
        schedule = own.get("schedule", "one-shot")
        if schedule not in get_args(Schedule):
            raise ConfigError(f'unknown schedule "{schedule}"{suggestion(str(schedule), get_args(Schedule))}')
        recipe = None
        if schedule == "one-shot":
            if "epochs" in own or "recipe" in own:
                raise ConfigError('epochs and recipe belong to a schedule; give schedule = "linear" or "cubic"')
        else:
            if "sparsity" not in (self._fields("pruner", name) or ("sparsity",)):
                raise ConfigError(
                    f'schedule = "{schedule}" needs a pruner with a field sparsity, and "{name}" has none'
                )
            if physical:
                raise ConfigError(f'"{name}" removes channels, which cannot grow back: it knows no schedule')
            if label is not None:
                raise ConfigError("a schedule needs a sparsity of its own, not a matched one")
            if "epochs" not in own:
                raise ConfigError(f'schedule = "{schedule}" needs epochs')
            changes = cast(Mapping[str, object], own.get("recipe", {}))
            recipe = tuned(finetuning, changes, _epochs(own, "epochs"), "recipe: ")
            if recipe.epochs < 1:
                raise ConfigError(f'schedule = "{schedule}" needs at least one epoch')
        step = Prune(use, skip, cast(Schedule, schedule), recipe, physical)
        return step if label is None else Matched(step, label)


def verb_of(table: Mapping[str, object]) -> str:
    """What the table asks for. Errors: ConfigError unless it has exactly one verb."""
    verbs = [key for key in table if key in VERBS]
    if len(verbs) != 1:
        near = next((hint for key in table if "did you mean" in (hint := suggestion(key, VERBS))), "")
        has = f"this one has {' and '.join(verbs)}" if verbs else f"this one has none{near}"
        raise ConfigError(f"a step has one of the keys {', '.join(VERBS)}; {has}")
    return verbs[0]


def tuned(finetuning: Recipe, changes: Mapping[str, object], epochs: int, place: str = "") -> Recipe:
    """The recipe of some more epochs, whose number a step says outside of its recipe. Errors: as `override`."""
    _known_keys(changes, _TUNING_KEYS, place)
    return replace(override(finetuning, changes, place), epochs=epochs)


def derived(finetuning: Recipe, usual: Recipe, trained: Recipe) -> Recipe:
    """The recipe for fine-tuning a network that was `trained` otherwise than is `usual` for its model.

    The rate keeps its ratio to that of the training, and what fine-tuning shares with the usual training it shares
    with this one; what differs is the model's choice. Its length, its schedule and whether it is compiled are, too.
    """
    own = {"lr", "epochs", "schedule", "milestones", "compile"}
    shared = {
        name: value
        for name, value in asdict(trained).items()
        if name not in own and getattr(finetuning, name) == getattr(usual, name)
    }
    scaled = finetuning.lr
    if trained.lr != usual.lr and finetuning.optimizer == usual.optimizer:  # or the rates are no multiples
        scaled = float(f"{trained.lr * finetuning.lr / usual.lr:.{_DIGITS}g}")
    return replace(finetuning, **{**shared, "lr": scaled, "precision": trained.precision})


def override(recipe: Recipe, changes: Mapping[str, object], place: str = "") -> Recipe:
    """The recipe with some values replaced. Errors: ConfigError naming the value, after `place`."""
    _known_keys(changes, _RECIPE_KEYS, place)
    try:
        return _RECIPE.validate_json(json.dumps({**asdict(recipe), **changes}, default=str), strict=True)
    except ValidationError as invalid:
        problem = invalid.errors()[0]
        where = "".join(f"{part}: " for part in problem["loc"][:1])
        raise ConfigError(f"{place}{where}{_reason(problem)}") from None


def _reason(problem: ErrorDetails) -> str:
    if problem["type"] == "value_error":  # by the recipe, and names the value
        return problem["msg"].removeprefix("Value error, ")
    return f"{problem['msg'].removeprefix('Input ')}, not {problem['input']!r}"


def _known_keys(table: Mapping[str, object], known: Sequence[str], place: str = "") -> None:
    for key in table:
        if key not in known:
            raise ConfigError(f'{place}unknown key "{key}"{suggestion(key, known)}')


def _layer_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigError(f'skip: a list of layers, such as ["first", "last"], not {value!r}')
    return tuple(value)


def _name(table: Mapping[str, object], key: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{key}: a name, not {value!r}")
    return value


def _epochs(table: Mapping[str, object], key: str) -> int:
    value = table[key]
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ConfigError(f"{key}: a number of epochs, not {value!r}")
    return value
