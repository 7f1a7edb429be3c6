"""The project's own leaderboards."""

from importlib.resources import files
from pathlib import Path

from benchsuite import hookimpl


@hookimpl
def benchsuite_leaderboards() -> dict[str, Path]:
    folder = Path(str(files("benchsuite") / "leaderboards"))
    return {path.stem: path for path in sorted(folder.glob("*.toml"))}
