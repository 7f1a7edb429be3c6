"""The texts of a comparison: a table in 100 columns, the same in markdown, facts for other programs, one sentence."""

import math
import textwrap
from collections import Counter
from collections.abc import Sequence

import tabulate

from benchsuite.chain import JSON
from benchsuite.compare.findings import BLOCKING, Comparison, Finding, Verdict
from benchsuite.compare.methods import MethodFinding
from benchsuite.safe import cells
from benchsuite.safe import markdown as escaped

_NOTHING = "–"
_HEADINGS = ("verdict", "cell", "accuracy %", "Δ points", "what changed")
_NOTE = 100
_COPIED = "copied"
_WIDTHS = (14, 30, 13, 14, 21)


def terminal(comparison: Comparison) -> str:
    """Return the rows that changed in at most 100 columns, and the number of those that are the same."""
    return _text(comparison, "simple")


def markdown(comparison: Comparison) -> str:
    """Return the same in GitHub's markdown, the sentence first."""
    return f"### benchsuite compare\n\n{escaped(sentence(comparison))}\n\n{_text(comparison, 'github')}\n"


def _text(comparison: Comparison, form: str) -> str:
    shown = [finding for finding in comparison.findings if _is_shown(finding)]
    with_board = _has_several_boards(comparison)
    rows = [_table_row(finding, comparison, with_board) for finding in shown]
    if form == "github":
        rows = [[escaped(cell) for cell in row] for row in rows]
    table = tabulate.tabulate(
        rows if form == "github" else cells(rows),
        _HEADINGS,
        tablefmt=form,
        disable_numparse=True,
        maxcolwidths=list(_WIDTHS) if form == "simple" else None,
    )
    methods = "\n".join(f"{_of_method(method, comparison)}." for method in comparison.regressed)
    rest = _counted([finding for finding in comparison.findings if not _is_shown(finding)])
    parts = [table if shown else "", methods, f"Not shown: {rest}, controls included." if rest else ""]
    return "\n\n".join(part for part in parts if part)


def _has_several_boards(comparison: Comparison) -> bool:
    return len({finding.row.board for finding in comparison.findings}) > 1


def _of_method(finding: MethodFinding, comparison: Comparison) -> str:
    """Return the verdict on a method that regressed as a whole."""
    margin = finding.pooled.margin(comparison.threshold.alpha)
    method = finding.method
    name = f"{method.board}: {method.label}" if _has_several_boards(comparison) else method.label
    change = f"{_signed(finding.pooled.change)} ± {margin:.2f}"
    return f"{name} regressed as a whole: over its {finding.rows} changed cells accuracy {change} points"


def _is_shown(finding: Finding) -> bool:
    """Return whether it changed or has a note; controls, which nobody chose, only where they fail the check."""
    if finding.row.role == "control":
        return finding.verdict in (*BLOCKING, Verdict.NOT_COMPARABLE)
    return finding.verdict is not Verdict.SAME or bool(finding.notes)


def _table_row(finding: Finding, comparison: Comparison, with_board: bool) -> list[str]:
    row, accuracies, estimate = finding.row, finding.accuracies, finding.estimate
    change = _NOTHING
    if estimate:
        margin = estimate.margin(comparison.threshold.alpha)
        change = _signed(estimate.change) + (f" ± {margin:.2f}" if estimate.contrast.settled else "")
    return [
        finding.verdict.value,
        f"{row.board}: {row.label}" if with_board else row.label,
        f"{accuracies[0]:.2f} → {accuracies[1]:.2f}" if accuracies else _NOTHING,
        change,
        "; ".join(_reasons(finding, comparison)) or _NOTHING,
    ]


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")


def _reasons(finding: Finding, comparison: Comparison) -> list[str]:
    reasons = [change.text for change in finding.sizes]
    reasons += [textwrap.shorten(note, _NOTE, placeholder=" …") for note in finding.notes]
    if finding.verdict is Verdict.UNDERPOWERED:
        needed = seeds_needed(finding, comparison)
        reasons.append(f"{needed} seeds needed" if needed else "more seeds needed")
    return reasons


def seeds_needed(finding: Finding, comparison: Comparison) -> int | None:
    """Return the number of seeds that would show a change of the smallest effect; None if unknown, or too many."""
    estimate, threshold = finding.estimate, comparison.threshold
    return estimate.seeds_needed(threshold.smallest_effect, threshold.alpha) if estimate else None


def sentence(comparison: Comparison) -> str:
    """Return the outcome in words, on one line."""
    verdict, findings = comparison.verdict, comparison.findings
    if not comparison.compared or verdict is None:
        return f"Nothing was compared: {_counted(findings) or 'there are no cells'}."
    counts = f"{_cells(len(findings))} {_counted(findings)}"
    outcome = f"{verdict.value.capitalize()}: of {counts}; {_remark(comparison)}."
    return f"{outcome} {warning}" if (warning := _warning(comparison)) else outcome


