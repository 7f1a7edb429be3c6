"""Values of a record by their paths, as published figures name them: `accuracy`, `layers/NAME/sparsity`."""

from collections.abc import Mapping

from benchsuite.chain import JSON
from benchsuite.errors import ConfigError, suggestion
from benchsuite.metrics.layer_counts import LayerCounts
from benchsuite.store import Record


def value_at(record: Record, path: str, key: str) -> JSON:
    """Return a metric, or what a path of names and numbers leads to, such as `history/NAME/-1`.

    Errors: ConfigError naming the `key` of the figure, for a path that leads nowhere.
    """
    value = _values(record)
    for part in path.split("/"):
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list | tuple) and part.lstrip("-").isdigit() and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            known = suggestion(part, value) if isinstance(value, Mapping) else ""
            raise ConfigError(f'published.toml, {key}: the records have no "{path}"{known}')
    return value


def _values(record: Record) -> JSON:
    return {
        **record.metrics.to_json(),
        "history": record.history,
        "layers": {layer.name: _counts(layer) for layer in record.layers},
    }


def _counts(layer: LayerCounts) -> JSON:
    return {**vars(layer), "sparsity": layer.sparsity}
