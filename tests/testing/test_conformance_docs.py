"""The document of the kit has every check under its kinds, with the reason that the code gives."""

import re
from pathlib import Path

from benchsuite.testing import cost, rules

DOCUMENT = (Path(__file__).parents[2] / "docs" / "conformance.md").read_text(encoding="utf-8")
TITLES = {
    "Pruner": "pruners",
    "ChannelPruner": "channel pruners",
    "Quantizer": "quantizers",
    "Regularizer": "regularizers",
    "Model": "models",
    "Dataset": "data sets",
}


def title(kinds: tuple[type, ...]) -> str:
    if len(kinds) == len(TITLES):
        return "every plugin"
    names = [TITLES[kind.__name__] for kind in kinds]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def test_every_check_is_there_with_its_reason():
    told = {}
    for section in DOCUMENT.split("\n### ")[1:]:
        heading = section.partition("\n")[0].lower()
        told |= {name: (heading, why) for name, why in re.findall(r"^\| `(.+?)` \| (.+) \|$", section, re.MULTILINE)}
    assert told == {rule.name: (title(rule.kinds), rule.why) for rule in rules()}


def test_the_allowance_of_time_and_memory_is_told():
    times, copies = re.search(
        r"at most (\d+) times the CPU time of\s.*and at most (\d+) copies", DOCUMENT, re.DOTALL
    ).groups()
    assert (int(times), int(copies)) == (cost.TIMES, cost.COPIES)


def test_a_reason_is_one_sentence():
    for rule in rules():
        assert re.fullmatch(r"[A-Z][^.]*(\.[a-z(]\w*[^.]*)*\.", rule.why), rule.name
