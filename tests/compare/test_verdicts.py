"""The verdict on a cell: exact where the parents are equal, else by seed and test example; and on all cells."""

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from make_run import EXAMPLES, SEEDS, dense, record, run

from benchsuite.compare import Threshold, Verdict, compare, table
from benchsuite.errors import ConfigError
from benchsuite.store import Cost
from benchsuite.store.record_reader import read_record


def found(base, new, **threshold):
    """The finding on the one row."""
    (finding,) = [one for one in compare(base, new, Threshold(**threshold)).findings if one.row.role == "row"]
    return finding


def told(finding) -> str:
    return "; ".join([change.text for change in finding.sizes] + list(finding.notes))


EXACT = {
    "nothing": ({}, Verdict.SAME, ""),
    "fewer zeros": ({"zeros": (499, 500)}, Verdict.REGRESSED, "weights kept +0.1 %; MACs +0.1 %"),
    "more zeros": ({"zeros": (600, 500)}, Verdict.BETTER, "weights kept −10.0 %; MACs −10.0 %"),
    "zeros elsewhere": ({"zeros": (400, 600)}, Verdict.SAME, "zeros moved between layers"),
    "other masks": ({"masks": "other"}, Verdict.SAME, "masks differ"),
    "more bits": ({"bits": 33.0}, Verdict.REGRESSED, "bits +3.1 %"),
    "fewer bits": ({"bits": 8.0}, Verdict.BETTER, "bits −75.0 %"),
    "a byte more": ({"size": 10_001}, Verdict.SAME, ""),
    "as many bytes more as may be": ({"size": 10_050}, Verdict.SAME, ""),
    "as many bytes less": ({"size": 9_950}, Verdict.SAME, ""),
    "more bytes": ({"size": 10_060}, Verdict.REGRESSED, "bytes +0.6 %"),
    "fewer bytes": ({"size": 9_900}, Verdict.BETTER, "bytes −1.0 %"),
    "more bytes of other weights": ({"size": 10_090, "masks": "other"}, Verdict.SAME, "masks differ"),
    "more bytes by another zlib": ({"size": 10_050, "zlib": "1.4"}, Verdict.SAME, ""),
    "far more bytes by another zlib": ({"size": 10_500, "zlib": "1.4"}, Verdict.REGRESSED, "bytes +5.0 %"),
}


@pytest.mark.parametrize(("change", "verdict", "text"), EXACT.values(), ids=EXACT)
def test_from_equal_parents_every_count_matters(change, verdict, text):
    finding = found(run(), run(**change))
    assert (finding.verdict, told(finding)) == (verdict, text)


def test_a_fine_tuning_of_no_epochs_is_no_training():
    assert found(run(epochs=0), run(epochs=0, zeros=(499, 500))).verdict is Verdict.REGRESSED


def test_training_may_move_a_few_weights_to_zero_and_away():
    base = run(epochs=1)
    assert found(base, run(epochs=1, zeros=(499, 500))).verdict is Verdict.SAME
    assert found(base, run(epochs=1, zeros=(450, 500))).verdict is Verdict.REGRESSED


OTHER_PARENTS = {
    "a little more": ((490, 500), Verdict.SAME),
    "far more": ((300, 300), Verdict.REGRESSED),
    "far less": ((700, 700), Verdict.BETTER),
}


@pytest.mark.parametrize(("zeros", "verdict"), OTHER_PARENTS.values(), ids=OTHER_PARENTS)
def test_from_other_parents_only_what_is_far_off_matters(zeros, verdict):
    assert found(run(), run(parent="other", zeros=zeros)).verdict is verdict


def test_from_other_parents_a_single_seed_tells_nothing_of_the_counts():
    finding = found(run([0]), run([0], parent="other", zeros=(300, 300)))
    assert finding.sizes == ()


def losing(*counts: int, start: int = 60, parent: str = "weights") -> list:
    """The run of one row in which seed by seed so many more examples are wrong; fewer, where it is negative."""
    records = []
    for seed, count in enumerate(counts):
        wrong = [*range(40 + seed + min(count, 0)), *range(start, start + max(count, 0))]
        records += [dense(seed, weights=f"{parent} {seed}"), record(seed, wrong=wrong)]
    return records


ACCURACY = {
    "steadily worse": ((10, 11, 9), Verdict.REGRESSED),
    "steadily better": ((-10, -11, -9), Verdict.BETTER),
    "worse or better by chance": ((12, -12, 3), Verdict.UNDERPOWERED),
    "an example of one seed": ((1, 0, 0), Verdict.SAME),
    "steadily worse by too little": ((1, 1, 1), Verdict.SAME),
    "a single seed far worse": ((40,), Verdict.UNDERPOWERED),
}


