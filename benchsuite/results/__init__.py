"""Records seen as results: the lines of boards, how they relate, and how far apart they are.

Every page, comparison and table reads records through here. Imports `store`, `chain` and the statistics.
"""

from benchsuite.results.effects import Effects, distinguishable, margin
from benchsuite.results.lines import BoardResults, Line, board_results
from benchsuite.results.ranking import Rank, Ranking, Verdict
from benchsuite.results.relations import Relations

__all__ = [
    "BoardResults",
    "Effects",
    "Line",
    "Rank",
    "Ranking",
    "Relations",
    "Verdict",
    "board_results",
    "distinguishable",
    "margin",
]
