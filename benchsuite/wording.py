"""The wording of texts for readers."""

import re

_ONE_OF_MANY = re.compile(r"(?<![\w.])1 (epoch|training|cell|seed|record)s\b")


def counted(text: str) -> str:
    """A text in which what is one of its kind is in the singular: "bits 4, 1 epoch".

    Settings in records and plans keep their wording, by which boards are compared.
    """
    return _ONE_OF_MANY.sub(r"1 \1", text)
