"""Regularizers: each formula on weights worked by hand, and the whole sparse-linear board."""

import pytest
import torch
from torch import nn

import benchsuite
from benchsuite.execution.compress import Mask, add_part
from benchsuite_plugins.regularizers import L1, BatchNormL1, L0Projection, L1Prox, TrimmedL1Prox, Unregularized

WEIGHTS = [0.5, -0.25, 0.0, 1.0, -0.03125]


def network(weights=WEIGHTS) -> nn.Sequential:
    """One Linear layer of these weights; their gradients are 0.125, its bias 0.75 with a gradient of 0.25."""
    model = nn.Sequential(nn.Linear(len(weights), 1))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([weights]))
        model[0].bias.fill_(0.75)
    model[0].weight.grad = torch.full((1, len(weights)), 0.125)
    model[0].bias.grad = torch.tensor([0.25])
    return model


@pytest.mark.parametrize(
    ("regularizer", "gradient", "weights"),
    [
        (Unregularized(), [0.125] * 5, WEIGHTS),
        (L1(strength=0.5), [0.625, -0.375, 0.125, 0.625, -0.375], WEIGHTS),
        (L1(strength=0.0), [0.125] * 5, WEIGHTS),
        # lr · λ = 0.5 · 0.25 = 0.125
        (L1Prox(strength=0.25), [0.125] * 5, [0.375, -0.125, 0.0, 0.875, 0.0]),
        (TrimmedL1Prox(strength=0.25, k=2), [0.125] * 5, [0.5, -0.125, 0.0, 1.0, 0.0]),
        (TrimmedL1Prox(strength=0.25, k=9), [0.125] * 5, WEIGHTS),
        (L0Projection(k=2), [0.125] * 5, [0.5, 0.0, 0.0, 1.0, 0.0]),
        (L0Projection(k=5), [0.125] * 5, WEIGHTS),
        (BatchNormL1(strength=0.5), [0.125] * 5, WEIGHTS),
    ],
    ids=repr,
)
def test_formulas_on_weights_worked_by_hand(regularizer, gradient, weights):
    model = network()
    regularizer.after_backward(model)
    assert model[0].weight.grad.tolist() == [gradient]
    assert model[0].weight.tolist() == [WEIGHTS]
    regularizer.after_step(model, 0.5)
    assert model[0].weight.tolist() == [weights]
    assert model[0].weight.grad.tolist() == [gradient]
    assert (model[0].bias.item(), model[0].bias.grad.item()) == (0.75, 0.25)


def test_of_equal_magnitudes_the_lower_index_is_kept():
    model = network([0.5, -0.5, 0.5, -0.5])
    L0Projection(k=2).after_step(model, 0.5)
    assert model[0].weight.tolist() == [[0.5, -0.5, 0.0, 0.0]]
    model = network([0.5, -0.5, 0.5, -0.5])
    TrimmedL1Prox(strength=0.5, k=3).after_step(model, 0.5)
    assert model[0].weight.tolist() == [[0.5, -0.5, 0.5, -0.25]]


def test_the_k_largest_are_those_of_each_layer():
    model = nn.Sequential(nn.Conv1d(1, 2, 2), nn.Flatten(), nn.Linear(2, 2))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[[4.0, -5.0]], [[6.0, 7.0]]]))
        model[2].weight.copy_(torch.tensor([[0.1, -0.4], [0.3, 0.2]]))
    L0Projection(k=1).after_step(model, 0.1)
    assert model[0].weight.flatten().tolist() == [0, 0, 0, 7]
    assert model[2].weight.flatten().tolist() == pytest.approx([0, -0.4, 0, 0])


def test_bn_l1_touches_scales_only():
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 2), nn.BatchNorm1d(2))
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([0.5, -0.5, 0.0]))
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 0.25)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    regularizer = BatchNormL1(strength=0.5)
    regularizer.after_backward(model)
    regularizer.after_step(model, 0.5)
    assert model[1].weight.grad.tolist() == [0.75, -0.25, 0.25]
    assert model[4].weight.grad.tolist() == [0.75, 0.75]
    others = [parameter for name, parameter in model.named_parameters() if name not in ("1.weight", "4.weight")]
    assert len(others) == 6
    assert all((parameter.grad == 0.25).all() for parameter in others)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize(
    ("regularizer", "behind"),
    [
        (L1Prox(strength=0.25), [0.375, -0.125, 0.0, 0.875, 0.0]),
        (TrimmedL1Prox(strength=0.25, k=2), [0.5, -0.125, 0.0, 1.0, 0.0]),
        (L0Projection(k=2), [0.5, 0.0, 0.0, 1.0, 0.0]),
    ],
    ids=repr,
)
def test_they_act_on_the_weight_behind_a_mask(regularizer, behind):
    model = network()
    add_part(model, model[0], Mask(torch.tensor([[False, True, True, True, True]])))
    regularizer.after_step(model, 0.5)
    assert model[0].parametrizations.weight.original.tolist() == [behind]
    assert model[0].weight.tolist() == [[0.0, *behind[1:]]]


