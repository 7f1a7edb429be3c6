"""The content-addressed store: an entry is whole or absent, whatever happens to the process that writes it.

store/<key>/record.json          always; with the test set's per-example correctness as packed bits
store/<key>/model.safetensors    where a model was trained
store/<key>/SHA256SUMS           checksums of the others, as `sha256sum -c` reads them
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest, sha256
from pathlib import Path
from uuid import uuid4

from filelock import FileLock, Timeout

from benchsuite.errors import StoreError
from benchsuite.store.record import Record
from benchsuite.store.record_reader import read_record

RECORD, MODEL, SUMS = "record.json", "model.safetensors", "SHA256SUMS"
_LEAST_FREE_BYTES = 64 * 2**20
_DAY_SECONDS = 86_400


class Store:
    """Entries under `home/store`; several processes may share one."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._entries = home / "store"
        self._aside = home / "aside"
        self._locks = home / "locks"

    def open(self) -> None:
        """Make the folders, and check that there is room. Errors: StoreError, before any work is lost."""
        try:
            for folder in (self._entries, self._aside, self._locks):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self._aside / f"probe-{uuid4().hex}"
            probe.write_bytes(b"room for an entry")
            probe.unlink()
        except OSError as error:
            raise self._unwritable(error.strerror) from error
        self.check()
        self._sweep()

    def check(self) -> None:
        """Check that the store could be opened, without writing anything. Errors: StoreError."""
        try:
            nearest = next(folder for folder in (self.home, *self.home.absolute().parents) if folder.exists())
            free = shutil.disk_usage(nearest).free
        except OSError as error:
            raise self._unwritable(error.strerror) from error
        if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
            raise self._unwritable("Permission denied" if nearest.is_dir() else "Not a directory")
        if free < _LEAST_FREE_BYTES:
            raise StoreError(
                f"{free >> 20} MiB are free at {self.home}, {_LEAST_FREE_BYTES >> 20} needed:"
                " make room, or set BENCHSUITE_HOME to a folder on another disk"
            )

    def _unwritable(self, reason: str | None) -> StoreError:
        return StoreError(f"the store {self.home} is not writable ({reason}): set BENCHSUITE_HOME to a folder that is")

    @contextmanager
    def lock(self, key: str, *, wait: bool = True) -> Iterator[bool]:
        """Let one process at a time work on a key; the lock is released when the process dies.

        Yields True once the lock is held; False without `wait` where another process has it.
        """
        lock = FileLock(self._locks / f"{key}.lock")
        with self._writing(), suppress(Timeout):
            lock.acquire(blocking=wait)
        try:
            yield lock.is_locked
        finally:
            lock.release()

    def record(self, key: str) -> Record | None:
        """Return the record of the entry; None where there is none, or a broken one, which is set aside."""
        content = self._verified(key, RECORD)
        if content is None:
            return None
        try:
            record = read_record(content).as_result
        except ValueError:
            record = None
        if record is None or record.key != key:
            self._set_aside(key)
            return None
        return record

    def file(self, key: str, name: str) -> Path | None:
        """Return a checked file of the entry; None where it has none, or the entry is broken and set aside."""
        path, expected = self._entries / key / name, self._sums(key).get(name)
        if expected is None and not path.exists():
            return None
        try:
            with path.open("rb") as stream:
                digest = file_digest(stream, "sha256").hexdigest()
        except OSError:
            digest = ""
        if digest != expected:
            self._set_aside(key)
            return None
        return path

    def put(self, record: Record, files: Mapping[str, bytes]) -> None:
        """Write an entry aside and rename it into place, over an older one; the lock of its key is held.

        A record that is ok stays, with its files, where the new one is not. Errors: StoreError.
        """
        if record.status != "ok" and (known := self.record(record.key)) and known.status == "ok":
            return
        contents = {RECORD: record.text.encode(), **files}
        sums = "".join(f"{sha256(content).hexdigest()}  {name}\n" for name, content in sorted(contents.items()))
        aside = self._aside / f"{record.key}-{uuid4().hex}"
        try:
            with self._writing():
                aside.mkdir()
                for name, content in {**contents, SUMS: sums.encode()}.items():
                    (aside / name).write_bytes(content)
                self._replace(record.key, aside)
        finally:
            shutil.rmtree(aside, ignore_errors=True)

    def _replace(self, key: str, entry: Path) -> None:
        """Rename an entry into place: again if the last write of a killed run's worker came between."""
        while True:
            self._set_aside(key, discard=True)
            try:
                os.rename(entry, self._entries / key)
                return
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise StoreError(
                f"the store {self.home} cannot be written ({error.strerror}): make room, or set BENCHSUITE_HOME"
            ) from error

    def _sums(self, key: str) -> dict[str, str]:
        try:
            lines = (self._entries / key / SUMS).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}

    def _verified(self, key: str, name: str) -> bytes | None:
        if not (self._entries / key).is_dir():
            return None
        try:
            content = (self._entries / key / name).read_bytes()
        except OSError:
            content = b""
        if sha256(content).hexdigest() != self._sums(key).get(name):
            self._set_aside(key)
            return None
        return content

    def _set_aside(self, key: str, *, discard: bool = False) -> None:
        """Take an entry out of the way: a broken one is kept a day for a look, an old one is discarded."""
        aside = self._aside / f"{'old' if discard else 'broken'}-{key}-{uuid4().hex}"
        with self._writing(), suppress(FileNotFoundError):  # another process was first
            os.rename(self._entries / key, aside)
            os.utime(aside)  # the day begins now
        if discard:
            _remove(aside)

    def _sweep(self) -> None:
        """Remove what killed processes left a day ago."""
        oldest = time.time() - _DAY_SECONDS
        for left in self._aside.iterdir():
            with suppress(FileNotFoundError):  # another process swept it
                if left.stat().st_mtime < oldest:
                    _remove(left)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
