"""The findings of a comparison: the verdict on each row and on all rows, and the threshold of a change."""

from dataclasses import dataclass
from enum import StrEnum

from benchsuite.compare.lines import RowId
from benchsuite.compare.methods import MethodFinding
from benchsuite.compare.sizes import Change
from benchsuite.errors import ConfigError
from benchsuite.metrics.paired import Estimate
from benchsuite.results.pairing import PairedLine


class Verdict(StrEnum):
    """The fate of a row, in the order of a table: the verdicts that need a look come first."""

    REGRESSED = "regressed"
    FAILED = "failed"
    MISSING = "missing"
    NOT_COMPARABLE = "not comparable"
    BETTER = "better"
    UNDERPOWERED = "underpowered"
    NEW = "new"
    SAME = "same"


BLOCKING = (Verdict.REGRESSED, Verdict.FAILED, Verdict.MISSING)
_UNCOMPARED = (Verdict.MISSING, Verdict.NOT_COMPARABLE, Verdict.NEW)
_SUMMARY = (
    *BLOCKING,
    Verdict.BETTER,
    Verdict.UNDERPOWERED,
    Verdict.SAME,
    Verdict.NOT_COMPARABLE,
    Verdict.NEW,
)

_MOST_POINTS, _MOST_ALPHA = 100.0, 0.5


@dataclass(frozen=True)
class Threshold:
    """The smallest change that counts, and the rate of false alarms."""

    smallest_effect: float = 0.5
    """In points of accuracy: less is not worth a verdict."""
    alpha: float = 0.05
    """The rate of false alarms among the rows called regressed, and the same among those called better."""

    def __post_init__(self) -> None:
        """Errors: ConfigError for a value by which no change, or any, would be a regression."""
        if not 0 <= self.smallest_effect <= _MOST_POINTS:
            raise ConfigError(
                f"a smallest effect of {self.smallest_effect}: give points of accuracy between 0 and {_MOST_POINTS:g}"
            )
        if not 0 < self.alpha <= _MOST_ALPHA:
            raise ConfigError(f"an alpha of {self.alpha}: give a rate above 0 and at most {_MOST_ALPHA}")


DEFAULT_THRESHOLD = Threshold()


@dataclass(frozen=True)
class Finding:
    """The verdict on one row."""

    row: RowId
    verdict: Verdict
    notes: tuple[str, ...] = ()
    line: PairedLine | None = None
    estimate: Estimate | None = None
    """The change of the accuracy, where it had to be estimated."""
    sizes: tuple[Change, ...] = ()
    q: float | None = None
    """The p-value of the change in the direction it has, adjusted for the number of rows that changed."""
    failed_before: bool = False
    copied: bool = False
    """True if its records are the base's, such as `run --add` takes over: nothing was run between them."""
    loses: bool = False
    """True if it lost as much as matters, even if by chance."""

    @property
    def blocks(self) -> bool:
        """True if `--check` fails because of the row."""
        return self.verdict in BLOCKING and not self.failed_before

    @property
    def warns(self) -> bool:
        """True if it may well be worse, and the seeds are too few to show it: `--check=strict` fails."""
        return self.verdict is Verdict.UNDERPOWERED and self.loses

    @property
    def accuracies(self) -> tuple[float, float] | None:
        """Mean accuracy in percent, base and new."""
        values = self.line.values("accuracy") if self.line else None
        return (sum(values[0]) / len(values[0]), sum(values[1]) / len(values[1])) if values else None


@dataclass(frozen=True)
class Comparison:
    """All findings, those that need a look first."""

    findings: tuple[Finding, ...]
    threshold: Threshold
    methods: tuple[MethodFinding, ...] = ()
    """The verdicts on methods, from their changed rows together."""

    @property
    def compared(self) -> bool:
        """True if there was anything to compare: beside rows that are new, copies of the base's do not count."""
        lines = [finding for finding in self.findings if finding.verdict not in _UNCOMPARED or finding.line]
        beside = any(finding.verdict in (Verdict.NEW, Verdict.NOT_COMPARABLE) for finding in self.findings)
        return any(not (finding.copied and beside) for finding in lines)

    @property
    def regressed(self) -> tuple[MethodFinding, ...]:
        """The methods that regressed as a whole."""
        return tuple(finding for finding in self.methods if finding.regressed)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on all rows: the worst that fails `--check`, else the strongest; None of an empty comparison."""
        verdicts = {finding.verdict for finding in self.findings if finding.blocks or finding.verdict not in BLOCKING}
        verdicts |= {Verdict.REGRESSED} if self.regressed else set()
        return next((verdict for verdict in _SUMMARY if verdict in verdicts), None)

    @property
    def blocks(self) -> bool:
        """True if `--check` fails."""
        return bool(self.regressed) or any(finding.blocks for finding in self.findings)

    @property
    def warns(self) -> bool:
        """True if `--check=strict` fails because of a warning."""
        return any(finding.warns for finding in self.findings)
