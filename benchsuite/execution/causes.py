"""Causes of a failure: the plugin, whose failure is final, or the machine, upon which another run tries again."""

import errno
from collections.abc import Iterator

import torch

from benchsuite.store import MACHINE

_OF_A_SYSTEM = {
    *(errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EROFS),
    *(errno.ESTALE, errno.ETIMEDOUT),
}
_NO_MEMORY = ("can't allocate memory", "not enough memory", "Cannot allocate memory", "can't start new thread")
"""Words of the RuntimeErrors that torch raises for want of memory, and Python for want of threads."""


def cause(error: BaseException) -> str | None:
    """Return the cause that a record's failure names: the machine, or None where it is the plugin."""
    return MACHINE if any(map(_of_the_machine, _chained(error))) else None


def _chained(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and those that it was raised from."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__


def _of_the_machine(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in _OF_A_SYSTEM
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    try:
        return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)
    except Exception:  # of the error's own making
        return False
