"""Digests: equal exactly where masks, or whole networks, are equal bit for bit."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from benchsuite.execution.compress import Mask, add_part, fold
from benchsuite.metrics import mask_digest, weights_digest
from benchsuite.metrics.digests import state_digest

VALUES = st.lists(st.sampled_from([0.0, -0.0, 1.0, -2.5]), min_size=1, max_size=20)


@given(VALUES, VALUES)
def test_a_mask_is_told_by_its_zeros_alone(one, other):
    same = [value != 0 for value in one] == [value != 0 for value in other]
    padded = len(one) != len(other) and (len(one) + 7) // 8 == (len(other) + 7) // 8
    if not padded:  # a layer's shape is in the record
        assert (mask_digest(torch.tensor(one)) == mask_digest(torch.tensor(other))) == same


def test_a_network_is_told_by_its_effective_tensors():
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    digest = weights_digest(network)
    add_part(network, network[0], Mask(torch.ones(3, 4, dtype=torch.bool)))
    assert weights_digest(network) == digest == weights_digest(fold(network))
    assert state_digest(fold(network).state_dict()) == digest
    with torch.no_grad():
        network[1].running_mean[1] += 1e-7
    assert weights_digest(network) != digest


def test_equal_bytes_under_other_names_or_shapes_differ():
    weight = torch.ones(2, 2)
    digests = set()
    for shape, name in [((2, 2), "a"), ((4,), "a"), ((2, 2), "b")]:
        module = nn.Module()
        module.register_parameter(name, nn.Parameter(weight.reshape(shape)))
        digests.add(weights_digest(module))
    assert len(digests) == 3
