"""Fixtures that several test folders use."""

import importlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from benchsuite.registry import default_registry

# A machine that others use, too, is slow at times.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

InstallPlugin = Callable[..., Path]


@pytest.fixture
def install_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InstallPlugin]:
    """Install a plugin distribution, as pip would, into a folder put on `sys.path`.

    `install_plugin(name, source, *, version="1.0", entry_point=None) -> Path` writes the module `name` (dashes
    become underscores) and the metadata of the distribution `name`. `source` is the module's text, or a mapping of
    file names to texts for a package. The entry point is called `name`, or `entry_point`.
    Returns the folder, the same for all, to be given to a subprocess as PYTHONPATH.
    """
    folder = tmp_path / "site"

    def install(
        name: str, source: str | Mapping[str, str], *, version: str = "1.0", entry_point: str | None = None
    ) -> Path:
        module = name.replace("-", "_")
        files = {f"{module}.py": source} if isinstance(source, str) else _under(module, source)
        information = f"{module}-{version}.dist-info"
        files[f"{information}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        files[f"{information}/entry_points.txt"] = f"[benchsuite]\n{entry_point or name} = {module}\n"
        files[f"{information}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{information}/RECORD"])
        for file, text in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(text, encoding="utf-8")
        monkeypatch.syspath_prepend(folder)
        importlib.invalidate_caches()
        return folder

    default_registry.cache_clear()
    before = set(sys.modules)
    yield install
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]
    default_registry.cache_clear()


def _under(folder: str, files: Mapping[str, str]) -> dict[str, str]:
    return {f"{folder}/{name}": text for name, text in files.items()}
