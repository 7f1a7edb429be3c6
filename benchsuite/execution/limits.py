"""What a record may take: seconds, and memory."""

from dataclasses import dataclass
from math import inf
from pathlib import Path

import psutil

from benchsuite.errors import ConfigError
from benchsuite.plan import Chain

_HOUR = 3600.0
_GIB = 1 << 30
_SHARE_OF_MEMORY = 0.9
_CGROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Of this container or login, by the second and the first version of control groups."""


@dataclass(frozen=True)
class Limits:
    """Of one record: of one training, or one measurement."""

    timeout: float | None = None
    """Seconds; None: an hour, and one more for each epoch that the record trains."""
    memory: float | None = None
    """GiB resident in the process; None: nine tenths of what this machine or container has."""

    def __post_init__(self) -> None:
        for name, value in (("timeout", self.timeout), ("memory", self.memory)):
            if value is not None and not 0 < value < inf:
                raise ConfigError(f"{name}: give a number above 0, not {value:g}")

    def seconds(self, chain: Chain | None = None) -> float:
        """For the record of the chain, or for trying what a board needs."""
        if self.timeout is not None:
            return self.timeout
        return _HOUR * (1 + (chain.step.epochs_trained if chain else 0))

    def bytes(self) -> float:
        """Of memory."""
        return self.memory * _GIB if self.memory is not None else _SHARE_OF_MEMORY * _memory_there_is()


def _memory_there_is() -> int:
    limits: list[int] = [psutil.virtual_memory().total]
    for path in _CGROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_text()))
        except (OSError, ValueError):  # there is none, or it is "max"
            continue
    return min(limits)
