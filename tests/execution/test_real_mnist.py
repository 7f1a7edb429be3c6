"""A board on the real MNIST, end to end: the published protocol of Neff, for one epoch instead of ten."""

import pytest

import benchsuite

BOARD = """
[board]
name = "real"
title = "Neff on MNIST, one epoch"
seeds = [0]

[dense]
dataset = "mnist"
model = "mlp-mnist-tiny-underfit"
recipe = {epochs = 1}

[[rows]]
steps = [{prune = ["neff-column", "neff-row", "neff-block"], beta = 1.0, center = [false, true]}]

[[rows]]
label = "magnitude"
steps = [{prune = "global-percentile", sparsity = {matched_to = "neff-block"}}]

[[rows]]
label = "tuned"
steps = [{prune = "percentile", sparsity = 0.8}, {finetune = 1}, {quantize = "ste-symmetric", bits = 4}, {finetune = 1}]
"""


@pytest.fixture(scope="module")
def records(tmp_path_factory, real_data):
    folder = tmp_path_factory.mktemp("real")
    (folder / "real.toml").write_text(BOARD, encoding="utf-8")
    return benchsuite.run(folder / "real.toml", home=folder / "home", data_root=real_data("MNIST").parent)


@pytest.mark.data
def test_every_cell_is_ok_and_near_what_is_published(records):
    assert {record.status for record in records} == {"ok"}
    by_line = {(record.place.role, record.place.method, record.place.setting): record for record in records}
    dense = by_line["dense", "dense", "mlp-mnist-tiny-underfit"].metrics
    assert dense.number("examples") == 10_000
    assert dense.number("accuracy") > 88
    for method in ("neff-column", "neff-row", "neff-block"):
        for setting in ("beta 1.0", "beta 1.0 center"):
            metrics = by_line["row", method, setting].metrics
            assert 0.3 < metrics.number("sparsity") < 0.5
            assert metrics.number("accuracy") > dense.number("accuracy") - 5
            assert metrics.audit["kept_mass_margin"] > 0
    tuned = by_line["row", "tuned", ""].metrics
    assert tuned.number("sparsity") == pytest.approx(0.8, abs=1e-4)
    assert tuned.number("bits_per_weight") == 4
    assert tuned.number("accuracy") > by_line["control", "random", "as tuned"].metrics.number("accuracy")


@pytest.mark.data
def test_matched_magnitude_has_the_sparsity_that_neff_chose(records):
    by_line = {(record.place.method, record.place.setting): record.metrics for record in records}
    for setting in ("beta 1.0", "beta 1.0 center"):
        neff, magnitude = by_line["neff-block", setting], by_line["magnitude", setting]
        assert magnitude.number("nonzeros") == pytest.approx(neff.number("nonzeros"), abs=1)
