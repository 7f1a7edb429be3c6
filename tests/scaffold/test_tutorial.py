"""The tutorial holds: its commands run in order, in a folder of their own, and its plugins conform."""

import re
from pathlib import Path

import pytest

TUTORIAL = (Path(__file__).parents[2] / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
FIRST_PART, SECOND_PART = TUTORIAL.split("\n# What else a plugin can be\n")

# One seed instead of the board's three: what the tutorial's reader waits for once is waited for at every commit.
ONE_SEED = 'benchsuite() { command benchsuite "$@" $([ "$1" = run ] && echo --seeds 0); }\n'


def blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each block of code, in order."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def as_script(text: str, **files: str) -> str:
    """The bash blocks in order; what else is shown is written, where it is shown, to the file of its language."""
    steps = []
    for language, content in blocks(text):
        if language == "bash":
            steps.append(content)
        elif language in files:
            steps.append(f"cat > {files[language]} <<'END-OF-FILE'\n{content}END-OF-FILE\n")
    return "".join(steps)


@pytest.fixture(scope="module")
def followed(environment):
    """What the tutorial's commands printed."""
    script = as_script(FIRST_PART, python="src/my_pruner.py") + as_script(SECOND_PART, toml="mine.toml")
    return environment.shell(ONE_SEED + script, environment.folder)


def test_the_commands_run_one_after_the_other(followed, environment):
    project = environment.folder / "my-pruner"
    assert "LAMP" in (project / "src" / "my_pruner.py").read_text(encoding="utf-8")
    assert (project / "baselines" / "quick.jsonl").is_file()
    assert (project / "results" / "mine.jsonl").is_file()
    assert re.search(r"^my-pruner +sparsity 0\.9 ", followed, re.MULTILINE)


def test_the_plugins_of_the_second_part_conform(environment):
    project = environment.folder / "more"
    project.mkdir()
    sources = [content for language, content in blocks(SECOND_PART) if language == "python"]
    modules = {f"more{number}": source for number, source in enumerate(sources)}
    for module, source in modules.items():
        (project / f"{module}.py").write_text(source, encoding="utf-8")
    (board,) = (content for language, content in blocks(SECOND_PART) if language == "toml")
    (project / "mine.toml").write_text(board, encoding="utf-8")
    points = "".join(f'{module} = "{module}"\n' for module in modules)
    (project / "pyproject.toml").write_text(
        f'[project]\nname = "more"\nversion = "1"\n[project.entry-points.benchsuite]\n{points}'
        f"[tool.setuptools]\npy-modules = {list(modules)}\n",
        encoding="utf-8",
    )
    names = re.findall(r'return \{"([a-z-]+)": [A-Z]\w+\}', SECOND_PART)
    assert len(names) == len(modules) - 1  # one registers the board
    names.remove("failures")  # a page, which is no plugin that can be checked
    environment.shell(f"ruff check . && pip install -e . && benchsuite check {' '.join(names)}", project)
    assert "The cells without a result" in environment.shell("benchsuite list report", project)
    assert "My pruner against two known ones" in environment.shell("benchsuite list leaderboard", project)
