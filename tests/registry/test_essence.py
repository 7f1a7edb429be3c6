"""What of a source counts: everything that can change a result, and nothing else."""

import ast
import tokenize
from io import BytesIO
from pathlib import Path

import pytest

from benchsuite.registry.essence import essence

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("plugins/*.py"), *ROOT.glob("benchsuite/*/*.py")])

SAME = {
    "a comment": ("x = 1\n", "x = 1  # one\n"),
    "a line of comment": ("x = 1\n", "# one\nx = 1\n"),
    "a comment between brackets": ("x = [\n    1,\n]\n", "x = [\n    # one\n    1,\n]\n"),
    "a blank line": ("x = 1\ny = 2\n", "x = 1\n\n\ny = 2\n"),
    "a docstring": ("def f():\n    return 1\n", 'def f():\n    """Say.\n\n    More.\n    """\n    return 1\n'),
    "a docstring of a class": ("class A:\n    x = 1\n", 'class A:\n    """It."""  # told\n\n    x = 1\n'),
    "a docstring of the module": ("x = 1\n", '"""Of x."""\n\nx = 1\n'),
    "line ends": ("x = 1\ny = 2\n", "x = 1\r\ny = 2\r\n"),
}
DIFFERENT = {
    "a statement": ("x = 1\n", "x = 2\n"),
    "a mark of comment in a text": ('x = "a # b"\n', 'x = "a # c"\n'),
    "a blank line in a text": ('x = """a\nb"""\n', 'x = """a\n\nb"""\n'),
    "a comment's look in a text": ('x = """a\n# b\n"""\n', 'x = """a\n# c\n"""\n'),
    "a text that is no docstring": ("def f():\n    x = 1\n    'a'\n", "def f():\n    x = 1\n    'b'\n"),
    "a statement beside a docstring": ('"""Doc."""; x = 1\n', '"""Doc."""; x = 2\n'),
    "a class on its docstring's line": ('class A: """Doc."""\n', 'class B: """Doc."""\n'),
    "indentation": ("if x:\n    y = 1\nz = 2\n", "if x:\n    y = 1\n    z = 2\n"),
    "what is not Python": ("def (  # a\n", "def (  # b\n"),
    "an f-string": ('x = f"{a}  # {b}"\n', 'x = f"{a}  # {c}"\n'),
}


@pytest.mark.parametrize(("one", "other"), SAME.values(), ids=SAME)
def test_what_only_a_reader_sees_does_not_count(one, other):
    assert essence(one.encode()) == essence(other.encode())


@pytest.mark.parametrize(("one", "other"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_can_change_a_result_counts(one, other):
    assert essence(one.encode()) != essence(other.encode())


@pytest.mark.filterwarnings("error")
def test_warnings_as_errors_change_nothing():
    assert essence(b'"""a \\d"""\nx = "\\d"  # c\n') == b'x = "\\d"'


def words(source: bytes) -> list[tuple[int, str]]:
    """The rows and texts of all tokens that are neither comments nor layout."""
    layout = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT)
    tokens = tokenize.tokenize(BytesIO(source).readline)
    return [(token.start[0], token.string) for token in tokens if token.type not in layout]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_nothing_but_docstrings_and_comments_is_lost_of_real_sources(path):
    source = path.read_bytes()
    documented = [
        node.body[0]
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    ]
    rows = {row for one in documented for row in range(one.lineno, one.end_lineno + 1)}
    assert [text for _, text in words(essence(source))] == [text for row, text in words(source) if row not in rows]
    assert not documented or len(essence(source)) < len(source)
