"""What became of each line between two runs, and of all of them together."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.stats import false_discovery_control

from benchsuite.compare.lines import Compared, Place, Side, compared, incomparable, sides, vanished
from benchsuite.compare.sizes import Change, changes, identical, loss_changes, notes
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


@dataclass(frozen=True)
class Threshold:
    """What counts as a change."""

    smallest_effect: float = 0.5
    """In points of accuracy: less is not worth a verdict."""
    alpha: float = 0.05
    """The rate of false alarms among the lines called regressed, and the same among those called better."""


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

    @property
    def blocks(self) -> bool:
        """Whether `--check` fails for it."""
        return self.verdict in BLOCKING and not self.failed_before

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

    @property
    def compared(self) -> bool:
        """Whether there was anything to compare."""
        return any(one.verdict not in _UNCOMPARED or one.line is not None for one in self.findings)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict on all of it: the worst that `--check` minds, else the most that can be said; None of nothing."""
        found = {one.verdict for one in self.findings if one.blocks or one.verdict not in BLOCKING}
        return next((verdict for verdict in _SUMMARY if verdict in found), None)

    @property
    def blocks(self) -> bool:
        """Whether `--check` fails."""
        return any(one.blocks for one in self.findings)


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
    return Comparison(tuple(findings), threshold)


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
        return Finding(place, Verdict.MISSING if missing else Verdict.SAME, told, line)
    told += tuple(notes(line))
    sizes = tuple(changes(line))
    contrast = line.contrast
    if contrast is not None:
        return _Open(place, line, sizes, told, contrast, missing)
    losses = loss_changes(line)
    sizes += tuple(losses or ())
    return Finding(place, _verdict(sizes, losses is not None, missing), told, line, sizes=sizes)


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
        yield Finding(one.place, verdict, one.notes, one.line, estimate, one.sizes, q)


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