@pytest.mark.parametrize(("counts", "verdict"), ACCURACY.values(), ids=ACCURACY)
def test_accuracy_is_compared_by_seed_and_test_example(counts, verdict):
    assert found(run(range(len(counts))), losing(*counts)).verdict is verdict


def test_what_is_small_is_for_the_user_to_say():
    base, new = run(), losing(10, 11, 9)
    assert found(base, new, smallest_effect=3.0).verdict is Verdict.UNDERPOWERED
    assert found(base, new, smallest_effect=5.0).verdict is Verdict.SAME


def test_smaller_and_less_accurate_is_regressed_and_both_are_told():
    new = [record(one.seed, wrong=range(60), zeros=(900, 900)) if one.place.role == "row" else one for one in run()]
    finding = found(run(), new)
    assert finding.verdict is Verdict.REGRESSED
    assert finding.estimate.change < -4
    assert told(finding) == "weights kept −80.0 %; MACs −80.0 %"


def test_smaller_is_better_only_where_accuracy_is_known():
    assert found(run([0]), [dense(0, weights="weights 0"), record(0, wrong=range(45), zeros=(900, 900))]).verdict is (
        Verdict.UNDERPOWERED
    )


def test_underpowered_says_how_many_seeds_it_would_take():
    finding = found(run(), losing(12, -12, 3))
    few, more = (finding.estimate.seeds_needed(effect, 0.05) for effect in (1.0, 0.5))
    assert 3 < few < more
    assert finding.estimate.seeds_needed(1e-6, 0.05) is None


def test_runs_of_other_seeds_are_compared_each_with_each():
    finding = found(run((0, 1, 2)), run((3, 4, 5), parent="other", wrong=range(90)))
    assert finding.verdict is Verdict.REGRESSED
    assert not finding.estimate.contrast.paired
    assert finding.estimate.contrast.freedom == 4


def test_without_correctness_bits_accuracies_are_compared():
    base, new = (run(wrong=range(count), with_bits=False) for count in (40, 140))
    finding = found(base, new)
    assert finding.verdict is Verdict.REGRESSED
    assert finding.estimate.change == pytest.approx(-25)
    assert found(base, run(wrong=range(42), with_bits=False)).verdict is Verdict.UNDERPOWERED


LOSS = {
    "the same": ((1.0, 2.0, 3.0), Verdict.SAME),
    "but for rounding": ((1.0001, 1.9999, 3.0), Verdict.SAME),
    "more": ((1.1, 2.1, 3.1), Verdict.REGRESSED),
    "less": ((0.9, 1.9, 2.9), Verdict.BETTER),
    "more or less": ((1.1, 1.9, 3.0), Verdict.UNDERPOWERED),
    "diverged": ((float("nan"), 2.0, 3.0), Verdict.FAILED),
}


@pytest.mark.parametrize(("losses", "verdict"), LOSS.values(), ids=LOSS)
def test_where_there_is_no_accuracy_the_loss_is_the_result(losses, verdict):
    base, new = ([record(seed, loss=value) for seed, value in enumerate(run)] for run in ((1.0, 2.0, 3.0), losses))
    new = [read_record(one.text).as_result for one in new]  # as a file gives it back: NaN is null
    assert found(base, new).verdict is verdict


ROUNDING = {
    "zero but for rounding": ((1.2818989709841442e-30,), (1.2942249226282225e-30,), Verdict.SAME),
    "far from zero now": ((1e-30,), (1e-3,), Verdict.REGRESSED),
}


@pytest.mark.parametrize(("before", "now", "verdict"), ROUNDING.values(), ids=ROUNDING)
def test_a_loss_of_zero_has_no_last_digits(before, now, verdict):
    base, new = ([record(seed, loss=value) for seed, value in enumerate(run)] for run in (before, now))
    assert found(base, new).verdict is verdict


WARNINGS = {
    "far worse, by one seed": (run([0]), losing(40), True),
    "worse, but not steadily": (run(), losing(25, -12, 3), True),
    "better or not": (run(), losing(-20, 12, 3), False),
    "surely worse": (run(), losing(10, 11, 9), False),
    "the same": (run(), run(), False),
    "a loss that some seeds have more of": (
        [record(seed, loss=value) for seed, value in enumerate((1.0, 2.0, 3.0))],
        [record(seed, loss=value) for seed, value in enumerate((1.5, 1.9, 3.0))],
        True,
    ),
    "a loss that most seeds have less of": (
        [record(seed, loss=value) for seed, value in enumerate((1.0, 2.0, 3.0))],
        [record(seed, loss=value) for seed, value in enumerate((0.5, 2.1, 3.0))],
        False,
    ),
}


