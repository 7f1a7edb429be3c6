"""What of a Python source can change a result: all but comments, docstrings and blank lines.

Found by position in the text, so that every version of Python comes to the same bytes.
"""

import ast
import tokenize
import warnings
from collections.abc import Iterator
from io import BytesIO


def essence(source: bytes) -> bytes:
    """The source without what only a reader sees; what is not Python stays as it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an error of it would be a SyntaxError, and another digest
            silent = set(_docstring_rows(source))
        tokens = list(tokenize.tokenize(BytesIO(source).readline))
        lines = [line.decode(tokens[0].string) for line in source.splitlines()]
    except (SyntaxError, ValueError, tokenize.TokenError):
        return source
    for token in tokens:
        row, column = token.start
        if token.type == tokenize.COMMENT:
            lines[row - 1] = lines[row - 1][:column].rstrip()
        # after its comment, if it had one: a line that ends no statement and holds nothing
        elif token.type == tokenize.NL and not lines[row - 1].strip():
            silent.add(row)
    return "\n".join(line for row, line in enumerate(lines, 1) if row not in silent).encode()


def _docstring_rows(source: bytes) -> Iterator[int]:
    """The rows, from 1, of docstrings that share none with a statement."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.body:
            match node.body[0]:
                case ast.Expr(value=ast.Constant(value=str(text)), lineno=first, end_lineno=last) if last:
                    if _is_literal(b"\n".join(lines[first - 1 : last]), text):
                        yield from range(first, last + 1)


def _is_literal(rows: bytes, text: str) -> bool:
    try:
        return bool(ast.literal_eval(rows.decode().strip()) == text)
    except (SyntaxError, ValueError):
        return False
