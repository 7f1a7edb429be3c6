"""Lines of a board that belong together: measured before another's training, or matched to another's level."""

from collections import defaultdict
from itertools import takewhile

from benchsuite.chain import Prune, Quantize
from benchsuite.results.lines import BoardResults, Line
from benchsuite.results.step_queries import SPARSITY, step_texts


class Relations:
    """The lines of one board by their relation to others; lines are named by their numbers."""

    def __init__(self, results: BoardResults) -> None:
        rows = [line for line in results.lines if line.role == "row"]
        self.before = _befores(rows)
        """For a line that was trained after compression: the line measured between."""
        self.marks = {line.number for line in self.before.values()}
        """The lines that are such a measurement of another."""
        self.start = _starts(rows)
        """For a line that was quantized: the row of the same steps before, pruned and in floats."""
        self.matched: dict[int, dict[str, Line]] = defaultdict(dict)
        """For a line: those that take their sparsity from it, by the heading of their kind."""
        self.headings: dict[int, str] = {}
        """For a line that is matched to another: the heading of its kind."""
        self._match(rows)

    def is_secondary(self, line: Line) -> bool:
        """Return whether a short table shows the line beside another one."""
        return line.number in self.marks or line.number in self.headings

    def _match(self, rows: list[Line]) -> None:
        by_key = {record.key: line for line in rows for record in line.records}
        kinds: dict[str, list[tuple[Line, Line]]] = defaultdict(list)
        for line in rows:
            for step in line.chain.steps:
                if not isinstance(step, Prune) or not step.matched_to:
                    continue
                reference = by_key.get(step.matched_to.key)
                if reference and reference.chain.is_tuned == line.chain.is_tuned:
                    kinds[_kind(step)].append((reference, line))
        for pairs in kinds.values():
            heading = _heading([line for _, line in pairs])
            for reference, line in pairs:
                self.headings[line.number] = heading
                self.matched[reference.number].setdefault(heading, line)


def _befores(rows: list[Line]) -> dict[int, Line]:
    """Return for each line its chain up to a compression, measured, and trained on after it: the longest such one."""
    by_chain = {(line.group, line.method, *step_texts(line)): line for line in rows}
    befores = {}
    for line in rows:
        steps, texts = line.chain.steps, step_texts(line)
        for length in range(2, len(steps)):
            mark = by_chain.get((line.group, line.method, *texts[:length]))
            if mark and not steps[length - 1].epochs_trained and any(step.epochs_trained for step in steps[length:]):
                befores[line.number] = mark
    return befores


def _starts(rows: list[Line]) -> dict[int, Line]:
    by_chain = {(line.group, *step_texts(line)): line for line in rows}
    starts = {}
    for line in rows:
        before = [*takewhile(lambda step: not isinstance(step, Quantize), line.chain.steps)]
        start = by_chain.get((line.group, *step_texts(line)[: len(before)]))
        if start and start is not line:
            starts[line.number] = start
    return starts


def _kind(step: Prune) -> str:
    """Return what is matched: the pruner, but for the level."""
    fields = sorted((name, value) for name, value in step.pruner.fields if name != SPARSITY)
    return repr((step.pruner.name, fields))


def _heading(lines: list[Line]) -> str:
    """Return the common beginning of the methods' names, else their pruner."""
    letters = takewhile(lambda alike: len(set(alike)) == 1, zip(*(line.method for line in lines), strict=False))
    common = "".join(alike[0] for alike in letters).rstrip(" ([,:-")
    return common or next(
        step.pruner.name for step in lines[0].chain.steps if isinstance(step, Prune) and step.matched_to
    )
