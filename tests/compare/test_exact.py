"""Whether a run repeats another bit for bit."""

from dataclasses import replace

import pytest
from make_run import record, run

from benchsuite.compare.exact import repetition
from benchsuite.store import Cost, Failure, Metrics


def elsewhere(one, **provenance):
    return replace(one, provenance=replace(one.provenance, **provenance))


def measured(one, **parts):
    """The record with other parts of its metrics; numbers among them besides those that it has."""
    numbers = {**one.metrics.numbers, **parts.pop("numbers", {})}
    return replace(one, metrics=replace(one.metrics, numbers=numbers, **parts))


def test_a_repetition_is_equal_in_every_cell_whatever_the_order_and_the_cost():
    base = run()
    again = [replace(one, cost=Cost(seconds=9.0)) for one in reversed(run())]
    found = repetition(base, again)
    assert (len(found.equal), found.different, found.retrained, found.unknown) == (6, {}, (), 0)
    assert found.sentences == ["6 of 6 cells are equal in every field."]


def test_a_sample_is_held_against_its_own_cells():
    sample = [one.at(replace(one.place, seeds=(1,))) for one in run(seeds=[1])]
    found = repetition(run(), sample)
    assert (len(found.equal), found.unknown) == (2, 0)


FIELDS = {
    "a number": (lambda one: measured(one, numbers={"loss": 0.25}), ("loss",)),
    "a number more": (lambda one: measured(one, numbers={"latency": 1}), ("latency",)),
    "another measurement": (lambda one: measured(one, support=(1,)), ("support",)),
    "history": (lambda one: replace(one, history={"train_loss": (0.1,)}), ("history",)),
    "layers": (lambda one: replace(one, layers=one.layers[:1]), ("layers",)),
    "status": (lambda one: replace(one, status="failed", error=Failure("it broke", "x")), ("reason", "status")),
    "place": (lambda one: one.at(replace(one.place, setting="sparsity 0.7")), ("setting",)),
}


@pytest.mark.parametrize(("change", "fields"), FIELDS.values(), ids=FIELDS)
def test_any_field_that_differs_is_named(change, fields):
    base = run(seeds=[0])
    found = repetition(base, [base[0], change(base[1])])
    assert list(found.different.values()) == [fields]
    assert len(found.equal) == 1


@pytest.mark.parametrize(("before", "now", "equal"), [(None, 0.5, True), (0.5, None, True), (0.5, 0.6, False)])
def test_a_share_covered_that_older_records_lack_is_no_difference(before, now, equal):
    def covering(share):
        metrics = {} if share is None else {"covered": share}
        return [
            replace(one, metrics=replace(one.metrics, numbers={**one.metrics.numbers, **metrics}))
            for one in run(seeds=[0])
        ]

    assert bool(repetition(covering(before), covering(now)).different) != equal


def test_bytes_count_where_the_same_zlib_packed_them():
    base = run(seeds=[0], zlib="1.2")
    assert repetition(base, run(seeds=[0], zlib="1.2", size=7)).different
    assert not repetition(base, run(seeds=[0], zlib="1.3", size=7)).different


ENVIRONMENTS = {
    "torch": ("2.8", "2.9"),
    "numpy": ("1.26", "2.0"),
    "device": ("cpu", "cuda"),
    "instructions": ("avx2", "avx512"),
    "threads": (1, 2),
}


def test_another_dense_network_of_the_same_environment_differs():
    found = repetition(run(seeds=[0]), run(seeds=[0], parent="other"))
    assert list(found.different.values()) == [("weights_sha256",)]


@pytest.mark.parametrize(("name", "before", "now"), [(name, *values) for name, values in ENVIRONMENTS.items()])
def test_another_dense_network_may_come_of_another_environment(name, before, now):
    base = [elsewhere(one, **{name: before}) for one in run(seeds=[0])]
    new = [elsewhere(one, **{name: now}) for one in run(seeds=[0], parent="other")]
    found = repetition(base, new)
    assert (found.equal, found.different, len(found.retrained)) == ((), {}, 2)
    assert found.environments == (f"{name}: {before} before, {now} now",)
    assert (found.compared, found.contradicts) == (True, False)
    told = f"2 cells were trained in another environment ({name}: {before} before, "
    assert found.sentences[1].startswith(told)


@pytest.mark.parametrize("name", ["instructions", "threads", "processor", "blas"])
def test_an_environment_that_older_records_do_not_name_may_be_another(name):
    new = [elsewhere(one, **{name: ENVIRONMENTS.get(name, ("some", "other"))[1]}) for one in run([0], parent="other")]
    found = repetition(run([0]), new)
    assert (found.different, len(found.retrained)) == ({}, 2)


def test_a_record_that_does_not_name_its_processor_may_be_of_another():
    base, new = run(seeds=[0]), run(seeds=[0], parent="other")
    found = repetition(base, [elsewhere(one, processor="some", blas="mkl") for one in new])
    assert found.environments == ("blas told by only one of the runs", "processor told by only one of the runs")
    both = [elsewhere(one, processor="some") for one in base], [elsewhere(one, processor="some") for one in new]
    assert len(repetition(*both).different) == 1


def there(records):
    return [elsewhere(one, processor="other") for one in records]


