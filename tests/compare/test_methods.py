"""The verdict on a method: small losses of its cells that go together are a regression, chance is none."""

from dataclasses import replace

import pytest
from make_run import SEEDS, dense, record

from benchsuite.compare import Verdict, compare, table

LEVELS, CHURN = 4, 15


def levels(*lost: tuple[int, int, int], methods: str = "percentile", role: str = "row", parent: str = "weights"):
    """The run of methods of one line a tuple, in which so many more examples of each seed are wrong; fewer, if < 0.

    Where any are, as many as CHURN others have changed places.
    """
    records = [dense(seed, weights=f"{parent} {seed}") for seed in SEEDS]
    for number, method in enumerate(methods.split()):
        for line, counts in enumerate(lost, 1 + number * len(lost)):
            records += [
                record(
                    seed,
                    line=line,
                    role=role,
                    method=method,
                    setting=f"level {line}",
                    wrong=[*range(CHURN, 60), *range(100, 100 + CHURN + count)] if any(counts) else range(60),
                )
                for seed, count in zip(SEEDS, counts, strict=True)
            ]
    return records


def before(count: int = LEVELS, **given: str):
    return levels(*[(0, 0, 0)] * count, **given)


CHANCE, LUCK = (18, 14, 16), (-12, -8, -10)
"""4 points lost, or 2.5 won: no cell tells that by itself."""

METHODS = {
    "each loses what could be chance": ([CHANCE] * LEVELS, True),
    "one of them a great deal": ([(50, 6, 24), *[CHANCE] * 3], True),
    "some lose and some win": ([CHANCE, LUCK, CHANCE, LUCK], False),
    "all win": ([LUCK] * LEVELS, False),
    "only one changed": ([CHANCE, *[(0, 0, 0)] * 3], False),
    "all by less than matters": ([(1, 2, 1)] * LEVELS, False),
}


@pytest.mark.parametrize(("lost", "regressed"), METHODS.values(), ids=METHODS)
def test_losses_that_go_together_are_a_regression(lost, regressed):
    found = compare(before(), levels(*lost))
    assert not any(one.blocks for one in found.findings)
    assert (bool(found.regressed), found.blocks) == (regressed, regressed)
    assert (found.verdict is Verdict.REGRESSED) is regressed


def test_it_is_told_in_the_table_the_sentence_and_the_facts():
    found = compare(before(), levels(*[CHANCE] * LEVELS))
    told = "percentile regressed as a whole: over its 4 changed cells accuracy −4.00 ± "
    assert told in table.terminal(found)
    assert told in table.markdown(found)
    assert table.sentence(found).startswith(f"Regressed: of 5 cells 4 underpowered, 1 same; {told}")
    (method,) = table.facts(found)["methods"]
    assert (method["board"], method["method"], method["cells"]) == ("hand-made", "percentile", LEVELS)
    assert method["regressed"]
    assert method["interval"][1] < 0


def test_each_method_is_judged_by_its_own_cells():
    names = "one other"
    found = compare(before(methods=names), [*levels(*[CHANCE] * LEVELS, methods="one"), *rest(names)])
    assert [(one.method.method, one.regressed) for one in found.methods] == [("one", True)]


def rest(names: str):
    return [one for one in before(methods=names) if one.place.line > LEVELS]


def test_controls_are_no_method():
    assert compare(before(role="control"), levels(*[CHANCE] * LEVELS, role="control")).methods == ()


def test_the_more_methods_there_are_the_more_it_takes():
    names = " ".join(f"m{number}" for number in range(8))
    lost = [CHANCE] * LEVELS + [(1, -1, 2)] * LEVELS * 7
    new = levels(*lost)
    alone, among = (
        compare(before(), levels(*[CHANCE] * LEVELS)),
        compare(named(before(len(lost)), names), named(new, names)),
    )
    assert [one.q_worse for one in alone.methods] == [alone.methods[0].pooled.p_worse]
    first = next(one for one in among.methods if one.method.method == "m0")
    assert first.q_worse == pytest.approx(8 * first.pooled.p_worse)


def named(records, names: str):
    """The lines of one method, LEVELS at a time under another name."""
    return [
        one.at(replace(one.place, method=names.split()[(one.place.line - 1) // LEVELS])) if one.place.line else one
        for one in records
    ]
