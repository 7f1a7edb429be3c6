"""The training loop and the schedules of pruning inside it."""

import math
from dataclasses import replace

import pytest
import torch
from tiny_board import engine_at, plan_rows, registry_with
from torch import nn

from benchsuite import ConfigError, Recipe, Regularizer
from benchsuite.execution.compress import masks_of, weights_of
from benchsuite.execution.data import Examples
from benchsuite.execution.training import train

RECIPE = Recipe(lr=0.1, momentum=0.9, epochs=2, batch_size=16)


@pytest.fixture
def examples() -> Examples:
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(0, 256, (40, 1, 5, 5), generator=generator, dtype=torch.uint8)
    return Examples(images, torch.arange(40) % 4, (0.5,), (0.25,))


def network(dropout: float = 0.0) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Dropout(dropout), nn.Linear(27, 4)
    )


def trained(examples: Examples, recipe: Recipe = RECIPE, seed: int = 0, dropout: float = 0.0, **more) -> nn.Module:
    model = network(dropout)
    train(model, nn.functional.cross_entropy, examples, recipe, seed, **more)
    return model


def same(one: nn.Module, other: nn.Module) -> bool:
    states = one.state_dict(), other.state_dict()
    return all(torch.equal(states[0][name], states[1][name]) for name in states[0])


VARIANTS = {
    "plain": {},
    "dropout": {"dropout": 0.5},
    "augmented": {"recipe": replace(RECIPE, augmentation=("crop", "flip"))},
    "adam": {"recipe": replace(RECIPE, optimizer="adam", lr=1e-2)},
    "bf16": {"recipe": replace(RECIPE, precision="bf16")},
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_the_seed_decides_everything(examples, variant):
    first = trained(examples, **variant)
    assert same(first, trained(examples, **variant))
    assert not same(first, trained(examples, seed=1, **variant))


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_training_leaves_the_global_random_state_and_the_threads(examples, variant):
    model = network(variant.get("dropout", 0.0))
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    train(model, nn.functional.cross_entropy, examples, variant.get("recipe", RECIPE), 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == threads


def test_random_state_and_threads_are_restored_when_training_fails(examples):
    def fail(epoch: int) -> None:
        torch.rand(3)
        raise RuntimeError("stop")

    torch.set_num_threads(2)
    model = nn.Sequential(nn.Flatten(), nn.Linear(25, 4))
    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="stop"):
        train(model, nn.functional.cross_entropy, examples, RECIPE, 0, before_epoch=fail)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.get_num_threads() == 2


def test_the_model_learns_and_ends_in_evaluation_mode(examples):
    model = network().train()
    inputs, labels = examples.in_order()[0]
    loss = nn.functional.cross_entropy
    before = loss(model(inputs), labels)
    train(model, loss, examples, replace(RECIPE, epochs=30), 0)
    assert not model.training
    assert loss(model(inputs), labels) < before / 2


def test_precision_changes_the_numbers_and_not_the_types(examples):
    low = trained(examples, VARIANTS["bf16"]["recipe"])
    assert not same(low, trained(examples))
    assert {tensor.dtype for tensor in low.parameters()} == {torch.float32}
    assert all(tensor.isfinite().all() for tensor in low.parameters())


class Watching(Regularizer):
    """Notes when it is called, with what rate, and what the gradients and weights are then."""

    def __init__(self):
        object.__setattr__(self, "seen", [])

    def after_backward(self, model):
        weight = model[5].weight
        self.seen.append(("backward", None, weight.detach().clone(), weight.grad.clone()))

    def after_step(self, model, lr):
        self.seen.append(("step", lr, model[5].weight.detach().clone(), None))


def rates(examples: Examples, recipe: Recipe) -> list[float]:
    watching = Watching()
    trained(examples, recipe, regularizer=watching)
    return [lr for what, lr, _, _ in watching.seen if what == "step"]


STEPS = math.ceil(40 / 16)


def test_the_rate_is_constant(examples):
    assert rates(examples, RECIPE) == [0.1] * (2 * STEPS)


def test_the_rate_falls_as_a_cosine_to_nothing(examples):
    total = 4 * STEPS
    found = rates(examples, replace(RECIPE, schedule="cosine", epochs=4))
    assert found == pytest.approx([0.05 * (1 + math.cos(math.pi * step / total)) for step in range(total)])
    assert found[0] == 0.1
    assert 0 < found[-1] < 0.01


def test_the_rate_is_divided_by_ten_after_each_milestone(examples):
    found = rates(examples, replace(RECIPE, schedule="step", milestones=(1, 3), epochs=4))
    assert found[::STEPS] == pytest.approx([0.1, 0.01, 0.01, 0.001])
    assert found[:STEPS] == [0.1] * STEPS


def test_regularizers_are_called_around_each_step(examples):
    watching = Watching()
    trained(examples, replace(RECIPE, momentum=0.0), regularizer=watching)
    assert [what for what, *_ in watching.seen] == ["backward", "step"] * (2 * STEPS)
    for (_, _, before, gradient), (_, lr, after, _) in zip(watching.seen[::2], watching.seen[1::2], strict=True):
        assert torch.allclose(after, before - lr * gradient, atol=1e-7)


def test_a_regularizer_changes_gradients_and_weights(examples):
    class Freezing(Regularizer):
        def after_backward(self, model):
            for parameter in model.parameters():
                parameter.grad.zero_()

        def after_step(self, model, lr):
            with torch.no_grad():
                model[5].bias.fill_(lr)

    model = trained(examples, regularizer=Freezing())
    assert torch.equal(model[5].weight, network()[5].weight)
    assert torch.equal(model[5].bias, torch.full((4,), 0.1))


def test_the_epochs_are_announced_before_they_begin(examples):
    model, seen = network(), []

    def before_epoch(epoch):
        seen.append((epoch, model[5].weight.detach().clone()))

    train(model, nn.functional.cross_entropy, examples, replace(RECIPE, epochs=3), 0, before_epoch=before_epoch)
    assert [epoch for epoch, _ in seen] == [1, 2, 3]
    assert torch.equal(seen[0][1], network()[5].weight)
    assert not torch.equal(seen[1][1], seen[2][1])


NORMS = {
    "of features": lambda: nn.Sequential(nn.Flatten(), nn.Linear(25, 8), nn.BatchNorm1d(8), nn.Linear(8, 4)),
    "of maps of one pixel": lambda: nn.Sequential(nn.Conv2d(1, 8, 5), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 4)),
}
INDIFFERENT = {
    "none": lambda: nn.Sequential(nn.Flatten(), nn.Linear(25, 4)),
    "BatchNorm of maps": network,
    "GroupNorm": lambda: nn.Sequential(nn.Flatten(), nn.Linear(25, 8), nn.GroupNorm(2, 8), nn.Linear(8, 4)),
    "InstanceNorm": lambda: nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.InstanceNorm2d(3, affine=True), nn.Flatten(), nn.Linear(27, 4)
    ),
    "LayerNorm": lambda: nn.Sequential(nn.Flatten(), nn.LayerNorm(25), nn.Linear(25, 4)),
}