PAIRED = {
    "as good": ({}, False, "Same: of 2 cells 2 same"),
    "a little other counts": ({"zeros": (501, 499)}, False, "Same: of 2 cells 2 same"),
    "fewer zeros": ({"zeros": (100, 100)}, True, "Regressed: of 2 cells 1 regressed, 1 same"),
    "worse": ({"wrong": range(80)}, True, "Regressed: of 2 cells 1 regressed, 1 same"),
    "better": ({"wrong": range(5)}, False, "Better: of 2 cells 1 better, 1 same"),
}


@pytest.mark.parametrize(("changes", "contradicts", "told"), PAIRED.values(), ids=PAIRED)
def test_what_was_trained_elsewhere_contradicts_only_if_it_regressed(changes, contradicts, told):
    base = [elsewhere(one, processor="one") for one in run()]
    found = repetition(base, there(run(parent="other", **changes)))
    assert (len(found.retrained), found.different, found.contradicts) == (6, {}, contradicts)
    assert found.sentences[-1].startswith(told)


def test_a_single_seed_trained_elsewhere_contradicts_nothing_and_warns():
    base = [elsewhere(one, processor="one") for one in run(seeds=[0])]
    found = repetition(base, there(run(seeds=[0], parent="other", wrong=range(200))))
    assert (found.contradicts, found.paired.warns) == (False, True)


def other_weights(records):
    """The rows with other weights than they had, the dense networks as they were."""
    return [measured(one, weights_sha256="other") if one.place.line else one for one in records]


def test_what_was_trained_after_compression_may_end_elsewhere_from_the_same_network():
    tuned = [elsewhere(one, processor="one") for one in run(epochs=1)]
    found = repetition(tuned, there(other_weights(tuned)))
    assert (len(found.equal), len(found.retrained), found.different) == (3, 3, {})
    assert len(repetition(tuned, other_weights(tuned)).different) == 3


@pytest.mark.parametrize("epochs", [None, 0])
def test_what_was_not_trained_after_compression_ends_in_the_same_weights(epochs):
    here = [elsewhere(one, processor="one") for one in run(epochs=epochs)]
    assert len(repetition(here, there(other_weights(here))).different) == 3


LOSSES = {
    "equal": (0.5, 0.5, True),
    "in its last digits": (0.5, 0.5 * (1 - 5e-7), True),
    "by more": (0.5, 0.5 * (1 + 2e-6), False),
    "both zero but for rounding": (1.2818989709841442e-30, 1.2942249226282225e-30, True),
    "not a number": (0.5, None, False),
    "infinite": (float("inf"), 0.5, False),
}


@pytest.mark.parametrize(("before", "now", "equal"), LOSSES.values(), ids=LOSSES)
def test_equal_weights_and_answers_have_equal_losses_up_to_the_order_of_a_sum(before, now, equal):
    base, new = ([measured(one, numbers={"loss": loss}) for one in run()] for loss in (before, now))
    assert (not repetition(base, new).different) is equal
    other = [measured(one, weights_sha256="other") for one in new]
    assert len(repetition(base, other).different) == 6


def test_the_same_dense_network_has_to_give_the_same_anywhere():
    base, new = run(seeds=[0]), run(seeds=[0])
    new[1] = measured(new[1], numbers={"loss": 0.25})
    assert len(repetition(base, [elsewhere(one, torch="other") for one in new]).different) == 1


def test_cells_of_other_keys_are_unknown():
    found = repetition(run(seeds=[0]), [record(0, line=7)])
    assert (found.compared, found.unknown) == (False, 1)


def elsewhere_run(**changes):
    return [elsewhere(one, torch="other") for one in run(seeds=[0], parent="other", **changes)]


def failed(one):
    return replace(one, status="failed", metrics=Metrics(), layers=(), error=Failure("it broke"))


def test_a_failure_elsewhere_is_no_other_training():
    found = repetition(run(seeds=[0]), [failed(one) for one in elsewhere_run()])
    assert (found.equal, len(found.different), found.retrained) == ((), 2, ())
    assert all({"status", "reason"} < set(fields) for fields in found.different.values())
    parent, row = elsewhere_run()
    found = repetition(run(seeds=[0]), [parent, failed(row)])
    assert (len(found.different), len(found.retrained)) == (1, 1)


def test_a_row_without_its_dense_network_is_compared():
    _, row = elsewhere_run(loss=0.25)
    found = repetition(run(seeds=[0]), [row])
    assert (len(found.different), found.retrained) == (1, ())


def test_boards_that_share_a_network_are_held_each_against_itself():
    base = run(seeds=[0], board="one") + run(seeds=[0], board="two", setting="sparsity 0.50")
    found = repetition(base, run(seeds=[0], board="one"))
    assert (len(found.equal), found.different) == (2, {})
    assert repetition(base, run(seeds=[0], board="three")).unknown == 2


def test_boards_look_for_a_dense_network_among_their_own_records():
    base = run(seeds=[0], board="one") + run(seeds=[0], board="two")
    new = [elsewhere(one, torch="other") for one in run(seeds=[0], board="one", parent="other")]
    new += [elsewhere(one, torch="other") for one in run(seeds=[0], board="two")]
    found = repetition(base, new)
    assert (len(found.equal), found.different, len(found.retrained)) == (2, {}, 2)


def test_each_difference_is_told_though_names_are_alike():
    base = [record(0, line=line) for line in (1, 2)]
    found = repetition(base, [replace(one, history={"train_loss": (0.1,)}) for one in base])
    assert list(found.different.values()) == [("history",)] * 2
    assert [told.partition(" (")[0] for told in found.different] == ["hand-made percentile sparsity 0.5 seed 0"] * 2
