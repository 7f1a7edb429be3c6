"""Foreign text, as terminals, CI logs, markdown and JSON show it."""

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchsuite.safe import LONGEST, cells, json_text, markdown, no_math, one_line, shown

TEXTS = st.text(st.characters() | st.sampled_from("\x1b\x07\x9b\u202e\u200b\ufeff|`*[]()<>&:#_$\\\r\n\t"), max_size=60)

LINES = {
    "a colour": ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
    "a window title": ("\x1b]0;pwn\x07", r"\x1b]0;pwn\x07"),
    "a control of the second set": ("\x9b2J", r"\x9b2J"),
    "another direction": ("a\u202eb\u2066c", r"a\u202eb\u2066c"),
    "no width": ("a\u200bb\ufeffc\u00add", r"a\u200bb\ufeffc\xadd"),
    "half a character": ("na\udcefve", r"na\udcefve"),
    "a character without a meaning": ("\U000e0041", r"\U000e0041"),
    "lines": ("one\r\n two\n\nthree\tfour", r"one\r two three four"),
    "a workflow command": ("::error::owned", ": :error::owned"),
    "one with properties": ("x ::set-output name=a::b", "x : :set-output name=a::b"),
    "one of the older form": ("##[error]x", "# #[error]x"),
    "a command of another service": ("##vso[task.complete]", "# #vso[task.complete]"),
    "a name of C++": ("std::vector", "std::vector"),
    "letters of the world": ("é ± Δ 重み 😀", "é ± Δ 重み 😀"),
}


@pytest.mark.parametrize(("text", "line"), LINES.values(), ids=LINES)
def test_one_line(text, line):
    assert one_line(text) == line


def test_a_line_is_bounded():
    assert one_line("x" * LONGEST) == "x" * LONGEST
    assert one_line("x" * (LONGEST + 1)) == "x" * (LONGEST - 1) + "…"
    assert one_line("abcdef", 4) == "abc…"


MARKDOWN = {
    "a cell's end": ("a | b", r"a \| b"),
    "HTML": ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    "an entity": ("&lt;b&gt; & c", "&amp;lt;b&amp;gt; & c"),
    "a link": ("[a](javascript:x)", r"\[a\](javascript:x)"),
    "a picture": ("![x](http://evil/p.png)", r"!\[x\](http://evil/p.png)"),
    "code": ("`rm`", r"\`rm\`"),
    "emphasis": ("**b** _i_ a_b", r"\*\*b\*\* \_i\_ a_b"),
    "a heading": ("# title", r"\# title"),
    "a second line": ("a\n| b |", r"a \| b \|"),
    "a formula": ("$x$", r"\$x\$"),
    "an escape": ("\\|", r"\\\|"),
    "plain words": ("sparsity 0.8 linear, 2 epochs", "sparsity 0.8 linear, 2 epochs"),
}


@pytest.mark.parametrize(("text", "safe"), MARKDOWN.values(), ids=MARKDOWN)
def test_markdown(text, safe):
    assert markdown(text) == safe


@given(TEXTS)
def test_nothing_without_a_shape_and_no_command_is_left(text):
    for safe in (one_line(text), markdown(text), shown(text)):
        assert not [char for char in safe if unicodedata.category(char) in {"Cc", "Cf", "Cs"} and char not in "\n\t"]
        assert not re.search(r"::[\w-]+[^:\n]*::|##\w*\[", safe)
    assert "\n" not in one_line(text) + markdown(text)
    assert not re.search(r"(?<!\\)(\\\\)*[|`<>\[\]]", markdown(text))


@given(TEXTS)
def test_json_gives_the_text_back(text):
    for ascii_only in (False, True):
        printed = json_text({"text": text}, ascii_only=ascii_only)
        assert json.loads(printed) == {"text": text}
        assert "\x9b" not in printed
        assert "\u202e" not in printed
        assert not ascii_only or printed.isascii()


def test_cells_keep_their_lines_and_values():
    assert cells([["a\x1b\nb|c", 1, None]]) == [["a\\x1b\nb|c", 1, None]]
    assert cells([["x" * 9]], 5) == [["xxxx…"]]


def test_dollars_are_no_formula():
    assert no_math(r"$\frac$") == r"\$\frac\$"