def test_the_penalty_is_added_to_the_gradient_behind_a_mask():
    model = network()
    add_part(model, model[0], Mask(torch.tensor([[False, True, True, True, True]])))
    model.zero_grad()
    model(torch.ones(1, 5)).sum().backward()
    L1(strength=0.5).after_backward(model)
    assert model[0].parametrizations.weight.original.grad.tolist() == [[0.5, 0.5, 1.0, 1.5, 0.5]]


@pytest.mark.parametrize("regularizer", [L1(strength=0.5), BatchNormL1(strength=0.5)], ids=repr)
def test_what_is_not_trained_is_left_alone(regularizer):
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).requires_grad_(False)
    regularizer.after_backward(model)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("strength", [-0.1, float("inf"), float("nan")])
@pytest.mark.parametrize("regularizer", [L1, BatchNormL1, L1Prox, TrimmedL1Prox])
def test_strengths_out_of_range(regularizer, strength):
    with pytest.raises(ValueError, match="strength must be a finite number of at least 0"):
        regularizer(strength=strength)


@pytest.mark.parametrize("k", [0, -1])
def test_counts_out_of_range(k):
    with pytest.raises(ValueError, match="k must be at least 1"):
        L0Projection(k=k)
    with pytest.raises(ValueError, match="k must be at least 1"):
        TrimmedL1Prox(strength=1.0, k=k)


# The board

SPARSE = [0, 2, 0, 0, -1]
UNREGULARIZED = [-0.63143255, 1.26564673, 0.09040334, 0.23226704, -1.34770515]
PROX = {0.2: 0.006054, 0.5: 0.031541, 1.0: 0.108153, 2.0: 0.428570}
SUBGRADIENT = {0.2: 0.006104, 0.5: 0.029923, 1.0: 0.116816, 2.0: 0.390873}


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Records of the board by what its lines are called."""
    records = benchsuite.run("sparse-linear", home=tmp_path_factory.mktemp("home"), device_name="cpu")
    return {record.place.setting: record for record in records}


def test_every_cell_is_there_and_trained_two_hundred_steps(board):
    assert len(board) == 14
    assert {record.status for record in board.values()} == {"ok"}
    assert {record.cost.epochs for record in board.values()} == {200}
    assert all("accuracy" not in record.metrics for record in board.values())


def test_none(board):
    record = board["none"]
    assert record.metrics["solution"] == pytest.approx(UNREGULARIZED, abs=1e-6)
    assert record.metrics["support"] == [0, 1, 2, 3, 4]


def test_l0_projection(board):
    record = board["l0-projection"]
    assert record.metrics["solution"] == pytest.approx(SPARSE, abs=1e-6)
    assert record.metrics["support"] == [1, 4]
    assert record.metrics["loss"] < 1e-16


@pytest.mark.parametrize("strength", [1.0, 2.0, 5.0, 10.0])
def test_trimmed_l1_prox(board, strength):
    record = board[f"trimmed-l1-prox strength {strength}"]
    assert record.metrics["solution"] == pytest.approx(SPARSE, abs=1e-6)
    assert [record.metrics["solution"][place] for place in (0, 2, 3)] == [0, 0, 0]
    assert record.metrics["support"] == [1, 4]
    assert record.metrics["loss"] < 1e-12


@pytest.mark.parametrize(("strength", "loss"), PROX.items())
def test_l1_prox_reaches_exact_zeros(board, strength, loss):
    record = board[f"l1-prox strength {strength}"]
    assert record.metrics["loss"] == pytest.approx(loss, abs=1e-6)
    assert len(record.metrics["support"]) < 5
    assert record.metrics["sparsity"] == (5 - len(record.metrics["support"])) / 5


@pytest.mark.parametrize(("strength", "loss"), SUBGRADIENT.items())
def test_l1_by_subgradient_only_comes_near(board, strength, loss):
    record = board[f"l1 strength {strength}"]
    assert record.metrics["loss"] == pytest.approx(loss, abs=1e-6)
    assert record.metrics["support"] == [0, 1, 2, 3, 4]
    last = torch.tensor(record.history["weights"][-20:])
    signs = last.diff(dim=0).sign()
    assert (signs[1:] != signs[:-1]).any(), "oscillation"


def test_what_a_record_says_of_its_solution_is_one_thing(board):
    for record in board.values():
        solution = record.metrics["solution"]
        assert record.metrics["support"] == [place for place, weight in enumerate(solution) if weight != 0]
        assert record.metrics["nonzeros"] == len(record.metrics["support"])
        inputs = torch.tensor([[-2, 2, 1, -1, -1], [-2, 1, -2, 0, 1], [1, 0, -2, 2, -1]], dtype=torch.float64)
        residual = inputs @ torch.tensor(solution, dtype=torch.float64) - torch.tensor([5.0, 1.0, 1.0])
        assert record.metrics["loss"] == pytest.approx(float(residual.square().sum()), rel=1e-9, abs=1e-25)


def test_the_course_of_every_step_is_recorded(board):
    for record in board.values():
        assert set(record.history) == {"train_loss", "weights"}
        losses, weights = record.history["train_loss"], record.history["weights"]
        assert (len(losses), len(weights), {len(one) for one in weights}) == (200, 200, {5})
        assert losses[0] == 27  # of W = 0
        assert weights[-1] == pytest.approx(record.metrics["solution"], rel=1e-8)
