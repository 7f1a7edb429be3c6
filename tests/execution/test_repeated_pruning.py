"""Chains with several prunings: what counts is what all of them leave, in the row and in its random control."""

import pytest
from tiny_board import engine_at, plan_rows, registry_with, run

TUNE = {"finetune": 1}
BITS = {"quantize": "ste-symmetric", "bits": 8}


def masked(pruner: str, sparsity: float, **other: object) -> dict:
    return {"prune": pruner, "sparsity": sparsity, **other}


def rising(pruner: str, sparsity: float, **other: object) -> dict:
    return masked(pruner, sparsity, schedule="cubic", epochs=3, **other)


ROWS = {
    "two by layer": [masked("percentile", 0.5), TUNE, masked("percentile", 0.9)],
    "two over the network": [masked("global-percentile", 0.5), TUNE, masked("global-percentile", 0.9)],
    "three": [masked("percentile", 0.3), TUNE, masked("global-percentile", 0.6), masked("global-percentile", 0.9)],
    "a schedule, then at once": [rising("percentile", 0.5), masked("global-percentile", 0.9), TUNE],
    "at once, then a schedule": [masked("global-percentile", 0.5), TUNE, rising("global-percentile", 0.9)],
    "a layer is skipped first": [masked("percentile", 0.5, skip=["first"]), TUNE, masked("percentile", 0.9)],
    "a layer is skipped later": [masked("percentile", 0.5), masked("percentile", 0.9, skip=["last"])],
    "other layers each time": [masked("percentile", 0.5, skip=["first"]), masked("percentile", 0.9, skip=["last"])],
}


@pytest.mark.parametrize("steps", ROWS.values(), ids=ROWS)
def test_the_control_lacks_as_many_weights_of_each_layer_as_its_row(tmp_path, steps):
    registry = registry_with()
    planned = plan_rows(registry, {"steps": steps})
    _, row, control = run(planned, engine_at(registry, tmp_path)).values()
    assert (row.status, control.status) == ("ok", "ok"), (row.error, control.error)
    assert [layer.zeros for layer in control.layers] == [layer.zeros for layer in row.layers]


def test_a_grid_between_two_prunings_adds_only_the_zeros_that_it_rounds_to(tmp_path):
    registry = registry_with()
    steps = [masked("percentile", 0.5), BITS, TUNE, masked("global-percentile", 0.8)]
    planned = plan_rows(registry, {"steps": steps})
    _, row, control = run(planned, engine_at(registry, tmp_path)).values()
    more = [there.zeros - here.zeros for there, here in zip(control.layers, row.layers, strict=True)]
    assert all(0 <= rounded <= 5 for rounded in more)


def test_channels_are_removed_before_the_masks_of_row_and_control(tmp_path):
    registry = registry_with()
    steps = [{"prune": "slimming", "sparsity": 0.5}, masked("percentile", 0.3), TUNE, masked("percentile", 0.6)]
    planned = plan_rows(registry, {"steps": steps}, model="conv")
    _, row, control = run(planned, engine_at(registry, tmp_path)).values()
    assert (row.status, control.status) == ("ok", "ok"), (row.error, control.error)
    assert [layer.zeros for layer in control.layers] == [layer.zeros for layer in row.layers]


WEIGHTS = 36 * 8 + 8 * 3
RANDOM = {
    "higher": ([masked("random", 0.5), TUNE, masked("random", 0.75)], 0.75),
    "thrice": ([masked("random", 0.25), masked("random", 0.5), masked("random", 0.75)], 0.75),
    "rising after another": ([masked("random", 0.5), rising("random", 0.75)], 0.75),
    "the same again": ([masked("random", 0.5), masked("random", 0.5)], 0.5),
    "after magnitudes": ([masked("percentile", 0.5), masked("random", 0.75)], None),
    "lower": ([masked("random", 0.75), masked("random", 0.5)], None),
    "other layers": ([masked("random", 0.5, skip=["first"]), masked("random", 0.75)], None),
}


@pytest.mark.parametrize(("steps", "delivered"), RANDOM.values(), ids=RANDOM)
def test_a_random_row_delivers_what_it_is_asked_for_after_an_earlier_pruning_or_fails(tmp_path, steps, delivered):
    registry = registry_with()
    _, row = run(plan_rows(registry, {"steps": steps, "control": False}), engine_at(registry, tmp_path)).values()
    if delivered is None:
        assert row.status == "failed"
        assert "of them before): what was pruned before stays pruned, and counts" in row.error.reason
    else:
        assert row.metrics.number("sparsity") == pytest.approx(delivered, abs=1 / WEIGHTS)


@pytest.mark.parametrize("pruner", ["percentile", "global-percentile", "weight"])
def test_a_lower_level_than_what_was_pruned_before_is_refused(tmp_path, pruner):
    registry = registry_with()
    rows = {"steps": [masked(pruner, 0.8), masked(pruner, 0.5)], "control": False}
    _, row = run(plan_rows(registry, rows), engine_at(registry, tmp_path)).values()
    assert "asked for 0.500, delivered 0.79" in row.error.reason
