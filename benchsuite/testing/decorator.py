"""The decorator by which a plugin's own tests call the kit."""

from typing import TYPE_CHECKING

from benchsuite.testing.checks import Failure, Plugin
from benchsuite.testing.kit import checks

if TYPE_CHECKING:
    import pytest


def conformance(*plugins: Plugin | str) -> "pytest.MarkDecorator":
    """Make a test of one argument `check` a test for each check of each plugin; its body is `check()`.

    plugins: configured ones, or registered names such as `percentile[sparsity=0.9]`. A failure that the plugin
    declares is a strict xfail: a pass is then an error, too. Needs pytest.
    """
    import pytest

    cases = []
    for check in (check for plugin in plugins for check in checks(plugin)):
        reason = check.declared
        marks = [] if reason is None else [pytest.mark.xfail(strict=True, raises=Failure, reason=reason)]
        cases.append(pytest.param(check, id=str(check), marks=marks))
    return pytest.mark.parametrize("check", cases)
