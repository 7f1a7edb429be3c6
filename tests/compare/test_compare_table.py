"""A comparison in words: changed cells first, in 100 columns, the same ones counted; one sentence at the end."""

import json

import pytest
from make_run import SEEDS, dense, record, run

from benchsuite.compare import compare, table
from benchsuite.store.record_reader import read_record


def lines(*counts, role="row", parent="weights", **changes):
    """A run of several lines, each with so many examples wrong."""
    return [dense(seed, weights=f"{parent} {seed}") for seed in SEEDS] + [
        record(seed, line=line, role=role, setting=f"line {line}", wrong=range(count), **changes)
        for line, count in enumerate(counts, 1)
        for seed in SEEDS
    ]


def test_what_changed_comes_first_and_the_worst_of_it_before():
    text = table.terminal(compare(lines(40, 40, 40, 40), lines(40, 80, 20, 60)))
    order = [line.split()[0] + line.split("line ")[1][0] for line in text.splitlines() if "line " in line]
    assert order == ["regressed2", "regressed4", "better3"]
    assert text.splitlines()[-1] == "Not shown: 2 same, controls included."


def test_the_figures_of_a_line():
    text = table.terminal(compare(lines(40), lines(80)))
    assert "90.00 → 80.00" in text
    assert "−10.00 ± " in text


def test_a_table_has_at_most_100_columns():
    base = run(method="a-method-with-a-very-long-name-indeed", setting="sparsity 0.95 and a great many words")
    new = [
        record(
            one.seed,
            status="failed",
            **{name: getattr(one.place, name) for name in ("method", "setting", "role", "line")},
        )
        for one in base
        if one.place.line
    ]
    text = table.terminal(compare(base, new))
    assert max(map(len, text.splitlines())) <= 100
    assert "it broke" in text


def test_controls_are_shown_where_they_stop_the_check():
    base = lines(40, role="control")
    assert "random" not in table.terminal(compare(base, lines(20, role="control", method="percentile")))
    assert "regressed" in table.terminal(compare(base, lines(80, role="control")))


SENTENCES = {
    "same": (run(), run(), "Same: of 2 cells 2 same; no cell changed in a way that matters."),
    "missing": (
        run(),
        [one for one in run() if one.place.line == 0],
        "Missing: of 2 cells 1 missing, 1 same; first percentile sparsity 0.5.",
    ),
    "failed": (
        run(),
        [one for seed in SEEDS for one in (dense(seed, weights=f"weights {seed}"), record(seed, status="failed"))],
        "Failed: of 2 cells 1 failed, 1 same; first percentile sparsity 0.5: seeds 0, 1, 2 failed: it broke.",
    ),
    "regressed": (
        run(),
        run(zeros=(400, 400)),
        "Regressed: of 2 cells 1 regressed, 1 same; first percentile sparsity 0.5: weights kept +20.0 %, MACs +20.0 %.",
    ),
    "better": (run(), run(bits=8.0), "Better: of 2 cells 1 better, 1 same; none is worse."),
    "not comparable": (run(), run(data="1" * 16), "Nothing was compared: 2 not comparable."),
    "nothing": ([], [], "Nothing was compared: there are no cells."),
}


@pytest.mark.parametrize(("base", "new", "text"), SENTENCES.values(), ids=SENTENCES)
def test_the_sentence_says_what_came_of_it(base, new, text):
    assert table.sentence(compare(base, new)) == text


def test_where_the_seeds_cannot_tell_the_sentence_says_how_many_would():
    base = [record(seed, wrong=range(count)) for seed, count in enumerate((40, 60))]
    new = [record(seed, wrong=range(count)) for seed, count in enumerate((40, 60), 2)]
    comparison = compare(base, new)
    text = table.sentence(comparison)
    (row,) = comparison.findings
    assert text.startswith("Underpowered: of 1 cell 1 underpowered; the seeds cannot tell")
    assert f"{table.seeds_needed(row, comparison)} would in the clearest" in text


def test_markdown_says_it_first_and_shows_the_same():
    comparison = compare(lines(40, 40), lines(40, 80))
    text = table.markdown(comparison)
    assert text.index(table.sentence(comparison)) < text.index("| verdict")
    assert "| regressed | percentile line 2 | 90.00 → 80.00 |" in " ".join(text.split())


def test_facts_are_json_and_hold_every_cell():
    nan = [record(seed, loss=float("nan") if seed else 1.0) for seed in SEEDS]
    same = [record(seed, loss=1.0) for seed in SEEDS]
    for base, new, verdict in ((run(), run(wrong=range(90)), "regressed"), (same, nan, "failed")):
        comparison = compare(base, [read_record(one.text).as_result for one in new])
        facts = json.loads(json.dumps(table.facts(comparison), allow_nan=False))
        assert len(facts["cells"]) == len(comparison.findings)
        assert facts["verdict"] == verdict


def test_the_same_with_other_masks_is_shown_with_its_note():
    text = table.terminal(compare(run(), run(masks="other")))
    assert [line.split()[0] for line in text.splitlines() if "masks differ" in line] == ["same"]


def test_a_reason_does_not_break_the_table_of_markdown():
    broken = [record(seed, status="failed", reason="Tensor | None") for seed in SEEDS]
    assert r"Tensor \| None" in table.markdown(compare(run(), broken))
