"""From a board file to cells with keys; touches no tensor and imports no torch."""

from benchsuite.chain import PROTOCOL, Chain, Finetune, Prune, Quantize, Step, Train, Use
from benchsuite.plan.additions import added_rows
from benchsuite.plan.cells import Cell, Plan, is_shown
from benchsuite.plan.planner import plan, tunings
from benchsuite.plan.schema import Board, parse_board, read_board

__all__ = [
    "PROTOCOL",
    "Board",
    "Cell",
    "Chain",
    "Finetune",
    "Plan",
    "Prune",
    "Quantize",
    "Step",
    "Train",
    "Use",
    "added_rows",
    "is_shown",
    "parse_board",
    "plan",
    "read_board",
    "tunings",
]
