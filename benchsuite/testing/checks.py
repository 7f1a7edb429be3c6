"""A check: one way in which compression code is known to go wrong, asked of one configured plugin."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple
from unittest import SkipTest

from benchsuite.api import ChannelPruner, Dataset, Model, Pruner, Quantizer, Regularizer
from benchsuite.errors import BenchsuiteError
from benchsuite.execution.threads import fitting_threads
from benchsuite.testing.surroundings import preserved

Plugin = Pruner | ChannelPruner | Quantizer | Regularizer | Model | Dataset
Verdict = Literal["passed", "failed", "expected failure", "unexpected pass", "not applicable"]


class Failure(AssertionError):  # noqa: N818  # a finding, not a fault of the program
    """A check that did not pass: what was asked, what came, and on which case."""


class NotApplicable(SkipTest):  # no error: to unittest and pytest it is a test to be skipped
    """There is nothing to ask of this plugin, or not here; the message says why."""


class Rule(NamedTuple):
    """A check before it has its plugin."""

    name: str
    why: str
    kinds: tuple[type[Plugin], ...]
    body: Callable[..., None]


def rule(*kinds: type[Plugin]) -> Callable[[Callable[..., None]], Rule]:
    """Make of a function of a plugin a rule for these kinds: its name is the check's, its docstring says why."""

    def make(body: Callable[..., None]) -> Rule:
        return Rule(body.__name__.replace("_", "-"), " ".join((body.__doc__ or "").split()), kinds, body)

    return make


@dataclass(frozen=True)
class Check:
    """Called, it returns if all is well.

    Errors: Failure, an AssertionError; NotApplicable, which pytest and unittest count as skipped.
    """

    name: str
    why: str
    """One sentence: what goes wrong where this fails."""
    plugin: Plugin
    shown: str
    """The plugin as its user wrote it."""
    body: Callable[..., None]

    def __call__(self) -> None:
        with case(f"{self.shown}, {self.name}"):
            self._ask()

    def __str__(self) -> str:
        return f"{self.name}[{self.shown}]"

    @property
    def declared(self) -> str | None:
        """The reason for which the plugin expects to fail here, if it does."""
        return self.plugin.expected_failures.get(self.name)

    def verdict(self) -> tuple[Verdict, str]:
        """What came of it, and the detail: what failed, or the reason that the plugin or the check gives."""
        try:
            self._ask()
        except NotApplicable as reason:
            return "not applicable", str(reason)
        except Failure as failure:
            return ("failed", str(failure)) if self.declared is None else ("expected failure", self.declared)
        return ("passed", "") if self.declared is None else ("unexpected pass", f"declared to fail: {self.declared}")

    def _ask(self) -> None:
        with preserved(), fitting_threads(0), case():  # for networks so small a second thread only waits
            self.body(self.plugin)


@contextmanager
def case(name: str = "") -> Iterator[None]:
    """Whatever goes wrong inside is a Failure that names the case."""
    place = f"{name}: " if name else ""
    try:
        yield
    except NotApplicable:
        raise
    except (Failure, BenchsuiteError) as error:
        raise Failure(f"{place}{error}") from error
    except Exception as error:
        raise Failure(f"{place}{type(error).__name__}: {error}") from error


def require(holds: bool, otherwise: str) -> None:
    """Errors: Failure, which unlike a bare assertion survives `python -O`."""
    if not holds:
        raise Failure(otherwise)
