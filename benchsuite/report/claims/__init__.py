"""docs/claims.md: claims about the boards, tested on their records."""

from benchsuite.report.claims.page import claims_files

__all__ = ["claims_files"]
