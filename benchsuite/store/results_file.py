"""Results files: one record a line, sorted by key, whole at every instant."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from benchsuite.errors import ConfigError
from benchsuite.reading import read_text
from benchsuite.store.record import Record
from benchsuite.store.record_reader import read_record
from benchsuite.store.whole import write_whole


def read_lines(path: Path) -> list[Record]:
    """Return the records of a file, in its order. Errors: ConfigError naming file and line."""
    return [record.as_result for _, _, record in read_numbered(path)]


def read_numbered(path: Path) -> Iterator[tuple[int, str, Record]]:
    """Yield the number, the text and the record, to the letter, of each line. Errors: ConfigError naming the line."""
    text = read_text(path)
    keys: set[str] = set()
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else [], 1):
        try:
            record = read_record(line)
        except ValueError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from None
        if record.key in keys:
            raise ConfigError(f"{path}, line {number}: a second record of key {record.key}")
        keys.add(record.key)
        yield number, line, record


def write_lines(path: Path, records: Iterable[Record]) -> None:
    """Write the records sorted by key; the file is whole at every instant. Errors: StoreError."""
    ordered = sorted(records, key=lambda record: record.key)
    write_whole(path, (f"{record.text}\n".encode() for record in ordered))
