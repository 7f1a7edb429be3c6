"""An environment of its own, into which projects are really installed."""

import os
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

OFFLINE = {"PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
"""pip finds what a project needs beside these tests, or nowhere."""

COMMANDS = {
    "benchsuite": "from benchsuite.cli.main import main; main()",
    "pip": "from pip._internal.cli.main import main; sys.exit(main())",
    "pytest": "import pytest; sys.exit(pytest.main())",
}


@dataclass(frozen=True)
class Environment:
    """A virtual environment that sees what is installed beside these tests; its folder also holds the store."""

    folder: Path

    def shell(self, script: str, cwd: Path) -> str:
        """What a bash script printed that runs with the environment active; the test fails if a command failed."""
        binaries = self.folder / "environment" / "bin"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=cwd,
            env={
                **os.environ,
                **OFFLINE,
                "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
                "BENCHSUITE_HOME": str(self.folder / "home"),
            },
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "environment", symlinks=True)
    (site,) = (folder / "environment").glob("lib/python*/site-packages")
    here = sysconfig.get_path("purelib")
    (site / "these-tests.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
    for name, program in COMMANDS.items():
        command = folder / "environment" / "bin" / name
        command.write_text(f"#!{command.with_name('python')}\nimport sys\n{program}\n", encoding="utf-8")
        command.chmod(0o755)
    return Environment(folder)
