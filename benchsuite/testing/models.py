"""Checks of models: what they build for their default data set can be trained, stored and compressed."""

import random
from dataclasses import replace
from io import BytesIO

import numpy as np
import torch
from torch import nn

from benchsuite.api import DataInfo, Dataset, Model
from benchsuite.execution.data import Examples
from benchsuite.execution.training import train
from benchsuite.metrics import layer_macs, prunable
from benchsuite.registry import default_registry
from benchsuite.testing.checks import require, rule
from benchsuite.testing.compression import differences, outputs, require_finite

_EXAMPLES = 4
_CLOSE = 1e-5


def data_of(model: Model) -> DataInfo:
    """The shape of the model's default data set. Errors: ConfigError if no such data set is registered."""
    dataset = default_registry().get("dataset", model.default_dataset).create({})
    assert isinstance(dataset, Dataset)
    return dataset.info


def built(model: Model, seed: int = 0) -> nn.Module:
    """The network of that seed, in evaluation mode."""
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        return model.build(data_of(model)).eval()


def examples_for(model: Model, network: nn.Module) -> Examples:
    """A few random inputs of the data's shape and the network's dtype, with labels."""
    data, dtype = data_of(model), next(network.parameters()).dtype
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(_EXAMPLES, data.channels, data.height, data.width, generator=generator, dtype=dtype)
    if data.classes == 1:  # a regression
        return Examples(inputs, torch.randn(_EXAMPLES, generator=generator, dtype=dtype))
    return Examples(inputs, torch.randint(data.classes, (_EXAMPLES,), generator=generator))


@rule(Model)
def output_shape(model: Model) -> None:
    """One row of outputs for each example: broadcasting (N, 1) against (N,) trains on every pair of them."""
    network = built(model)
    found = tuple(outputs(network, examples_for(model, network).images).shape)
    classes = data_of(model).classes
    # two classes may share one output, of which they are the signs
    allowed = {(_EXAMPLES, classes)} | ({(_EXAMPLES, 1)} if classes == 2 else set())
    require(found in allowed, f"for {_EXAMPLES} examples of {classes} classes the outputs have shape {found}")
    loss = model.loss(outputs(network, examples_for(model, network).images), examples_for(model, network).labels)
    require(loss.dim() == 0, f"the loss has shape {tuple(loss.shape)}, and is no scalar")


@rule(Model)
def finite_loss(model: Model) -> None:
    """A loss that is infinite at the start, as of a logarithm of 0, is NaN after the first step."""
    network = built(model)
    examples = examples_for(model, network)
    loss = model.loss(outputs(network, examples.images), examples.labels)
    require(bool(loss.isfinite().all()), f"the loss of random inputs is {loss.item()}")


@rule(Model)
def built_by_the_seed(model: Model) -> None:
    """The cell's seed sets torch's generator: weights drawn from any other cannot be drawn again."""
    first = built(model)
    for draw in (random.random, np.random.random):
        draw()
    names = differences(first, built(model))
    require(not names, f"two networks of one seed differ in {', '.join(names)}")


@rule(Model)
def a_step_of_training(model: Model) -> None:
    """The recipe is a part of the model: at its own learning rate the first step must not end in NaN."""
    network = built(model)
    recipe = replace(model.training_recipe(), epochs=1, batch_size=_EXAMPLES, augmentation=(), compile=False)
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    train(network, model.loss, examples_for(model, network), recipe, seed=0)
    require_finite(network)
    changed = any(not torch.equal(before[name], parameter) for name, parameter in network.named_parameters())
    require(changed, "no parameter changed: nothing is learned")


@rule(Model)
def state_comes_back(model: Model) -> None:
    """What a forward pass depends on is in the state dict: a plain attribute is lost with the process."""
    network, again = built(model, seed=0), built(model, seed=1)
    file = BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    again.load_state_dict(torch.load(file, weights_only=True))
    inputs = examples_for(model, network).images
    require(torch.equal(outputs(network, inputs), outputs(again, inputs)), "another network with its state differs")


@rule(Model)
def examples_are_independent(model: Model) -> None:
    """In evaluation an example's output must not depend on its batch: accuracy would depend on the batch size."""
    network = built(model)
    inputs = examples_for(model, network).images
    together, alone = outputs(network, inputs), torch.cat([outputs(network, one[None]) for one in inputs])
    away = (together - alone).abs().max().item()
    require(away <= _CLOSE * max(1.0, together.abs().max().item()), f"outputs one by one are {away:.2g} away")


@rule(Model)
def compressible(model: Model) -> None:
    """Only Linear and convolutional modules are found and counted: a functional call hides its weights."""
    network = built(model)
    macs = layer_macs(network, examples_for(model, network).example())
    for name in prunable(network):
        require(macs.get(name, 0) > 0, f"layer {name} has no multiply-accumulates: the network never calls it")
