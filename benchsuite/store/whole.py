"""Files that are whole at every instant: written aside, then renamed."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from benchsuite.errors import StoreError


def write_whole(path: Path, parts: Iterable[bytes]) -> None:
    """Write the parts, one after the other; folders that are missing are made. Errors: StoreError."""
    aside = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as stream:
            stream.writelines(parts)
        os.replace(aside, path)
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): make room, or give another folder") from error
    finally:
        with suppress(OSError):  # renamed, or never made
            aside.unlink()