def batches_of(model, examples, recipe) -> list[int]:
    """How many examples the network saw at a time in training."""
    seen = []
    model.register_forward_pre_hook(lambda module, inputs: seen.append(len(inputs[0])) if module.training else None)
    train(model, nn.functional.cross_entropy, examples, recipe, 0)
    return seen


def first(examples: Examples, count: int) -> Examples:
    return replace(examples, images=examples.images[:count], labels=examples.labels[:count])


@pytest.mark.parametrize("build", NORMS.values(), ids=NORMS)
def test_an_example_left_alone_joins_the_batch_before_where_it_could_not_be_normalised(examples, build):
    cosine = replace(RECIPE, schedule="cosine")
    assert batches_of(build(), first(examples, 33), cosine)[-4:] == [16, 17, 16, 17]
    assert batches_of(build(), first(examples, 34), cosine)[-6:] == [16, 16, 2, 16, 16, 2]


@pytest.mark.parametrize("build", INDIFFERENT.values(), ids=INDIFFERENT)
def test_an_example_left_alone_stays_so_where_it_can_be_trained_on(examples, build):
    torch.manual_seed(0)
    assert batches_of(build(), first(examples, 33), replace(RECIPE, lr=1e-3))[-6:] == [16, 16, 1, 16, 16, 1]


