"""docs/claims.md: claims about the boards, tested on their records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from benchsuite.api import ReportPage, hookimpl

if TYPE_CHECKING:
    from benchsuite.store import Record


@dataclass(frozen=True)
class Claims(ReportPage):
    """Claims of `claims.toml`, tested on the records beside it."""

    title: ClassVar[str] = "claims, tested"

    def files(self, baselines: Path, records: "Sequence[Record]", root: Path) -> Mapping[Path, bytes]:
        from .page import claims_files

        return claims_files(baselines, records, root / "docs" / "claims.md")


@hookimpl
def benchsuite_reports() -> Mapping[str, type[Claims]]:
    return {"claims": Claims}
