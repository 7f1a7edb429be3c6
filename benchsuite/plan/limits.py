"""How large a plan may be: what asks for more is refused before it takes memory."""

from benchsuite.errors import ConfigError

MOST_SEED = 2**63 - 1
MOST_CELLS = 1_000_000
"""Of a board, controls included: a plan of so many takes some GiB."""
MOST_POINTS = 100_000
"""Of the grid of one table."""


def require_few_points(count: int, key: str) -> None:
    """Errors: ConfigError for a grid of too many points, of which `key` is where they become too many."""
    if count > MOST_POINTS:
        raise ConfigError(f"{key}: a grid of {count:,} points; the most is {MOST_POINTS:,}: shorten its lists")


def require_few_cells(count: int) -> None:
    """Errors: ConfigError for a plan of too many cells."""
    if count > MOST_CELLS:
        raise ConfigError(
            f"it plans {count:,} cells, controls included; the most is {MOST_CELLS:,}: shorten its lists, its seeds or"
            " --seeds, or make several boards of it"
        )
