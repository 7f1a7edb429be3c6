"""The literature: published figures beside those of the committed boards."""

from benchsuite.report.published.page import published_files, published_page
from benchsuite.report.published.schema import Literature, read_literature

__all__ = ["Literature", "published_files", "published_page", "read_literature"]
