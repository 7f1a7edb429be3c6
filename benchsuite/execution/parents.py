"""The dense networks of committed boards: laid as files beside the records, and held against them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch

from benchsuite.errors import ConfigError, StoreError
from benchsuite.metrics.digests import state_digest
from benchsuite.store import MODEL, Record, Store
from benchsuite.store.integrity import read_verified
from benchsuite.store.manifest import (
    CHECKPOINTS,
    MANIFEST,
    SUFFIX,
    Checkpoint,
    manifest_text,
    read_manifest,
    read_network,
)
from benchsuite.store.whole import write_whole

_MB = 1_000_000


@dataclass(frozen=True)
class Parent:
    """A dense network of a board, and the state of its file."""

    board: str
    name: str
    """Its name on the board."""
    seed: int
    key: str
    state: str
    """"written", "there", or why it is left out."""


def lay_checkpoints(boards: Sequence[str], store: Store, baselines: Path, largest: float) -> list[Parent]:
    """Copy the networks of the boards' committed dense records from the store into `baselines/checkpoints/`.

    What is there and right stays, of other boards, too; what the boards no longer have is removed.
    largest: in megabytes, of one file. Errors: ConfigError for records that are not as they were written; StoreError.
    """
    folder = baselines / CHECKPOINTS
    before = read_manifest(folder)
    dense = {board: _dense(baselines, board) for board in boards}  # all of them, before anything is written
    entries: dict[str, Checkpoint] = {}
    for key, entry in before.items():
        if others := tuple(board for board in entry.boards if board not in boards):
            entries[key] = replace(entry, boards=others)
    parents = []
    for board, records in dense.items():
        for record in records:
            content, state = _content(record, before.get(record.key), folder, store, largest)
            if content is not None:
                known = entries[record.key].boards if record.key in entries else ()
                entries[record.key] = Checkpoint.of(record, tuple(sorted({*known, board})), content)
                if state == "written":
                    write_whole(folder / f"{record.key}{SUFFIX}", [content])
            name = record.place.setting if record.place else ""
            parents.append(Parent(board, name, record.seed, record.key, state))
    if before or entries:
        write_whole(folder / MANIFEST, [manifest_text(entries).encode()])
    for key in before.keys() - entries.keys():
        (folder / f"{key}{SUFFIX}").unlink(missing_ok=True)
    return parents


def faults_of_checkpoints(baselines: Path) -> Iterator[str]:
    """Yield each file in `baselines/checkpoints/` that is not what the committed records say, and why.

    Errors: ConfigError for a manifest or records that are not as they were written.
    """
    folder = baselines / CHECKPOINTS
    entries = read_manifest(folder)
    if (folder / MANIFEST).exists() and (folder / MANIFEST).read_text(encoding="utf-8") != manifest_text(entries):
        yield f"{folder / MANIFEST}: not in the form in which it is written"
    boards = sorted({board for entry in entries.values() for board in entry.boards})
    dense = {board: {record.key: record for record in _dense(baselines, board)} for board in boards}
    for key, entry in sorted(entries.items()):
        path = folder / f"{key}{SUFFIX}"
        try:
            content = read_network(folder, key, entry)
        except ConfigError as error:
            yield str(error)
            continue
        for board in entry.boards:
            record = dense[board].get(key)
            if record is None:
                yield f"{path}: the board {board} has no dense network of that key"
            elif entry != Checkpoint.of(record, entry.boards, content):
                yield f"{path}: its entry in {MANIFEST} is not that of the record of {board}"
            elif _weights(content) != entry.weights_sha256:
                yield f"{path}: its tensors are not the weights of the record of {board}"
    expected = {MANIFEST, *(f"{key}{SUFFIX}" for key in entries)}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name not in expected:
            yield f"{path}: not in {MANIFEST}"


def _dense(baselines: Path, board: str) -> list[Record]:
    """Return the committed dense records of the board that have a result, line by line and seed by seed."""
    path = baselines / f"{board}.jsonl"
    dense = [
        (place.line, record.seed, record)
        for record in read_verified(path, board)
        if (place := record.place) and place.role == "dense" and record.status == "ok"
    ]
    return [record for *_, record in sorted(dense, key=lambda line: line[:2])]


def _content(
    record: Record, entry: Checkpoint | None, folder: Path, store: Store, largest: float
) -> tuple[bytes | None, str]:
    """Return the network of the record, if it can be had and may be committed, and the state of its file."""
    content, state = _committed(record, entry, folder), "there"
    if content is None:
        content, state = _stored(record, store), "written"
    if content is None:
        return None, "left out: not in the store"
    if len(content) > largest * _MB:
        return None, f"left out: {len(content) / _MB:.2g} MB, more than {largest:g}"
    if not _is_of(record, content):
        return None, "left out: the store has other weights than the committed record"
    return content, state


def _committed(record: Record, entry: Checkpoint | None, folder: Path) -> bytes | None:
    """Return the network that is committed already, if its weights are those of the record."""
    if entry is None:
        return None
    try:
        content = read_network(folder, record.key, entry)
    except ConfigError:
        return None
    return content if _is_of(record, content) else None


def _stored(record: Record, store: Store) -> bytes | None:
    """Return the network that the store has under the record's key."""
    path = store.file(record.key, MODEL) if store.record(record.key) is not None else None
    if path is None:
        return None
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error.strerror}") from error


def _is_of(record: Record, content: bytes) -> bool:
    weights = _weights(content)
    return weights is not None and weights == record.metrics.weights_sha256


def _weights(content: bytes) -> str | None:
    """Return the digest of the tensors of a file; None if it holds none."""
    try:
        return state_digest(safetensors.torch.load(content))
    except safetensors.SafetensorError:
        return None
