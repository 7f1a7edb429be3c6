"""The README holds: its plugin runs, its board runs, its commands exist."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_plugin_of_the_readme_runs_on_the_board_of_the_readme(install_plugin, tmp_path, monkeypatch, capsys):
    from benchsuite.cli.main import main

    (source,) = [one for one in blocks("python") if "hookimpl" in one]
    project, board = (tomllib.loads(one) for one in blocks("toml"))
    (entry_point,) = project["project"]["entry-points"]["benchsuite"].items()
    install_plugin(entry_point[1], source, entry_point=entry_point[0])
    (tmp_path / "my-board.toml").write_text(blocks("toml")[1], encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCHSUITE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.argv", ["benchsuite", "run", "my-board.toml", "--seeds", "0"])
    with pytest.raises(SystemExit) as exit:
        main()
    assert exit.value.code == 0
    assert board["board"]["title"] in capsys.readouterr().out
    assert (tmp_path / "results" / "my-board.jsonl").is_file()


def test_the_commands_of_the_readme_exist():
    help_text = subprocess.run(["benchsuite", "--help"], capture_output=True, text=True, check=True).stdout
    named = set(re.findall(r"`benchsuite ([a-z]+)", README))
    assert named <= set(re.findall(r"^  (\w+) ", help_text, re.MULTILINE))


def test_the_notebook_example_runs():
    import torch

    import benchsuite

    (example,) = [one for one in blocks("python") if "benchsuite.measure" in one]
    model = torch.nn.Sequential(*(torch.nn.Linear(16, 16) for _ in range(4)))
    lines = "\n".join(line for line in example.splitlines() if "benchsuite.run" not in line)
    names = {"model": model, "example_input": torch.zeros(1, 16)}
    exec(lines, names)
    assert names["counts"]["sparsity"] == pytest.approx(0.8, abs=1e-2)
    assert isinstance(names["method"], benchsuite.Pruner)
