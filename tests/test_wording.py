"""Texts for readers."""

import pytest

from benchsuite.wording import counted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("sparsity 0.5, 1 epochs", "sparsity 0.5, 1 epoch"),
        ("1 epochs lr 0.5", "1 epoch lr 0.5"),
        ("1 cells, controls included; 1 trainings of 1 epochs", "1 cell, controls included; 1 training of 1 epoch"),
        ("1 epochs, 11 epochs, 0.1 epochs, 21 epochs", "1 epoch, 11 epochs, 0.1 epochs, 21 epochs"),
        ("1 epochsmith, x1 epochs, 1 of 1 seeds", "1 epochsmith, x1 epochs, 1 of 1 seed"),
    ],
)
def test_one_of_a_kind_is_in_the_singular(text, told):
    assert counted(text) == told