def _remark(comparison: Comparison) -> str:
    """Return the reason for the verdict on all cells."""
    verdict = comparison.verdict
    decisive = [finding for finding in comparison.findings if finding.verdict is verdict]
    first = next((finding for finding in decisive if finding.blocks or verdict not in BLOCKING), None)
    if first is None:  # no cell regressed by itself
        return "; ".join(_of_method(method, comparison) for method in comparison.regressed)
    remarks = {
        Verdict.REGRESSED: f"first {first.row.label}: {_worst(first, comparison)}",
        Verdict.FAILED: f"first {first.row.label}: {'; '.join(first.notes)}",
        Verdict.MISSING: f"first {first.row.label}",
        Verdict.BETTER: "none is worse",
        Verdict.UNDERPOWERED: _power(comparison),
    }
    same = "no cell changed in a way that matters"
    if all(finding.copied for finding in comparison.findings):
        same = "the new run holds the records of the base, and nothing was run between them"
    return remarks.get(first.verdict, same)


def _warning(comparison: Comparison) -> str:
    """Return the warning of cells that may well be worse, the largest loss first; empty without any."""
    warnings = [finding for finding in comparison.findings if finding.warns]
    if not warnings:
        return ""
    effect, first = comparison.threshold.smallest_effect, warnings[0]
    loss = f": {_signed(first.estimate.change)} points" if first.estimate else ""
    limit = f"{effect:g} points or more" if first.estimate else "by more than rounding"
    return (
        f"Warning: {_cells(len(warnings))} lost {limit}, and the seeds cannot tell whether by chance, first"
        f" {first.row.label}{loss}; --check=strict fails for that."
    )


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _counted(findings: Sequence[Finding]) -> str:
    """Return the number of cells of each verdict, and of copies of the base's records."""
    counts = Counter(_COPIED if finding.copied else finding.verdict.value for finding in findings)
    order = [*(verdict.value for verdict in Verdict), _COPIED]
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name])


def _worst(finding: Finding, comparison: Comparison) -> str:
    """Return the losses of a row that regressed."""
    losses = [change.text for change in finding.sizes if change.worse]
    if finding.estimate and finding.estimate.change < 0 and (finding.q or 0.0) <= comparison.threshold.alpha:
        losses.insert(0, f"accuracy {_signed(finding.estimate.change)} points")
    return ", ".join(losses)


def _power(comparison: Comparison) -> str:
    """Return the number of seeds that would settle the clearest of the underpowered cells."""
    needed = sorted(
        seeds_needed(finding, comparison) or math.inf
        for finding in comparison.findings
        if finding.verdict is Verdict.UNDERPOWERED and finding.estimate
    )
    effect = comparison.threshold.smallest_effect
    if not needed or math.isinf(needed[0]):
        return "the seeds cannot tell whether they changed"
    return f"the seeds cannot tell whether they changed by {effect:g} points, and {needed[0]} would in the clearest"


def facts(comparison: Comparison) -> dict[str, JSON]:
    """Return the comparison in JSON values."""
    return {
        "verdict": comparison.verdict and comparison.verdict.value,
        "sentence": sentence(comparison),
        "smallest_effect": comparison.threshold.smallest_effect,
        "alpha": comparison.threshold.alpha,
        "counts": dict(Counter(finding.verdict.value for finding in comparison.findings)),
        "warns": comparison.warns,
        "methods": [_method_facts(finding, comparison) for finding in comparison.methods],
        "cells": [_facts(finding, comparison) for finding in comparison.findings],
    }


def _method_facts(finding: MethodFinding, comparison: Comparison) -> dict[str, JSON]:
    change, margin = finding.pooled.change, finding.pooled.margin(comparison.threshold.alpha)
    return {
        **finding.method._asdict(),
        "cells": finding.rows,
        "change": change,
        "interval": [change - margin, change + margin],
        "q_worse": finding.q_worse,
        "regressed": finding.regressed,
    }


def _facts(finding: Finding, comparison: Comparison) -> dict[str, JSON]:
    row, line, estimate = finding.row, finding.line, finding.estimate
    accuracies: Sequence[float | None] = finding.accuracies or (None, None)
    values: dict[str, JSON] = {
        "board": row.board,
        "role": row.role,
        "group": row.group,
        "method": row.method,
        "setting": row.setting,
        "verdict": finding.verdict.value,
        "blocks": finding.blocks,
        "warns": finding.warns,
        "copied": finding.copied,
        "base_seeds": sorted(line.base) if line else [],
        "new_seeds": sorted(line.new) if line else [],
        "base_accuracy": accuracies[0],
        "new_accuracy": accuracies[1],
        "sizes": {size.metric: size.relative if math.isfinite(size.relative) else None for size in finding.sizes},
        "notes": list(finding.notes),
    }
    if estimate:
        margin = estimate.margin(comparison.threshold.alpha)
        values |= {
            "change": estimate.change,
            "interval": [estimate.change - margin, estimate.change + margin],
            "q": finding.q,
            "dispersion": estimate.dispersion,
            "seeds_needed": seeds_needed(finding, comparison),
        }
    return values
