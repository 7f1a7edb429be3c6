"""Text files that somebody else wrote: read whole, with one sentence for whatever is wrong with them."""

import stat
from pathlib import Path

from benchsuite.errors import ConfigError

_MEBI = 1 << 20
MOST_BYTES = 1 << 30
"""Of any file that is read as text; the largest committed one has 15 MB."""
_MARKS = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


def read_text(path: Path, most_bytes: int = MOST_BYTES) -> str:
    """The content of a file in UTF-8, without a byte order mark and with line ends as they are.

    Errors: ConfigError naming the file, also where it is no regular file, which might never end.
    """
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise ConfigError(f"{path}: cannot be read: it is {kind}")
        if found.st_size > most_bytes:
            raise ConfigError(f"{path}: too large: {found.st_size >> 20} MiB, at most {most_bytes // _MEBI} are read")
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:  # a NUL in the name
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), None)
    if encoding is not None:
        raise ConfigError(f"{path}: its byte order mark says that it is {encoding}: save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: is not UTF-8: {error.reason} at byte {error.start}: save it as UTF-8") from None


def nesting(value: object) -> int:
    """How deep lists and tables stand within each other; found without recursion."""
    depth, level = 0, [value]
    while level := [inner for one in level for inner in _inner(one)]:
        depth += 1
    return depth


def _inner(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(value.values())
    return list(value) if isinstance(value, list) else []
