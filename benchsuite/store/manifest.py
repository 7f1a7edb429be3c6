"""The manifest of committed networks: their files, the boards and trainings that they are of, and their digests.

checkpoints/<key>.safetensors    the network after the chain of that key
checkpoints/manifest.json        one entry for each, sorted by key
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from benchsuite.chain import JSON, Use
from benchsuite.errors import ConfigError
from benchsuite.reading import read_text
from benchsuite.store.record import Record

CHECKPOINTS, MANIFEST, SUFFIX = "checkpoints", "manifest.json", ".safetensors"
SCHEMA = 1


@dataclass(frozen=True)
class Checkpoint:
    """A committed network."""

    boards: tuple[str, ...]
    """The boards whose committed records have it as a dense parent, sorted."""
    model: Mapping[str, JSON]
    """Name and fields of the plugin, as `dataset`."""
    dataset: Mapping[str, JSON]
    seed: int
    file_bytes: int
    file_sha256: str
    weights_sha256: str
    """Digest of the tensors, as in the record."""

    @classmethod
    def of(cls, record: Record, boards: tuple[str, ...], content: bytes) -> "Checkpoint":
        """Return the entry of the record of a dense training and the file with its weights."""
        training = record.chain.training
        return cls(
            boards=boards,
            model=_configured(training.model),
            dataset=_configured(training.dataset),
            seed=record.seed,
            file_bytes=len(content),
            file_sha256=sha256(content).hexdigest(),
            weights_sha256=record.metrics.weights_sha256 or "",
        )


def _configured(use: Use) -> dict[str, JSON]:
    return {"name": use.name, "fields": use.settings()}


def read_manifest(folder: Path) -> dict[str, Checkpoint]:
    """Return the entries of `folder/manifest.json` by key; none without such a file. Errors: ConfigError naming it."""
    path = folder / MANIFEST
    if not path.exists():
        return {}
    try:
        content = json.loads(read_text(path))
        if content["schema"] != SCHEMA:
            raise ConfigError(f"{path}: schema {content['schema']!r}, this version reads {SCHEMA}")
        return {key: _entry(key, values) for key, values in content["checkpoints"].items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{path}: not a manifest as `benchsuite checkpoints` writes it: {error}") from error


def _entry(key: str, values: Mapping[str, object]) -> Checkpoint:
    entry = Checkpoint(**{**values, "boards": _boards(key, values)})  # type: ignore[arg-type]
    right = {
        **{name: isinstance(getattr(entry, name), str) for name in ("file_sha256", "weights_sha256")},
        **{name: isinstance(getattr(entry, name), dict) for name in ("model", "dataset")},
        **{name: type(getattr(entry, name)) is int for name in ("seed", "file_bytes")},
    }
    if wrong := [name for name, is_right in right.items() if not is_right]:
        raise ValueError(f'the "{wrong[0]}" of {key} is of another type: {getattr(entry, wrong[0])!r}')
    return entry


def _boards(key: str, entry: Mapping[str, object]) -> tuple[str, ...]:
    boards = entry["boards"]
    if not isinstance(boards, list) or not boards or not all(isinstance(board, str) for board in boards):
        raise ValueError(f'the "boards" of {key} should be a list of at least one name, not {boards!r}')
    return tuple(boards)


def manifest_text(entries: Mapping[str, Checkpoint]) -> str:
    """Return the manifest in canonical form: sorted, a line for each value."""
    content = {"schema": SCHEMA, "checkpoints": {key: asdict(entry) for key, entry in entries.items()}}
    return json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def read_network(folder: Path, key: str, entry: Checkpoint) -> bytes:
    """Return the bytes of the network's file, as its entry says they are. Errors: ConfigError naming the file."""
    path = folder / f"{key}{SUFFIX}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if sha256(content).hexdigest() != entry.file_sha256:
        raise ConfigError(f"{path}: damaged, it has not the digest that {MANIFEST} gives")
    return content
