"""docs/published.md: published figures beside those of the committed boards."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from benchsuite.api import ReportPage, hookimpl

if TYPE_CHECKING:
    from benchsuite.store import Record


@dataclass(frozen=True)
class Published(ReportPage):
    """Published figures of `published.toml` beside those of the records."""

    title: ClassVar[str] = "held against the literature"

    def files(self, baselines: Path, records: "Sequence[Record]", root: Path) -> Mapping[Path, bytes]:
        from .page import published_files

        return published_files(baselines, records, root / "docs" / "published.md")


@hookimpl
def benchsuite_reports() -> Mapping[str, type[Published]]:
    return {"published": Published}
