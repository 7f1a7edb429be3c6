"""The three equations."""

from pathlib import Path

import torch

from benchsuite_plugins.sparse_linear import SparseLinear


def test_the_sparse_solution_solves_the_equations():
    data = SparseLinear().load(Path(), "train")
    assert (data.inputs.dtype, data.inputs.shape, data.targets.shape) == (torch.float64, (3, 5), (3,))
    assert torch.equal(data.inputs @ torch.tensor([0, 2, 0, 0, -1.0], dtype=torch.float64), data.targets)
    assert data.inputs.sum().item() == -3
    assert SparseLinear().describe(Path()).features == 5


def test_train_is_test():
    train, test = (SparseLinear().load(Path(), split) for split in ("train", "test"))
    assert torch.equal(train.inputs, test.inputs)
    assert torch.equal(train.targets, test.targets)


def test_the_fingerprint_needs_no_file():
    assert SparseLinear().fingerprint(Path("nowhere")) == SparseLinear().fingerprint(Path())
