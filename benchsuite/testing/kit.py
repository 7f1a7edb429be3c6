"""The kit: all rules there are, and which of them become checks of a plugin."""

from collections.abc import Sequence
from types import ModuleType

from benchsuite.api import ChannelPruner, Dataset, Model, Pruner, Quantizer, Regularizer
from benchsuite.errors import PluginError, suggestion
from benchsuite.registry import Registry, default_registry
from benchsuite.registry.reference import configured
from benchsuite.testing import (
    channel_pruners,
    conduct,
    cost,
    datasets,
    layers,
    models,
    pruners,
    quantizers,
    regularizers,
    training,
    values,
)
from benchsuite.testing.checks import Check, Plugin, Rule

_MODULES: Sequence[ModuleType] = (
    pruners,
    channel_pruners,
    quantizers,
    regularizers,
    models,
    datasets,
    layers,
    training,
    conduct,
    values,
    cost,
)


def rules(kind: type[Plugin] | None = None) -> list[Rule]:
    """All rules, or those for a kind of plugin, in the order of the report."""
    found = [one for module in _MODULES for one in vars(module).values() if isinstance(one, Rule)]
    return [one for one in found if kind is None or issubclass(kind, one.kinds)]


def checks(plugin: Plugin | str, registry: Registry | None = None) -> list[Check]:
    """The checks of a configured plugin, or of a registered name such as `percentile[sparsity=0.9]`.

    Errors: ConfigError for an unknown name or field; PluginError for what is no plugin, and if it expects to fail a
    check that there is not.
    """
    shown = plugin if isinstance(plugin, str) else repr(plugin)
    asked = configured(plugin, registry or default_registry()) if isinstance(plugin, str) else plugin
    if not isinstance(asked, Pruner | ChannelPruner | Quantizer | Regularizer | Model | Dataset):
        raise PluginError(f"{shown} is no plugin that can be checked: configure one, such as MyPruner(sparsity=0.9)")
    found = [Check(one.name, one.why, asked, shown, one.body) for one in rules(type(asked))]
    names = {check.name for check in found}
    for name in asked.expected_failures:
        if name not in names:
            raise PluginError(f'{shown} expects to fail the check "{name}", which it has not{suggestion(name, names)}')
    return found
