"""Foreign text made safe for what shows it: a terminal, a log that a CI service reads, a page of markdown, JSON.

Names, labels, titles, reasons and paths come from files and plugins that somebody else wrote.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Sequence

LONGEST = 500
"""Characters of one text on one line; what is longer ends in an ellipsis."""

_HIDDEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
"""Categories of characters without a shape: controls, directions, zero widths, surrogates, line separators."""
_COMMAND = re.compile(r"::(?=[\w-]+[^:\n]*::)|##(?=\w*\[)")
"""How a line begins that GitHub Actions or Azure Pipelines obey."""
_MARKUP = re.compile(r"[\\`*|~$\[\]]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]")
_ENTITY = re.compile(r"&(?=#|\w+;)")

_UNUSUAL = re.compile(r"[^\x20-\x7e\n]")


def visible(text: str) -> str:
    r"""The text with every character that has no shape as its escape, such as \x1b; line ends and tabs stay."""
    if text.isprintable():
        return text
    return _UNUSUAL.sub(lambda found: _escape(found[0]) if _is_hidden(found[0]) else found[0], text)


def shown(text: str) -> str:
    """Any text of several lines for a terminal or a log: nothing in it moves the cursor or commands a CI service."""
    return _COMMAND.sub(lambda found: " ".join(found[0]), visible(text))


def one_line(text: object, longest: int = LONGEST) -> str:
    """A text on one line of a terminal or a log, of bounded length."""
    line = _joined(shown(str(text)[: 4 * longest]))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def cells(rows: Iterable[Sequence[object]], longest: int = LONGEST) -> list[list[object]]:
    """The rows of a table of the terminal: each line of a text safe and of bounded length, so that columns stand."""
    return [[_cell(one, longest) if isinstance(one, str) else one for one in row] for row in rows]


def markdown(text: str) -> str:
    """A text as markdown that shows it as it is: no markup, no link, no HTML, no second line."""
    line = _MARKUP.sub(r"\\\g<0>", _ENTITY.sub("&amp;", _joined(shown(text))))
    return line.replace("<", "&lt;").replace(">", "&gt;")


def no_math(text: str) -> str:
    """A text in a picture, in which matplotlib would take what stands between dollar signs for a formula."""
    return visible(text).replace("$", r"\$")


def json_text(facts: object, *, ascii_only: bool = False) -> str:
    """Facts as indented JSON, in which characters without a shape are escaped."""
    text = json.dumps(facts, indent=2, ensure_ascii=ascii_only)
    return _UNUSUAL.sub(lambda found: json.dumps(found[0])[1:-1] if _is_hidden(found[0]) else found[0], text)


def _cell(text: str, longest: int) -> str:
    return "\n".join(one_line(line, longest) for line in text.split("\n"))


def _joined(text: str) -> str:
    return re.sub(r"\s*[\n\t]\s*", " ", text).strip()


def _is_hidden(char: str) -> bool:
    return not char.isprintable() and char not in "\n\t" and unicodedata.category(char) in _HIDDEN


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode() if ord(char) < 0x100 or ord(char) > 0xFFFF else f"\\u{ord(char):04x}"
