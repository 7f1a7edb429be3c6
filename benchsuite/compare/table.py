"""A comparison in words: a table in 100 columns, the same in markdown, facts for other programs, one sentence."""

import math
import textwrap
from collections import Counter
from collections.abc import Sequence

import tabulate

from benchsuite.compare.methods import Together
from benchsuite.compare.verdicts import BLOCKING, Comparison, Finding, Verdict
from benchsuite.safe import cells
from benchsuite.safe import markdown as escaped

_NOTHING = "–"
_HEADINGS = ("verdict", "cell", "accuracy %", "Δ points", "what changed")
_NOTE = 100
_COPIED = "copied"
_WIDTHS = (14, 30, 13, 14, 21)


def terminal(comparison: Comparison) -> str:
    """The lines that changed in at most 100 columns, and how many are the same."""
    return _text(comparison, "simple")


def markdown(comparison: Comparison) -> str:
    """The same in GitHub's markdown, the sentence first."""
    return f"### benchsuite compare\n\n{escaped(sentence(comparison))}\n\n{_text(comparison, 'github')}\n"


def _text(comparison: Comparison, form: str) -> str:
    shown = [one for one in comparison.findings if _is_shown(one)]
    several = len({one.place.board for one in comparison.findings}) > 1
    rows = [_row(one, comparison, several) for one in shown]
    if form == "github":
        rows = [[escaped(cell) for cell in row] for row in rows]
    table = tabulate.tabulate(
        rows if form == "github" else cells(rows),
        _HEADINGS,
        tablefmt=form,
        disable_numparse=True,
        maxcolwidths=list(_WIDTHS) if form == "simple" else None,
    )
    methods = "\n".join(f"{_of_method(one, comparison)}." for one in comparison.regressed)
    rest = _counted([one for one in comparison.findings if not _is_shown(one)])
    parts = [table if shown else "", methods, f"Not shown: {rest}, controls included." if rest else ""]
    return "\n\n".join(part for part in parts if part)


def _of_method(one: Together, comparison: Comparison) -> str:
    margin = one.pooled.margin(comparison.threshold.alpha)
    several = len({finding.place.board for finding in comparison.findings}) > 1
    name = f"{one.method.board}: {one.method.label}" if several else one.method.label
    change = f"{_signed(one.pooled.change)} ± {margin:.2f}"
    return f"{name} regressed as a whole: over its {one.lines} changed cells accuracy {change} points"


def _is_shown(finding: Finding) -> bool:
    """What changed or has a note; controls, which nobody chose, only where they stop the check."""
    if finding.place.role == "control":
        return finding.verdict in (*BLOCKING, Verdict.NOT_COMPARABLE)
    return finding.verdict is not Verdict.SAME or bool(finding.notes)


def _row(finding: Finding, comparison: Comparison, with_board: bool) -> list[str]:
    accuracies, estimate = finding.accuracies, finding.estimate
    change = _NOTHING
    if estimate:
        margin = estimate.margin(comparison.threshold.alpha)
        change = _signed(estimate.change) + (f" ± {margin:.2f}" if estimate.contrast.settled else "")
    return [
        finding.verdict.value,
        f"{finding.place.board}: {finding.place.label}" if with_board else finding.place.label,
        f"{accuracies[0]:.2f} → {accuracies[1]:.2f}" if accuracies else _NOTHING,
        change,
        "; ".join(_reasons(finding, comparison)) or _NOTHING,
    ]


def _signed(points: float) -> str:
    return f"{points:+.2f}".replace("-", "−")


def _reasons(finding: Finding, comparison: Comparison) -> list[str]:
    told = [change.text for change in finding.sizes]
    told += [textwrap.shorten(note, _NOTE, placeholder=" …") for note in finding.notes]
    if finding.verdict is Verdict.UNDERPOWERED:
        needed = seeds_needed(finding, comparison)
        told.append(f"{needed} seeds needed" if needed else "more seeds needed")
    return told


def seeds_needed(finding: Finding, comparison: Comparison) -> int | None:
    """How many seeds would show a change of the smallest effect; None where that is not known, or too many."""
    estimate, threshold = finding.estimate, comparison.threshold
    return estimate.seeds_needed(threshold.smallest_effect, threshold.alpha) if estimate else None


def sentence(comparison: Comparison) -> str:
    """What came of it, in words, on one line."""
    verdict, findings = comparison.verdict, comparison.findings
    if not comparison.compared or verdict is None:
        return f"Nothing was compared: {_counted(findings) or 'there are no cells'}."
    told = f"{verdict.value.capitalize()}: of {_cells(len(findings))} {_counted(findings)}; {_remark(comparison)}."
    return f"{told} {warning}" if (warning := _warning(comparison)) else told


