"""Judge the rows of two runs: each by itself where counts decide, all together where accuracy differs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import false_discovery_control

from benchsuite.compare.findings import DEFAULT_THRESHOLD, Comparison, Finding, Threshold, Verdict
from benchsuite.compare.lines import RowId, incomparable, is_copy, rows, vanished
from benchsuite.compare.methods import judge_methods
from benchsuite.compare.sizes import Change, changes, identical, loses, loss_changes, notes
from benchsuite.metrics.paired import Contrast, Estimate, fit_prior
from benchsuite.results import board_results
from benchsuite.results.pairing import PairedLine, SeedRecords, pair
from benchsuite.store import Record


@dataclass(frozen=True)
class _Undecided:
    """A row whose accuracy differs, and which has to be judged together with the others."""

    row: RowId
    line: PairedLine
    sizes: tuple[Change, ...]
    notes: tuple[str, ...]
    contrast: Contrast
    missing: bool


def compare(base: Iterable[Record], new: Iterable[Record], threshold: Threshold = DEFAULT_THRESHOLD) -> Comparison:
    """Compare two runs of the same boards, row by row; the order of the records does not matter."""
    before, after = ({results.board: rows(results) for results in board_results(run)} for run in (base, new))
    findings: list[Finding] = []
    estimates: list[tuple[_Undecided, Estimate]] = []
    for board in sorted(before.keys() | after.keys()):
        old, now = before.get(board, {}), after.get(board, {})
        examined = [_examine(row, old.get(row), now.get(row)) for row in {**old, **now}]
        findings += [outcome for outcome in examined if isinstance(outcome, Finding)]
        undecided = [outcome for outcome in examined if isinstance(outcome, _Undecided)]
        prior = fit_prior(outcome.contrast for outcome in undecided)
        estimates += [(outcome, Estimate(outcome.contrast, prior)) for outcome in undecided]
    findings += _judge(estimates, threshold)
    by_row = [(outcome.row, estimate) for outcome, estimate in estimates]
    methods = judge_methods(by_row, threshold.smallest_effect, threshold.alpha)
    return Comparison(tuple(sorted(findings, key=_urgency)), threshold, methods)


def _urgency(finding: Finding) -> tuple[int, float, RowId]:
    """Return the sort key that puts first the findings that need a look, the largest loss of each verdict first."""
    change = finding.estimate.change if finding.estimate else 0.0
    return list(Verdict).index(finding.verdict), change, finding.row


def _examine(row: RowId, base: SeedRecords | None, new: SeedRecords | None) -> Finding | _Undecided:
    """Judge a row by itself, as far as that is possible."""
    if new is None or base is None:
        return Finding(row, Verdict.MISSING if new is None else Verdict.NEW)
    remarks = tuple(_seed_notes(base, new))
    line = pair(base, new)
    if broken := new.broken:
        before = broken.keys() <= base.broken.keys() if base.records.keys() & new.records.keys() else bool(base.broken)
        return Finding(row, Verdict.FAILED, remarks, line, failed_before=before)
    if line is None:
        return Finding(row, Verdict.BETTER, remarks)
    if reasons := tuple(incomparable(line.pairs)):
        return Finding(row, Verdict.NOT_COMPARABLE, reasons)
    missing = bool(vanished(base, new))
    if identical(line):
        copied = line.paired and all(map(is_copy, line.pairs))
        return Finding(row, Verdict.MISSING if missing else Verdict.SAME, remarks, line, copied=copied)
    remarks += tuple(notes(line))
    sizes = tuple(changes(line))
    contrast = line.contrast
    if contrast is not None:
        return _Undecided(row, line, sizes, remarks, contrast, missing)
    losses = loss_changes(line)
    sizes += tuple(losses or ())
    verdict = _verdict(sizes, losses is not None, missing)
    return Finding(row, verdict, remarks, line, sizes=sizes, loses=loses(line))


def _seed_notes(base: SeedRecords, new: SeedRecords) -> Iterator[str]:
    """Yield the seeds that have no result, now or before, with the reason."""
    by_reason: dict[str, list[int]] = {}
    for seed, record in new.broken.items():
        reason = " ".join(str(record.error and record.error.reason).split())
        by_reason.setdefault(f"{record.status}: {reason}", []).append(seed)
    for seed, record in base.broken.items():
        if seed not in new.broken:
            by_reason.setdefault(f"{record.status} before", []).append(seed)
    for reason, seeds in by_reason.items():
        yield f"{_listed(seeds)} {reason}"
    if lost := vanished(base, new):
        yield f"missing: {_listed(lost)}"


def _listed(seeds: Sequence[int]) -> str:
    return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"


def _judge(estimates: Sequence[tuple[_Undecided, Estimate]], threshold: Threshold) -> Iterator[Finding]:
    """Yield the verdicts on rows whose accuracy differs, corrected for their number."""
    tested = [(outcome, estimate) for outcome, estimate in estimates if estimate.testable]
    chances = np.array([(estimate.p_worse, estimate.p_better) for _, estimate in tested]).reshape(-1, 2)
    controlled = false_discovery_control(chances, axis=0).tolist() if tested else []
    adjusted = {outcome.row: qs for (outcome, _), qs in zip(tested, controlled, strict=True)}
    effect = threshold.smallest_effect
    for outcome, estimate in estimates:
        q_worse, q_better = adjusted.get(outcome.row, (1.0, 1.0))
        lower = q_worse <= threshold.alpha and estimate.change <= -effect
        higher = q_better <= threshold.alpha and estimate.change >= effect
        margin = estimate.margin(threshold.alpha)
        known = lower or higher or (estimate.contrast.settled and abs(estimate.change) + margin <= effect)
        yield Finding(
            outcome.row,
            _verdict(outcome.sizes, known, outcome.missing, lower, higher),
            outcome.notes,
            outcome.line,
            estimate,
            outcome.sizes,
            q=q_worse if estimate.change < 0 else q_better,
            loses=estimate.change <= -effect,
        )


def _verdict(
    sizes: Sequence[Change], known: bool, missing: bool, less_accurate: bool = False, more_accurate: bool = False
) -> Verdict:
    """Return the verdict on a row that was compared; smaller and less accurate is regressed."""
    if less_accurate or any(change.worse for change in sizes):
        return Verdict.REGRESSED
    if missing:
        return Verdict.MISSING
    if not known:
        return Verdict.UNDERPOWERED
    return Verdict.BETTER if more_accurate or sizes else Verdict.SAME
