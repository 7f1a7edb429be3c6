"""Downloads by torchvision, and what becomes of one that fails."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchsuite import DataError


@contextmanager
def fetching(name: str, files: Sequence[Path], remark: str = "") -> Iterator[None]:
    """Turn a failed download into a DataError that says which files belong where.

    remark: another form in which they may be put there.
    """
    # for the many that never download
    from http.client import HTTPException

    try:
        yield
    except (OSError, RuntimeError, HTTPException) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        names = ", ".join(file.name for file in files)
        raise DataError(
            f"{name} could not be downloaded ({reason}): put {names}{f' ({remark})' if remark else ''} "
            f"into {files[0].parent}"
        ) from error