def _remark(comparison: Comparison) -> str:
    """What there is to say of the verdict on all cells."""
    verdict = comparison.verdict
    of_it = (one for one in comparison.findings if one.verdict is verdict and (one.blocks or verdict not in BLOCKING))
    first = next(of_it, None)
    if first is None:  # no cell regressed by itself
        return "; ".join(_of_method(one, comparison) for one in comparison.regressed)
    remarks = {
        Verdict.REGRESSED: f"first {first.place.label}: {_worst(first, comparison)}",
        Verdict.FAILED: f"first {first.place.label}: {'; '.join(first.notes)}",
        Verdict.MISSING: f"first {first.place.label}",
        Verdict.BETTER: "none is worse",
        Verdict.UNDERPOWERED: _power(comparison),
    }
    same = "no cell changed in a way that matters"
    if all(one.copied for one in comparison.findings):
        same = "the new run holds the records of the base, and nothing was run between them"
    return remarks.get(first.verdict, same)


def _warning(comparison: Comparison) -> str:
    """The cells that may well be worse, the largest loss first; empty without any."""
    found = [one for one in comparison.findings if one.warns]
    if not found:
        return ""
    effect, first = comparison.threshold.smallest_effect, found[0]
    loss = f": {_signed(first.estimate.change)} points" if first.estimate else ""
    limit = f"{effect:g} points or more" if first.estimate else "by more than rounding"
    return (
        f"Warning: {_cells(len(found))} lost {limit}, and the seeds cannot tell whether by chance, first"
        f" {first.place.label}{loss}; --check=strict fails for that."
    )


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _counted(findings: Sequence[Finding]) -> str:
    """How many there are of each verdict, and of copies of the base's records."""
    counts = Counter(_COPIED if one.copied else one.verdict.value for one in findings)
    order = [*(verdict.value for verdict in Verdict), _COPIED]
    return ", ".join(f"{counts[name]} {name}" for name in order if counts[name])


def _worst(finding: Finding, comparison: Comparison) -> str:
    """Of a regressed line what got worse."""
    told = [change.text for change in finding.sizes if change.worse]
    if finding.estimate and finding.estimate.change < 0 and (finding.q or 0.0) <= comparison.threshold.alpha:
        told.insert(0, f"accuracy {_signed(finding.estimate.change)} points")
    return ", ".join(told)


def _power(comparison: Comparison) -> str:
    needed = sorted(
        seeds_needed(one, comparison) or math.inf
        for one in comparison.findings
        if one.verdict is Verdict.UNDERPOWERED and one.estimate
    )
    effect = comparison.threshold.smallest_effect
    if not needed or math.isinf(needed[0]):
        return "the seeds cannot tell whether they changed"
    return f"the seeds cannot tell whether they changed by {effect:g} points, and {needed[0]} would in the clearest"


def facts(comparison: Comparison) -> dict[str, object]:
    """The comparison in JSON values."""
    return {
        "verdict": comparison.verdict and comparison.verdict.value,
        "sentence": sentence(comparison),
        "smallest_effect": comparison.threshold.smallest_effect,
        "alpha": comparison.threshold.alpha,
        "counts": dict(Counter(one.verdict.value for one in comparison.findings)),
        "warns": comparison.warns,
        "methods": [_method_facts(one, comparison) for one in comparison.methods],
        "cells": [_facts(one, comparison) for one in comparison.findings],
    }


def _method_facts(one: Together, comparison: Comparison) -> dict[str, object]:
    change, margin = one.pooled.change, one.pooled.margin(comparison.threshold.alpha)
    told = {"cells": one.lines, "change": change, "interval": [change - margin, change + margin]}
    return {**one.method._asdict(), **told, "q_worse": one.q_worse, "regressed": one.regressed}


def _facts(finding: Finding, comparison: Comparison) -> dict[str, object]:
    place, line, estimate = finding.place, finding.line, finding.estimate
    accuracies: Sequence[float | None] = finding.accuracies or (None, None)
    found: dict[str, object] = {
        "board": place.board,
        "role": place.role,
        "group": place.group,
        "method": place.method,
        "setting": place.setting,
        "verdict": finding.verdict.value,
        "blocks": finding.blocks,
        "warns": finding.warns,
        "copied": finding.copied,
        "base_seeds": sorted(line.base) if line else [],
        "new_seeds": sorted(line.new) if line else [],
        "base_accuracy": accuracies[0],
        "new_accuracy": accuracies[1],
        "sizes": {one.metric: one.relative if math.isfinite(one.relative) else None for one in finding.sizes},
        "notes": list(finding.notes),
    }
    if estimate:
        margin = estimate.margin(comparison.threshold.alpha)
        found |= {
            "change": estimate.change,
            "interval": [estimate.change - margin, estimate.change + margin],
            "q": finding.q,
            "dispersion": estimate.dispersion,
            "seeds_needed": seeds_needed(finding, comparison),
        }
    return found
