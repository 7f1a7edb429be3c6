"""Which lines of a table belong together: measured before another's training, or matched to another's level."""

import json
from collections import defaultdict
from itertools import takewhile

from benchsuite.report.chains import SPARSITY, Step, is_matched, is_tuned, plugin, steps
from benchsuite.report.lines import Line, Table


class Relations:
    """The lines of one table by their relation to others; lines are named by their numbers."""

    def __init__(self, table: Table) -> None:
        rows = [line for line in table.lines if line.role == "row"]
        self.before = _befores(rows)
        """Of a line that was trained after compression: the line measured between."""
        self.marks = {line.number for line in self.before.values()}
        """The lines that are such a measurement of another."""
        self.start = _starts(rows)
        """Of a line that was quantized: the row of the same steps before, pruned and in floats."""
        self.matched: dict[int, dict[str, Line]] = defaultdict(dict)
        """Of a line: those that take their sparsity from it, by the heading that their kind has."""
        self.headings: dict[int, str] = {}
        """Of a line that is matched to another: its kind's heading."""
        self._match(rows)

    def is_secondary(self, line: Line) -> bool:
        """Whether a short table tells it beside another line."""
        return line.number in self.marks or line.number in self.headings

    def _match(self, rows: list[Line]) -> None:
        by_key = {record.key: line for line in rows for record in line.records}
        kinds: dict[str, list[tuple[Line, Line]]] = defaultdict(list)
        for line in rows:
            for step in filter(is_matched, steps(line)):
                reference = by_key.get(str(step["matched_to"]))
                if reference and is_tuned(reference) == is_tuned(line):
                    kinds[_kind(step)].append((reference, line))
        for pairs in kinds.values():
            heading = _heading([line for _, line in pairs])
            for reference, line in pairs:
                self.headings[line.number] = heading
                self.matched[reference.number].setdefault(heading, line)


def _befores(rows: list[Line]) -> dict[int, Line]:
    """A line's chain up to a compression, measured, and trained on after it: the longest such beginning."""
    by_chain = {(line.group, line.method, *_texts(line)): line for line in rows}
    found = {}
    for line in rows:
        own, texts = steps(line), _texts(line)
        for length in range(2, len(own)):
            mark = by_chain.get((line.group, line.method, *texts[:length]))
            if mark and not own[length - 1].get("recipe") and any(step.get("recipe") for step in own[length:]):
                found[line.number] = mark
    return found


def _starts(rows: list[Line]) -> dict[int, Line]:
    by_chain = {(line.group, *_texts(line)): line for line in rows}
    found = {}
    for line in rows:
        before = [*takewhile(lambda step: step.get("step") != "quantize", steps(line))]
        start = by_chain.get((line.group, *_texts(line)[: len(before)]))
        if start and start is not line:
            found[line.number] = start
    return found


def _texts(line: Line) -> list[str]:
    return [json.dumps(step, sort_keys=True) for step in steps(line)]


def _kind(step: Step) -> str:
    """What is matched: the pruner, but for the level."""
    name, fields = plugin(step)
    return json.dumps([name, {field: value for field, value in fields.items() if field != SPARSITY}], sort_keys=True)


def _heading(lines: list[Line]) -> str:
    """What the names of the methods have in common, else their pruner."""
    letters = takewhile(lambda alike: len(set(alike)) == 1, zip(*(line.method for line in lines), strict=False))
    return (
        "".join(alike[0] for alike in letters).rstrip(" ([,:-") or plugin(next(filter(is_matched, steps(lines[0]))))[0]
    )
