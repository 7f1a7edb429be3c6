"""Whether a distribution was built for this version of benchsuite, by what it says it requires."""

from collections.abc import Iterator
from functools import cache
from importlib.metadata import Distribution, version

from packaging.requirements import InvalidRequirement, Requirement

from benchsuite.api import PROJECT


@cache  # reading a distribution's metadata takes a millisecond, and all its entry points ask
def incompatibility(distribution: Distribution) -> str | None:
    """Why the distribution does not go with the installed benchsuite; None if it does.

    pip installs no such pair, unless it is told `--no-deps` or one of the two is a checkout that moved on.
    """
    installed = version(PROJECT)
    for requirement in _requirements(distribution):
        if not requirement.specifier.contains(installed, prereleases=True):
            plugin = f"{distribution.name} {distribution.version}"
            return f"{plugin} needs {PROJECT} {requirement.specifier}, this is {installed}: update one of them"
    return None


def _requirements(distribution: Distribution) -> Iterator[Requirement]:
    """What it requires of benchsuite, without extras, on this machine."""
    for line in distribution.requires or ():
        if not line.lower().startswith(PROJECT):
            continue  # parsing all of them would cost every command
        try:
            requirement = Requirement(line)
        except InvalidRequirement:  # pip's business
            continue
        if requirement.name.lower() == PROJECT and (not requirement.marker or requirement.marker.evaluate()):
            yield requirement
