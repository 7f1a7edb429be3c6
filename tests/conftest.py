"""Fixtures that several test folders use."""

import copy
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, settings
from torch import Tensor, nn

from benchsuite import PruneContext
from benchsuite.registry import default_registry

# A machine that others use, too, is slow at times.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

DATA = Path(os.environ.get("BENCHSUITE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))

InstallPlugin = Callable[..., Path]
MakeContext = Callable[..., PruneContext]


@pytest.fixture
def make_context() -> MakeContext:
    """A context such as the harness gives to pruners."""

    def make(
        seed: int = 0, model: nn.Module | None = None, batches: Sequence[tuple[Tensor, Tensor]] = ()
    ) -> PruneContext:
        network = model or nn.Identity()
        return PruneContext(
            torch.Generator().manual_seed(seed),
            lambda: iter(batches),
            lambda: copy.deepcopy(network),
            nn.functional.cross_entropy,
            torch.device("cpu"),
        )

    return make


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """The path of a real file or folder; the test is skipped where it is absent."""

    def find(name: str) -> Path:
        if not (DATA / name).exists():
            pytest.skip(f"{name} is not in {DATA}: set BENCHSUITE_TEST_DATA")
        return DATA / name

    return find


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
