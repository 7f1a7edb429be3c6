"""Pages that `benchsuite report` writes beside its own, made of the records by plugins."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from benchsuite.store import Record


@dataclass(frozen=True)
class ReportPage(ABC):
    """A page and its pictures: a pure function of the records and of the files beside them."""

    title: ClassVar[str]
    """The words of the link to it in BENCHMARKS.md."""

    @abstractmethod
    def files(self, baselines: Path, records: "Sequence[Record]", root: Path) -> Mapping[Path, bytes]:
        """Return the content of each file by its path, the page first; nothing where there is nothing to report.

        baselines: the folder of the records and of the page's input. root: the folder of BENCHMARKS.md.
        Errors: ConfigError naming file and key of a mistake in the input.
        """