@pytest.mark.parametrize("build", NORMS.values(), ids=NORMS)
@pytest.mark.parametrize(("count", "batch_size"), [(33, 1), (1, 16), (1, 1)])
def test_batches_of_one_that_no_norm_can_do_with_are_refused_before_training(examples, build, count, batch_size):
    recipe, model = replace(RECIPE, batch_size=batch_size), build()
    before = [one.clone() for one in model.state_dict().values()]
    told = f"batch_size = {batch_size} on {count} training examples gives batches of 1, and BatchNorm needs at least 2"
    with pytest.raises(ConfigError, match=told):
        train(model, nn.functional.cross_entropy, first(examples, count), recipe, 0)
    assert all(torch.equal(one, other) for one, other in zip(before, model.state_dict().values(), strict=True))


def test_a_rate_that_falls_by_the_step_counts_the_batches_there_are(examples):
    seen = []

    class Noting(Regularizer):
        def after_step(self, model, lr):
            seen.append(lr)

    model, recipe = NORMS["of features"](), replace(RECIPE, schedule="cosine")
    train(model, nn.functional.cross_entropy, first(examples, 33), recipe, 0, regularizer=Noting())
    assert seen == [pytest.approx(0.05 * (1 + math.cos(math.pi * step / 4))) for step in range(4)]


def test_no_epochs_change_nothing(examples):
    assert same(trained(examples, replace(RECIPE, epochs=0)), network())


class Scheduled:
    """What the zeros of a network are before each epoch of a schedule, after the pruning, and at the end of it."""

    def __init__(self, tmp_path, pruner: str, schedule: str, epochs: int, sparsity: float = 0.9):
        registry = registry_with()
        step = {"prune": pruner, "sparsity": sparsity, "schedule": schedule, "epochs": epochs}
        planned = plan_rows(registry, {"steps": [step, {"finetune": 2}], "control": False})
        engine = engine_at(registry, tmp_path)
        self.after_pruning: list[dict[str, int]] = []
        self.frozen: list[bool] = []
        self.after_epoch: list[dict[str, int]] = []
        steps = engine.steps
        original = steps._train

        def watched(chain, state, recipe, before_epoch=None):
            def before(epoch):
                if before_epoch:
                    if epoch > 1:
                        self.after_epoch.append(zeros(state.model))
                    before_epoch(epoch)
                    self.after_pruning.append(zeros(state.model))
                    self.frozen.append(bool(masks_of(state.model)))

            original(chain, state, recipe, before)

        steps._train = watched
        (self.chain,) = [cell.chain for cell in planned.cells if cell.role == "row"]
        self.record = engine.record(self.chain)
        self.scheduled = engine.record(self.chain.parent)


def zeros(model: nn.Module) -> dict[str, int]:
    return {name: int((weight == 0).count_nonzero()) for name, weight in weights_of(model, ()).items()}


WEIGHTS = {"fc1": 36 * 8, "fc2": 8 * 3}


@pytest.mark.parametrize(
    ("schedule", "level"),
    [("linear", lambda t: 0.9 * t), ("cubic", lambda t: 0.9 * (1 - (1 - t) ** 3))],
)
def test_the_levels_of_a_schedule(tmp_path, schedule, level):
    run = Scheduled(tmp_path, "percentile", schedule, 5)
    assert run.record.status == "ok"
    expected = [level(epoch / 5) for epoch in range(1, 6)]
    for found, sparsity in zip(run.after_pruning, expected, strict=True):
        for name, weights in WEIGHTS.items():
            assert found[name] == math.floor(sparsity * (weights - 1)) + 1
    assert run.frozen == [False] * 4 + [True]


def test_weights_grow_back_until_the_last_pruning_and_not_after(tmp_path):
    run = Scheduled(tmp_path, "percentile", "linear", 4)
    for pruned, trained_on in zip(run.after_pruning, run.after_epoch, strict=False):
        assert sum(trained_on.values()) < sum(pruned.values())
    final = {layer.name: layer.zeros for layer in run.scheduled.layers}
    assert final == run.after_pruning[-1]
    assert {layer.name: layer.zeros for layer in run.record.layers} == final


def test_the_final_sparsity_of_the_network_is_exact(tmp_path):
    run = Scheduled(tmp_path, "global-percentile", "cubic", 3, sparsity=0.7)
    total = sum(WEIGHTS.values())
    assert sum(layer.zeros for layer in run.record.layers) == math.floor(0.7 * (total - 1)) + 1
    assert run.record.cost.epochs == 1 + 3 + 2
