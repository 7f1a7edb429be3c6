"""Whether a run is worse than another: the verdict on each cell, and on all of them."""

from benchsuite.compare.verdicts import DEFAULT_THRESHOLD, Comparison, Finding, Threshold, Verdict, compare

__all__ = ["DEFAULT_THRESHOLD", "Comparison", "Finding", "Threshold", "Verdict", "compare"]
