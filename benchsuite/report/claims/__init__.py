"""docs/claims.md: what is claimed of the boards, tested on their records."""

from benchsuite.report.claims.page import claims_files

__all__ = ["claims_files"]
