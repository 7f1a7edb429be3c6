"""From records to the lines of a board: the seeds of a cell side by side, nothing aggregated over a hole."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchsuite.chain import Chain
from benchsuite.metrics.statistics import Summary, paired_change, summarize
from benchsuite.store.record import Place, Record, Role

LOWER_IS_BETTER = frozenset({"loss", "effective_macs", "bits_per_weight", "size_bytes"})


@dataclass(frozen=True)
class Line:
    """One method at one setting, over the seeds of the board."""

    place: Place
    """The place of its records, which differ only in the keys of parent and control."""
    records: tuple[Record, ...]
    """By seed."""
    parents: tuple[Record, ...]
    """The dense parent of each."""
    controls: tuple[Record, ...]
    """The random control of each; empty where there is none."""

    @property
    def number(self) -> int:
        """Its number on the board, unique within it."""
        return self.place.line

    @property
    def role(self) -> Role:
        """Dense parent, row or control."""
        return self.place.role

    @property
    def group(self) -> str:
        """The dense training that it starts from, where the board has several."""
        return self.place.group

    @property
    def method(self) -> str:
        """The name of the method, or of the row."""
        return self.place.method

    @property
    def setting(self) -> str:
        """The point of the row's grid, in words."""
        return self.place.setting

    @property
    def seeds(self) -> int:
        """Number of planned seeds: an interrupted run leaves fewer records."""
        return len(self.place.seeds)

    @property
    def chain(self) -> Chain:
        """The chain of its first seed; those of the others differ in the seed and in what they are matched to."""
        return self.records[0].chain

    @property
    def complete(self) -> bool:
        """Whether every seed has a result."""
        return not self.state

    @property
    def state(self) -> str:
        """The fate of the seeds that have no result, such as "failed 1/3"; empty if all have one."""
        fates = Counter[str](record.status for record in self.records if record.status != "ok")
        if len(self.records) < self.seeds:
            fates["missing"] = self.seeds - len(self.records)
        return ", ".join(f"{status} {count}/{self.seeds}" for status, count in fates.items())

    def metric(self, name: str) -> Summary | None:
        """Return a metric over the seeds; None unless all have it."""
        values = self._values(self.records, name)
        return summarize(values) if values else None

    def control(self, name: str) -> Summary | None:
        """Return the random control's metric over the seeds; None unless all have it."""
        values = self._values(self.controls, name)
        return summarize(values) if values else None

    def change(self, name: str) -> Summary | None:
        """Return the paired change of a metric against the dense parents; None unless all have it."""
        values, parents = self._values(self.records, name), self._values(self.parents, name)
        return paired_change(values, parents) if values and parents else None

    def _values(self, records: Sequence[Record], name: str) -> list[float]:
        """Return one finite value per seed, or none at all if one is missing."""
        values = [record.metrics.number(name) for record in records if record.status == "ok"]
        known = [float(value) for value in values if value is not None]
        return known if len(known) == self.seeds else []


@dataclass(frozen=True)
class BoardResults:
    """The lines of a board, and its heading."""

    board: str
    title: str
    question: str
    rank_by: str | None
    lines: tuple[Line, ...]

    @property
    def records(self) -> list[Record]:
        """All records, controls included."""
        return [record for line in self.lines for record in line.records]

    @property
    def groups(self) -> dict[str, list[Line]]:
        """The lines that tables show, by dense training: it first, then its rows, by rank if the board has one."""
        groups: dict[str, list[Line]] = defaultdict(list)
        for line in self.lines:
            if line.role != "control":
                groups[line.group].append(line)
        if self.rank_by:
            for lines in groups.values():
                lines.sort(key=self._rank)
        return dict(groups)

    def _rank(self, line: Line) -> tuple[bool, bool, float]:
        summary = line.metric(str(self.rank_by))
        sign = 1 if self.rank_by in LOWER_IS_BETTER else -1
        return line.role != "dense", summary is None, sign * summary.mean if summary else 0.0


def board_results(records: Iterable[Record]) -> list[BoardResults]:
    """Return the results of each board that the records belong to, by name; records without a place are left out."""
    boards: dict[str, list[tuple[Place, Record]]] = defaultdict(list)
    for record in records:
        if record.place:
            boards[record.place.board].append((record.place, record))
    return [_results(name, boards[name]) for name in sorted(boards)]


def _results(name: str, placed: Sequence[tuple[Place, Record]]) -> BoardResults:
    by_key = {record.key: record for _, record in placed}
    lines: dict[int, list[tuple[Place, Record]]] = defaultdict(list)
    for place, record in placed:
        lines[place.line].append((place, record))
    first = placed[0][0]
    return BoardResults(
        board=name,
        title=first.title,
        question=first.question,
        rank_by=first.rank_by,
        lines=tuple(_line(lines[number], by_key) for number in sorted(lines)),
    )


def _line(placed: list[tuple[Place, Record]], by_key: Mapping[str, Record]) -> Line:
    placed.sort(key=lambda pair: pair[1].seed)
    return Line(
        place=placed[0][0],
        records=tuple(record for _, record in placed),
        parents=tuple(by_key[place.dense] for place, _ in placed if place.dense in by_key),
        controls=tuple(by_key[place.control] for place, _ in placed if place.control and place.control in by_key),
    )
