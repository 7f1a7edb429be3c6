"""The folder for what multiprocessing keeps on disk: swept by the next program if this one cannot remove it.

Its owner holds a lock in it, which the system releases however the owner ends.
"""

import os
import shutil
import tempfile
import time
from contextlib import suppress
from multiprocessing import util
from pathlib import Path

_PREFIX, _LOCK = "benchsuite-", "lock"
_OLD_SECONDS = 60
_SHORT, _MOST_BYTES = "/tmp", 50
"""The path of a socket in the folder has a hundred bytes at most: with a longer TMPDIR it lies elsewhere."""

_held: list[Path] = []
"""The folder of this process."""


def claim() -> None:
    """Have multiprocessing use a folder that is swept, unless it has one; sweep those of killed programs."""
    if _held:
        return
    import fcntl

    within = Path(tempfile.gettempdir())
    if len(os.fsencode(within)) > _MOST_BYTES:
        within = Path(_SHORT)
    _sweep(within)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=within))
    _held.append(folder)
    lock = os.open(folder / f"{_LOCK}.new", os.O_CREAT | os.O_RDWR)  # open as long as this process lives
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.rename(folder / f"{_LOCK}.new", folder / _LOCK)  # whoever sees it sees it locked
    before, tempfile.tempdir = tempfile.tempdir, str(folder)
    try:
        util.get_temp_dir()
    finally:
        tempfile.tempdir = before


def release() -> None:
    """Remove the folder."""
    while _held:
        shutil.rmtree(_held.pop(), ignore_errors=True)


def _sweep(within: Path) -> None:
    for folder in within.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another's, or another program was first
            status = folder.stat()
            if status.st_uid == os.getuid() and _is_left(folder, time.time() - status.st_mtime):
                shutil.rmtree(folder, ignore_errors=True)


def _is_left(folder: Path, seconds: float) -> bool:
    """Whether nobody holds its lock; without one its owner may be about to make it."""
    import fcntl

    try:
        lock = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return seconds > _OLD_SECONDS
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(lock)
    return True
