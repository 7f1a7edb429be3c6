"""The comparison of a run with another: the verdict on each row, and on all of them."""

from benchsuite.compare.findings import DEFAULT_THRESHOLD, Comparison, Finding, Threshold, Verdict
from benchsuite.compare.verdicts import compare

__all__ = ["DEFAULT_THRESHOLD", "Comparison", "Finding", "Threshold", "Verdict", "compare"]
