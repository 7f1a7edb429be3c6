"""The conformance kit: one check for each way in which compression code is known to go wrong.

In the tests of a plugin:

    from benchsuite.testing import Check, conformance

    @conformance(MyPruner(), MyPruner(sparsity=0.9))
    def test_my_pruner(check: Check) -> None:
        check()
"""

from benchsuite.testing.checks import Check, Failure, NotApplicable, Plugin, Verdict
from benchsuite.testing.decorator import conformance
from benchsuite.testing.kit import checks, rules

__all__ = ["Check", "Failure", "NotApplicable", "Plugin", "Verdict", "checks", "conformance", "rules"]
