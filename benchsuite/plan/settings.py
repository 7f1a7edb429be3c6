"""How the lines of a table are told apart: method, and the setting that a point of a grid gives it."""

from collections.abc import Iterable, Mapping, Sequence

from benchsuite.plan.build import PLUGIN_OF_VERB

_QUIET = {*PLUGIN_OF_VERB, "evaluate", "skip"}
"""Keys of a row without a label that its lines' settings need not tell."""


def method_of(tables: Sequence[Mapping[str, object]]) -> str:
    """What a row without a label is called: its plugins."""
    names = [str(table[verb]) for table in tables for verb in PLUGIN_OF_VERB if verb in table]
    return " + ".join(names) or "trained on"


def _flat(table: Mapping[str, object]) -> dict[str, object]:
    """The table with the values of its recipe beside its own."""
    recipe = table.get("recipe")
    nested = {f"recipe.{key}": value for key, value in recipe.items()} if isinstance(recipe, dict) else {}
    return {**{key: value for key, value in table.items() if key != "recipe"}, **nested}


def shown_keys(tables: Sequence[Mapping[str, object]], written: Iterable[str]) -> set[str]:
    """The keys of a step that its points differ in, and those that are `written` in a row without a label.

    Such a row is called by its plugins, which are then not told again.
    """
    flat = [_flat(table) for table in tables]
    keys = {key for table in flat for key in table}
    differing = {key for key in keys if any(table.get(key) != flat[0].get(key) for table in flat)}
    return differing - set(PLUGIN_OF_VERB) | set(written) - _QUIET if written else differing


def setting_of(table: Mapping[str, object], keys: set[str]) -> str:
    """One step in words, as far as `keys` are told: "sparsity 0.8 linear"."""
    words = []
    for key, value in _flat(table).items():
        if key not in keys or value is False:
            continue
        if key in PLUGIN_OF_VERB:
            words += [str(value)]
        elif isinstance(value, dict):
            words += [f"as {value.get('matched_to')}"]
        elif value is True:
            words += [key]
        elif isinstance(value, list):
            words += [f"{key} {'+'.join(map(str, value)) or 'none'}"]
        elif key == "schedule":
            words += [str(value)]
        elif key in ("finetune", "epochs"):
            words += [f"{value} epochs"]
        else:
            words += [f"{key.removeprefix('recipe.')} {value}"]
    return " ".join(words)
