"""A chain is what is run: steps as frozen values, and the key that names them. Imports `api` and `registry` only."""

from benchsuite.chain.chain import PROTOCOL, Chain
from benchsuite.chain.steps import (
    JSON,
    REPEATED_MASKING,
    ChainKey,
    Finetune,
    Frozen,
    Prune,
    Quantize,
    Schedule,
    Step,
    Train,
    Use,
)

__all__ = [
    "JSON",
    "PROTOCOL",
    "REPEATED_MASKING",
    "Chain",
    "ChainKey",
    "Finetune",
    "Frozen",
    "Prune",
    "Quantize",
    "Schedule",
    "Step",
    "Train",
    "Use",
]
