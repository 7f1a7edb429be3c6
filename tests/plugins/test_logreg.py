"""Logistic regression: losses worked out by hand; linear regression: the exact solution."""

import math

import pytest
import torch

from benchsuite import ConfigError, DataInfo
from benchsuite.execution.data import Examples
from benchsuite.execution.training import train
from benchsuite.metrics import measure_model
from benchsuite_plugins.linear_regression import LinearRegression
from benchsuite_plugins.logreg import LogisticRegression

PAIR = DataInfo(channels=1, height=28, width=28, classes=2)
LN3 = math.log(3)
"""σ(ln 3) = 3/4 and log(1 + e^(ln 3)) = ln 4."""


@pytest.mark.parametrize(
    ("objective", "output", "label", "expected"),
    [
        ("logistic", 0, 1, math.log(2)),
        ("logistic", LN3, 1, math.log(4 / 3)),
        ("logistic", LN3, 0, math.log(4)),
        ("logistic", -200, 1, 200),
        ("squares", 0, 0, 1 / 2),
        ("squares", LN3, 1, 1 / 8),
        ("squares", LN3, 0, 9 / 8),
        ("squares", -LN3, 0, 1 / 8),
    ],
)
def test_losses_by_hand(objective, output, label, expected):
    found = LogisticRegression(objective=objective).loss(torch.tensor([[output]]).double(), torch.tensor([label]))
    assert found.item() == pytest.approx(expected)


def test_squares_are_the_published_formula():
    z = torch.linspace(-4, 4, 9, dtype=torch.float64)
    for label, y in ((0, -1), (1, 1)):
        plus, minus = z.sigmoid(), (-z).sigmoid()
        published = (1 - y) / 2 * ((1 - minus) ** 2 + plus**2) + (1 + y) / 2 * (minus**2 + (1 - plus) ** 2)
        found = LogisticRegression(objective="squares").loss(z[:, None], torch.full((9,), label))
        torch.testing.assert_close(found, published.mean())


def test_each_output_meets_its_own_label_or_by_mistake_every_one():
    outputs, labels = torch.tensor([[LN3], [-LN3]]), torch.tensor([1, 0])
    assert LogisticRegression().loss(outputs, labels).item() == pytest.approx(math.log(4 / 3))
    mistaken = LogisticRegression(broadcast_labels=True).loss(outputs, labels)
    assert mistaken.item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


@pytest.mark.parametrize("objective", ["logistic", "squares"])
def test_by_mistake_it_does_not_matter_whose_label_is_whose(objective):
    torch.manual_seed(0)
    outputs, labels = torch.randn(20, 1), torch.randint(2, (20,))
    for mistake, same in ((False, False), (True, True)):
        model = LogisticRegression(objective=objective, broadcast_labels=mistake)
        losses = [model.loss(outputs, shown).item() for shown in (labels, labels.roll(1))]
        assert (losses[0] == pytest.approx(losses[1])) is same


def test_counts_and_recipes():
    network = LogisticRegression().build(PAIR)
    metrics, _ = measure_model(network, torch.zeros(1, 1, 28, 28))
    assert (metrics["parameters"], metrics["macs"]) == (785, 784)
    for objective, epochs in (("logistic", 20), ("squares", 10)):
        recipe = LogisticRegression(objective=objective).training_recipe()
        assert (recipe.optimizer, recipe.lr, recipe.batch_size, recipe.epochs) == ("sgd", 0.01, 64, epochs)


def test_more_than_two_classes_are_refused():
    with pytest.raises(ConfigError, match="the data set has 10: try mnist-4v9"):
        LogisticRegression().build(DataInfo(1, 28, 28, 10))


def test_linear_regression_meets_the_exact_solution():
    inputs = torch.tensor([[-2, 2, 1, -1, -1], [-2, 1, -2, 0, 1], [1, 0, -2, 2, -1]], dtype=torch.float64)
    targets = torch.tensor([5, 1, 1], dtype=torch.float64)
    model = LinearRegression()
    network = model.build(DataInfo(channels=1, height=1, width=5, classes=1))
    assert not network.fc.weight.any()
    assert model.loss(network(inputs), targets).item() == 27
    train(network, model.loss, Examples(inputs, targets), model.training_recipe(), seed=0)
    exact = torch.tensor([[-0.63143255, 1.26564673, 0.09040334, 0.23226704, -1.34770515]], dtype=torch.float64)
    torch.testing.assert_close(network.fc.weight.detach(), exact, rtol=0, atol=5e-9)
