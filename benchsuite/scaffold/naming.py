"""What a new project is called: a name that pip, Python and benchsuite all accept and that nothing here has yet."""

import keyword
import re
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec

from benchsuite import api
from benchsuite.errors import ConfigError
from benchsuite.registry import Kind, Registry


@dataclass(frozen=True)
class ProjectName:
    """One name in its four forms: the distribution, entry point and registered name are the same."""

    kind: Kind
    name: str

    @property
    def module(self) -> str:
        """The name of the Python module."""
        return self.name.replace("-", "_")

    @property
    def cls(self) -> str:
        """The name of the class: `MyPruner` for "my-pruner", `RandomPruner` for the pruner "random"."""
        words = "".join(part.capitalize() for part in self.name.split("-"))
        kind = self.kind.capitalize()
        return words if words.endswith(kind) else words + kind


def project_name(kind: Kind, name: str, registry: Registry) -> ProjectName:
    """The checked name. Errors: ConfigError saying what is wrong with it, or who has it already."""
    named = ProjectName(kind, name)
    if problem := _malformed(named) or _taken(named, registry):
        raise ConfigError(f'{kind} "{name}": {problem}')
    return named


def _malformed(named: ProjectName) -> str | None:
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", named.name):
        return "a name is lower-case letters and digits, joined by single dashes, and begins with a letter"
    if keyword.iskeyword(named.module):
        return "the module would have a keyword of Python as its name: choose another one"
    if named.cls in api.__all__:
        return f'its class would be called "{named.cls}", as one of benchsuite\'s own: choose another name'
    return None


def _taken(named: ProjectName, registry: Registry) -> str | None:
    for entry in registry.entries(named.kind):
        if entry.name == named.name:
            return f"registered already, by the plugin {entry.plugin}: choose another name"
    if find_spec(named.module) is not None:
        return f'there is a module "{named.module}", which yours would hide: choose another name'
    try:
        version = metadata.version(named.name)
    except metadata.PackageNotFoundError:
        return None
    return f"{named.name} {version} is installed, and yours would take its place: choose another name"
