"""What became of each line between two runs, and of all of them together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import false_discovery_control

from benchsuite.compare.lines import Compared, Place, Side, compared, incomparable, sides, vanished
from benchsuite.compare.methods import Together, together
from benchsuite.compare.sizes import Change, changes, identical, loses, loss_changes, notes
from benchsuite.errors import ConfigError
from benchsuite.metrics.paired import Contrast, Estimate, fit_prior
from benchsuite.store import Record


class Verdict(StrEnum):
    """In the order of a table: what needs a look comes first."""

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
    """What counts as a change."""

    smallest_effect: float = 0.5
    """In points of accuracy: less is not worth a verdict."""
    alpha: float = 0.05
    """The rate of false alarms among the lines called regressed, and the same among those called better."""

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
    """The verdict on one line."""

    place: Place
    verdict: Verdict
    notes: tuple[str, ...] = ()
    line: Compared | None = None
    estimate: Estimate | None = None
    """Of the accuracy, where it had to be estimated."""
    sizes: tuple[Change, ...] = ()
    q: float | None = None
    """The p-value of the change in the direction it has, adjusted for the number of lines that changed."""
    failed_before: bool = False
    copied: bool = False
    """Whether its records are the base's own, such as `run --add` takes over: nothing was run between them."""
    loses: bool = False
    """Whether it lost as much as matters, be it by chance."""

    @property
    def blocks(self) -> bool:
        """Whether `--check` fails for it."""
        return self.verdict in BLOCKING and not self.failed_before

    @property
    def warns(self) -> bool:
        """Whether it may well be worse, and too few seeds tell: `--check=strict` fails for it."""
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
    methods: tuple[Together, ...] = ()
    """What the changed lines of a method say together."""

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare: beside lines that are new, copies of the base's are not."""
        lines = [one for one in self.findings if one.verdict not in _UNCOMPARED or one.line is not None]
        beside = any(one.verdict in (Verdict.NEW, Verdict.NOT_COMPARABLE) for one in self.findings)
        return any(not (one.copied and beside) for one in lines)

    @property
    def regressed(self) -> tuple[Together, ...]:
        """The methods that regressed as a whole."""
        return tuple(one for one in self.methods if one.regressed)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on all of it: the worst that `--check` minds, else the most that can be said; None of nothing."""
        found = {one.verdict for one in self.findings if one.blocks or one.verdict not in BLOCKING}
        found |= {Verdict.REGRESSED} if self.regressed else set()
        return next((verdict for verdict in _SUMMARY if verdict in found), None)

    @property
    def blocks(self) -> bool:
        """Whether `--check` fails."""
        return bool(self.regressed) or any(one.blocks for one in self.findings)

    @property
    def warns(self) -> bool:
        """Whether `--check=strict` fails though `--check` does not."""
        return any(one.warns for one in self.findings)


@dataclass(frozen=True)
class _Open:
    """A line whose accuracy differs, and has to be judged together with the others."""

    place: Place
    line: Compared
    sizes: tuple[Change, ...]
    notes: tuple[str, ...]
    contrast: Contrast
    missing: bool


def compare(base: Iterable[Record], new: Iterable[Record], threshold: Threshold = DEFAULT_THRESHOLD) -> Comparison:
    """Compare two runs of the same boards, line by line; the order of the records does not matter."""
    before, after = _boards(base), _boards(new)
    findings: list[Finding] = []
    estimates: list[tuple[_Open, Estimate]] = []
    for board in sorted(before.keys() | after.keys()):
        old, now = sides(before.get(board, ())), sides(after.get(board, ()))
        found = [_found(place, old.get(place), now.get(place)) for place in {**old, **now}]
        findings += [one for one in found if isinstance(one, Finding)]
        undecided = [one for one in found if isinstance(one, _Open)]
        prior = fit_prior(one.contrast for one in undecided)
        estimates += [(one, Estimate(one.contrast, prior)) for one in undecided]
    findings += _judged(estimates, threshold)
    order = list(Verdict)
    findings.sort(key=lambda one: (order.index(one.verdict), one.estimate.change if one.estimate else 0.0, one.place))
    pairs = [(one.place, estimate) for one, estimate in estimates]
    return Comparison(tuple(findings), threshold, together(pairs, threshold.smallest_effect, threshold.alpha))


def _boards(records: Iterable[Record]) -> dict[str, list[Record]]:
    boards: dict[str, list[Record]] = {}
    for record in records:
        boards.setdefault(str(record.cell["board"]), []).append(record)
    return boards


def _found(place: Place, base: Side | None, new: Side | None) -> Finding | _Open:
    """What can be said of a line by itself."""
    if new is None or base is None:
        return Finding(place, Verdict.MISSING if new is None else Verdict.NEW)
    told = tuple(_told(base, new))
    line = compared(base, new)
    if broken := new.broken:
        before = broken.keys() <= base.broken.keys() if base.records.keys() & new.records.keys() else bool(base.broken)
        return Finding(place, Verdict.FAILED, told, line, failed_before=before)
    if line is None:
        return Finding(place, Verdict.BETTER, told)
    if reasons := tuple(incomparable(line.pairs)):
        return Finding(place, Verdict.NOT_COMPARABLE, reasons)
    missing = bool(vanished(base, new))
    if identical(line):
        copied = line.paired and all(pair.is_copy for pair in line.pairs)
        return Finding(place, Verdict.MISSING if missing else Verdict.SAME, told, line, copied=copied)
    told += tuple(notes(line))
    sizes = tuple(changes(line))
    contrast = line.contrast
    if contrast is not None:
        return _Open(place, line, sizes, told, contrast, missing)
    losses = loss_changes(line)
    sizes += tuple(losses or ())
    verdict = _verdict(sizes, losses is not None, missing)
    return Finding(place, verdict, told, line, sizes=sizes, loses=loses(line))


def _told(base: Side, new: Side) -> Iterator[str]:
    """What to know of the seeds."""
    reasons: dict[str, list[int]] = {}
    for seed, record in new.broken.items():
        reason = " ".join(str((record.error or {}).get("reason")).split())
        reasons.setdefault(f"{record.status}: {reason}", []).append(seed)
    for seed, record in base.broken.items():
        if seed not in new.broken:
            reasons.setdefault(f"{record.status} before", []).append(seed)
    for reason, broken in reasons.items():
        yield f"{_seeds(broken)} {reason}"
    if seeds := vanished(base, new):
        yield f"missing: {_seeds(seeds)}"


def _seeds(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _judged(estimates: Sequence[tuple[_Open, Estimate]], threshold: Threshold) -> Iterator[Finding]:
    """The verdicts where accuracy differs, corrected for how many they are."""
    tested = [(one, estimate) for one, estimate in estimates if estimate.testable]
    chances = np.array([(estimate.p_worse, estimate.p_better) for _, estimate in tested]).reshape(-1, 2)
    controlled = false_discovery_control(chances, axis=0).tolist() if tested else []
    adjusted = {one.place: qs for (one, _), qs in zip(tested, controlled, strict=True)}
    for one, estimate in estimates:
        q_worse, q_better = adjusted.get(one.place, (1.0, 1.0))
        effect, margin = threshold.smallest_effect, estimate.margin(threshold.alpha)
        lower = q_worse <= threshold.alpha and estimate.change <= -effect
        higher = q_better <= threshold.alpha and estimate.change >= effect
        known = estimate.contrast.settled and abs(estimate.change) + margin <= effect
        verdict = _verdict(one.sizes, lower or higher or known, one.missing, lower, higher)
        q = q_worse if estimate.change < 0 else q_better
        yield Finding(one.place, verdict, one.notes, one.line, estimate, one.sizes, q, loses=estimate.change <= -effect)


def _verdict(
    sizes: Sequence[Change], known: bool, missing: bool, less_accurate: bool = False, more_accurate: bool = False
) -> Verdict:
    """Smaller and less accurate is regressed: nothing makes up for what got worse."""
    if less_accurate or any(change.worse for change in sizes):
        return Verdict.REGRESSED
    if missing:
        return Verdict.MISSING
    if not known:
        return Verdict.UNDERPOWERED
    return Verdict.BETTER if more_accurate or sizes else Verdict.SAME