@pytest.mark.parametrize(("base", "new", "warns"), WARNINGS.values(), ids=WARNINGS)
def test_a_loss_that_the_seeds_cannot_tell_from_chance_is_a_warning(base, new, warns):
    comparison = compare(base, new)
    assert (comparison.warns, found(base, new).warns) == (warns, warns)
    assert ("Warning: 1 cell lost " in table.sentence(comparison)) is warns
    assert not (warns and comparison.blocks)


def test_a_warning_is_of_what_matters():
    base, new = run(), losing(25, -12, 3)
    assert compare(base, new, Threshold(smallest_effect=1.0)).warns
    assert not compare(base, new, Threshold(smallest_effect=20.0)).warns


def priced(records, seconds=1.5):
    return [dataclasses.replace(one, cost=Cost(seconds=seconds, latency_ms=0.1)) for one in records]


COPIES = {
    "all of it": (priced(run()), priced(run()), True, {"copied": 2}),
    "run again": (priced(run()), priced(run(), 1.6), True, {"same": 2}),
    "without costs, as nobody knows": (run(), run(), True, {"same": 2}),
    "on a board of another question": (
        priced(run()),
        [one.at(dataclasses.replace(one.place, question="Why?", committed=True)) for one in priced(run())],
        True,
        {"copied": 2},
    ),
    "a method beside": (
        priced(run()),
        [*priced(run()), record(line=7, setting="added")],
        False,
        {"new": 1, "copied": 2},
    ),
    "a changed method": (
        priced(run()),
        priced(run())[::2] + priced(run(), 1.6)[1::2],
        True,
        {"same": 1, "copied": 1},
    ),
    "but for its provenance": (
        priced(run()),
        [dataclasses.replace(one, provenance=dataclasses.replace(one.provenance, threads=9)) for one in priced(run())],
        True,
        {"same": 2},
    ),
}


@pytest.mark.parametrize(("base", "new", "compared", "counts"), COPIES.values(), ids=COPIES)
def test_records_of_the_base_are_not_compared_with_themselves(base, new, compared, counts):
    comparison = compare(base, new)
    assert comparison.compared is compared
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    assert told in table.sentence(comparison)
    assert sum(fact["copied"] for fact in table.facts(comparison)["cells"]) == counts.get("copied", 0)


@pytest.mark.parametrize("effect", [-0.1, float("nan"), float("inf"), 100.5])
def test_a_smallest_effect_is_some_points_of_accuracy(effect):
    with pytest.raises(ConfigError, match=r"a smallest effect of .*: give points of accuracy between 0 and 100"):
        Threshold(smallest_effect=effect)


@pytest.mark.parametrize("alpha", [0.0, -1.0, float("nan"), 0.6])
def test_alpha_is_a_rate(alpha):
    with pytest.raises(ConfigError, match=r"an alpha of .*: give a rate above 0 and at most 0.5"):
        Threshold(alpha=alpha)


def without(records, seed=None, role="row"):
    return [one for one in records if one.place.role != role or seed not in (None, one.seed)]


def failing(records, *seeds, status="failed"):
    return [
        record(one.seed, status=status) if one.place.role == "row" and one.seed in seeds else one for one in records
    ]


STATES = {
    "a line that is gone": (run(), without(run()), Verdict.MISSING, True, ""),
    "a seed that is gone": (run(), without(run(), seed=1), Verdict.MISSING, True, "missing: seed 1"),
    "a line that was not there": (without(run()), run(), Verdict.NEW, False, ""),
    "a new seed": (without(run(), seed=1), run(), Verdict.SAME, False, ""),
    "a failed seed": (run(), failing(run(), 1), Verdict.FAILED, True, "seed 1 failed: it broke"),
    "a timeout": (run(), failing(run(), 1, status="timeout"), Verdict.FAILED, True, "seed 1 timeout: it broke"),
    "a skipped line": (run(), failing(run(), *SEEDS, status="skipped"), Verdict.FAILED, True, "seeds 0, 1, 2 skipped"),
    "failed as before": (failing(run(), 1), failing(run(), 1), Verdict.FAILED, False, "seed 1 failed: it broke"),
    "failed of other seeds, too": (
        failing(run((3, 4)), 3),
        failing(run((0, 1)), 0),
        Verdict.FAILED,
        False,
        "seed 0 failed",
    ),
    "mended": (failing(run(), *SEEDS), run(), Verdict.BETTER, False, "seeds 0, 1, 2 failed before"),
    "other data": (run(), run(data="123456789abcdef0"), Verdict.NOT_COMPARABLE, False, "data: abcdef012345 before"),
    "other test set": (run(), run(examples=500), Verdict.NOT_COMPARABLE, False, "test examples: 400 before, 500 now"),
    "other protocol": (run(), run(protocol=2), Verdict.NOT_COMPARABLE, False, "protocol: 1 before, 2 now"),
}


