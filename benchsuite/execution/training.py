"""The training loop: short, seeded, on tensors in memory."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from copy import deepcopy

import torch
from torch import Tensor, nn

from benchsuite.api import Recipe, Regularizer
from benchsuite.chain import JSON
from benchsuite.errors import ConfigError, DivergedError
from benchsuite.execution.data import Examples, batch_sizes
from benchsuite.execution.history import History
from benchsuite.execution.threads import fitting_threads
from benchsuite.metrics import layer_macs

_MILESTONE_FACTOR = 0.1

BeforeEpoch = Callable[[int], None]


def train(
    model: nn.Module,
    loss: Callable[[Tensor, Tensor], Tensor],
    examples: Examples,
    recipe: Recipe,
    seed: int,
    regularizer: Regularizer | None = None,
    before_epoch: BeforeEpoch | None = None,
) -> dict[str, list[JSON]]:
    """Train in place for all epochs of the recipe; the global random state is left as it was.

    seed: of the order of the examples, the augmentation and dropout. before_epoch: called with 1, 2, …
    Returns the epochs of its `History`, by name one value for each.
    Errors: DivergedError after the first epoch whose loss is NaN or infinite; ConfigError for batches of one example
    where the network has a BatchNorm that needs more.
    """
    device = examples.images.device
    generator = torch.Generator().manual_seed(seed)
    low_precision = recipe.precision == "bf16"
    precision = torch.autocast(device.type, torch.bfloat16) if low_precision else nullcontext()
    sizes = _batches(model, examples, recipe)
    macs = sum(layer_macs(model, examples.example()).values()) * recipe.batch_size
    with fitting_threads(macs), torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        if low_precision:
            model.to(memory_format=torch.channels_last)
        forward: Callable[[Tensor], Tensor] = torch.compile(model) if recipe.compile else model
        parameters = list(model.parameters())
        optimizer = _optimizer(parameters, recipe)
        history = History(model)
        for epoch in range(1, recipe.epochs + 1):
            if before_epoch:
                before_epoch(epoch)
            model.train()
            batches = examples.shuffled(sizes, generator, recipe.augmentation)
            for index, (inputs, labels) in enumerate(batches):
                lr = _rate(recipe, epoch, (epoch - 1) * len(sizes) + index, recipe.epochs * len(sizes))
                optimizer.param_groups[0]["lr"] = lr
                if low_precision and inputs.dim() == 4:
                    inputs = inputs.contiguous(memory_format=torch.channels_last)
                with precision:
                    outputs = forward(inputs)
                for parameter in parameters:
                    parameter.grad = None
                batch_loss = loss(outputs.float() if low_precision else outputs, labels)
                batch_loss.backward()  # type: ignore[no-untyped-call]  # torch's own
                if regularizer:
                    regularizer.after_backward(model)
                optimizer.step()
                if regularizer:
                    regularizer.after_step(model, lr)
                history.batch(batch_loss, outputs, labels)
            mean = history.epoch()
            if not math.isfinite(mean):
                raise DivergedError(
                    f"diverged in epoch {epoch} of {recipe.epochs}: the training loss is {mean}; "
                    f"lower the learning rate, lr = {recipe.lr:g}"
                )
    model.eval()
    return history.epochs


def _batches(model: nn.Module, examples: Examples, recipe: Recipe) -> list[int]:
    """The sizes of the batches of an epoch: none of one example, if the network cannot be trained on one alone."""
    sizes = batch_sizes(len(examples), recipe.batch_size)
    if not recipe.epochs or sizes[-1] > 1 or not _needs_company(model, examples.example()):
        return sizes
    sizes = batch_sizes(len(examples), recipe.batch_size, together=True)
    if sizes[-1] == 1:
        cause = f"batch_size = {recipe.batch_size} on {len(examples)} training examples gives batches of 1"
        raise ConfigError(f"{cause}, and BatchNorm needs at least 2 examples in a batch: choose a larger batch_size")
    return sizes


def _needs_company(model: nn.Module, example: Tensor) -> bool:
    """Whether the network has a BatchNorm that would normalise each value by itself, which torch refuses."""
    probe = deepcopy(model).train()
    with torch.no_grad(), torch.random.fork_rng([example.device] if example.device.type == "cuda" else []):
        try:
            probe(example)
        except ValueError as error:
            return "more than 1 value per channel" in str(error)
    return False


def _optimizer(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer == "adam":
        return torch.optim.Adam(parameters, recipe.lr, weight_decay=recipe.weight_decay, fused=True)
    return torch.optim.SGD(
        parameters, recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay, fused=True
    )


def _rate(recipe: Recipe, epoch: int, step: int, steps: int) -> float:
    if recipe.schedule == "cosine":
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * step / steps))
    if recipe.schedule == "step":
        return float(recipe.lr * _MILESTONE_FACTOR ** sum(epoch > milestone for milestone in recipe.milestones))
    return recipe.lr
