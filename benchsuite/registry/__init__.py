"""Discovery of plugins, their provenance, and lookup with suggestions."""

from benchsuite.registry.catalog import Entry
from benchsuite.registry.fields import JSON, Factory, Field
from benchsuite.registry.kinds import KINDS, Kind
from benchsuite.registry.loader import LoadedPlugin, Lost, load_plugins
from benchsuite.registry.provenance import source_digest
from benchsuite.registry.registry import Registry, default_registry

__all__ = [
    "JSON",
    "KINDS",
    "Entry",
    "Factory",
    "Field",
    "Kind",
    "LoadedPlugin",
    "Lost",
    "Registry",
    "default_registry",
    "load_plugins",
    "source_digest",
]