@pytest.mark.parametrize(("base", "new", "verdict", "blocks", "text"), STATES.values(), ids=STATES)
def test_what_is_not_on_both_sides(base, new, verdict, blocks, text):
    finding = found(base, new)
    assert (finding.verdict, finding.blocks) == (verdict, blocks)
    assert text in told(finding)


def test_a_seed_that_is_gone_does_not_hide_that_the_others_are_worse():
    finding = found(run((0, 1, 2, 3)), losing(10, 11, 9))
    assert finding.verdict is Verdict.REGRESSED
    assert "missing: seed 3" in finding.notes


OVERALL = {
    "regressed": (run(), losing(10, 11, 9), Verdict.REGRESSED),
    "failed": (run(), failing(run(), 1), Verdict.FAILED),
    "missing": (run(), without(run()), Verdict.MISSING),
    "better": (run(), losing(-10, -11, -9), Verdict.BETTER),
    "underpowered": (run(), losing(12, -12, 3), Verdict.UNDERPOWERED),
    "same, though a cell is new": (without(run()), run(), Verdict.SAME),
    "same, though a cell failed as before": (failing(run(), 1), failing(run(), 1), Verdict.SAME),
    "not comparable": (run(), run(data="123456789abcdef0"), Verdict.NOT_COMPARABLE),
    "nothing": ([], [], None),
}


@pytest.mark.parametrize(("base", "new", "verdict"), OVERALL.values(), ids=OVERALL)
def test_the_verdict_on_all_cells(base, new, verdict):
    comparison = compare(base, new)
    assert comparison.verdict is verdict
    assert comparison.blocks is (verdict in (Verdict.REGRESSED, Verdict.FAILED, Verdict.MISSING))


def test_what_is_in_one_run_alone_or_not_comparable_is_not_compared():
    assert not compare(run(), run(board="another")).compared
    assert not compare(run(), run(data="123456789abcdef0")).compared
    assert compare(run(), without(run())).compared


def test_lines_of_one_name_are_told_apart_by_their_order():
    def twice(*counts):
        return [record(seed, line=line, wrong=range(count)) for line, count in enumerate(counts, 1) for seed in SEEDS]

    verdicts = [one.verdict for one in compare(twice(40, 90), twice(40, 130)).findings]
    assert verdicts == [Verdict.REGRESSED, Verdict.SAME]
    assert {one.verdict for one in compare(twice(40, 90), twice(40, 90)).findings} == {Verdict.SAME}


LINES = 4
patterns = st.lists(
    st.lists(st.integers(min_value=0, max_value=EXAMPLES // 4), min_size=3, max_size=3), min_size=LINES, max_size=LINES
)


def many(lines, parent):
    return [dense(seed, weights=f"{parent} {seed}") for seed in SEEDS] + [
        record(
            seed,
            line=line,
            setting=f"line {line}",
            wrong=np.random.default_rng(count + line).permutation(EXAMPLES)[:count],
        )
        for line, counts in enumerate(lines, 1)
        for seed, count in zip(SEEDS, counts, strict=True)
    ]


MIRRORED = {Verdict.REGRESSED: Verdict.BETTER, Verdict.BETTER: Verdict.REGRESSED}


def verdicts(comparison):
    return {one.row: one.verdict for one in comparison.findings}


@given(patterns, patterns)
def test_the_other_way_round_worse_is_better(before, after):
    base, new = many(before, "one"), many(after, "other")
    mirrored = {row: MIRRORED.get(one, one) for row, one in verdicts(compare(new, base)).items()}
    assert verdicts(compare(base, new)) == mirrored


@given(patterns)
def test_a_run_is_the_same_as_itself(lines):
    assert set(verdicts(compare(many(lines, "one"), many(lines, "one"))).values()) == {Verdict.SAME}


@given(patterns, patterns, st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_matter(before, after, order: random.Random):
    base, new = many(before, "one"), many(after, "one")
    expected = [dataclasses.replace(one, line=None) for one in compare(base, new).findings]
    order.shuffle(base)
    order.shuffle(new)
    assert [dataclasses.replace(one, line=None) for one in compare(base, new).findings] == expected
