"""Proof by trial that a network without some channels is the network whose readers see those channels as zero.

Tracing names the input slices that read a channel; where operations without weights move or mix channels, it names
wrong ones. The trials need no knowledge of those operations: they watch the inputs of the readers and the outputs.
"""

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchsuite.metrics import batch_norms, prunable
from benchsuite.metrics.evaluation import evaluating

_EXAMPLES = 3
_CLOSE = {torch.float64: 1e-8}
_CLOSE_ELSE = 1e-4
_OTHER = -1.7
"""Factor by which channels differ between trials: another sign passes ReLU, another size passes even functions."""


@dataclass(frozen=True)
class Removal:
    """Channels that leave the layers of a network, and the input channels that readers lose with them."""

    gone: Mapping[str, Tensor]
    read: Mapping[str, Tensor]


def prepared(network: nn.Module, example: Tensor) -> Tensor | None:
    """Convert the network to float64 in place and return noise for it; None if it does not run.

    Networks that fix their precision keep it, and those that fix the size of a batch get one example.
    """
    dtypes = {name: tensor.dtype for name, tensor in network.state_dict().items()}
    for convert in (True, False):
        if convert:
            network.double()
        else:
            for name, tensor in (*network.named_parameters(), *network.named_buffers()):
                tensor.data = tensor.data.to(dtypes.get(name, example.dtype))
        for many in (_EXAMPLES, len(example)):
            inputs = _noise_like(example, many)
            inputs = inputs.double() if convert and inputs.is_floating_point() else inputs
            try:
                outputs(network, inputs)
            except Exception:
                continue
            return inputs
    return None


def randomise(network: nn.Module) -> None:
    """Give weights and statistics arbitrary values, so that none hides a channel: zeros, γ = 0, equal filters."""
    random = torch.Generator().manual_seed(0)

    def draw(target: Tensor, spread: float, shift: float = 0.0) -> None:
        drawn = torch.rand(target.shape, generator=random, dtype=torch.float64) * 2 - 1
        target.copy_(drawn * spread + shift)

    with torch.no_grad():
        for layer in prunable(network).values():
            weight = layer.get_parameter("weight")
            draw(weight, (3 / max(1, weight[0].numel())) ** 0.5)
            if isinstance(layer.bias, Tensor):
                draw(layer.bias, 0.1)
        for norm in batch_norms(network).values():
            draw(norm.get_parameter("weight"), 0.5, 1.0)
            draw(norm.get_parameter("bias"), 0.1)
            if isinstance(norm.running_mean, Tensor) and isinstance(norm.running_var, Tensor):
                draw(norm.running_mean, 0.1)
                draw(norm.running_var, 0.5, 1.0)


def outputs(network: nn.Module, inputs: Tensor) -> list[Tensor]:
    """Return every tensor that the network returns, in evaluation mode."""
    with evaluating(network), torch.no_grad():
        return tensors_of(network(inputs))


def tensors_of(output: object) -> list[Tensor]:
    """Return the tensors of a structure of sequences, mappings and objects with attributes, in its order."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        return [tensor for part in output.values() for tensor in tensors_of(part)]
    if isinstance(output, list | tuple):
        return [tensor for part in output for tensor in tensors_of(part)]
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return [tensor for one in dataclasses.fields(output) for tensor in tensors_of(getattr(output, one.name))]
    return [tensor for part in getattr(output, "__dict__", {}).values() for tensor in tensors_of(part)]


def unequal(network: nn.Module, smaller: nn.Module, inputs: Tensor, removal: Removal) -> str | None:
    """Return in words how the smaller network differs from the network whose readers see zeros; None if nowhere."""
    with ExitStack() as hooks:
        for name, channels in removal.read.items():
            hooks.callback(_on_input(network.get_submodule(name), _zeroing(channels)))
        expected = outputs(network, inputs)
    try:
        found = outputs(smaller, inputs)
    except Exception as error:
        return f"without the removed channels the network does not run: {error}"
    if [one.shape for one in found] != [one.shape for one in expected]:
        shapes = ([tuple(one.shape) for one in some] for some in (expected, found))
        return "outputs of shape {} become {}".format(*shapes)
    if not all(_equal(one, other) for one, other in zip(found, expected, strict=True)):
        return "outputs differ from those of the network that reads zeros in place of the removed channels"
    return None


def misread(network: nn.Module, inputs: Tensor, removal: Removal) -> str | None:
    """Return in words why the removed channels are not exactly what the readers lose; None if they are.

    All layers of the removal give noise: the rest of the network must not depend on the channels that go, nor the
    slices that the readers lose on those that stay.
    """
    first, seen = _trial(network, inputs, removal, 1.0, 1.0)
    others_gone, seen_gone = _trial(network, inputs, removal, _OTHER, 1.0)
    _, seen_kept = _trial(network, inputs, removal, 1.0, _OTHER)
    if len(first) != len(others_gone) or not all(map(_equal, first, others_gone)):
        return "its channels reach the outputs of the network by another way than the inputs of layers"
    for name, channels in removal.read.items():
        if not len(seen[name]) == len(seen_gone[name]) == len(seen_kept[name]) > 0:
            return f"the calls of layer {name} depend on its values"
        lost = torch.zeros(seen[name][0].shape[-1], dtype=torch.bool)
        lost[channels] = True
        if not torch.equal(_changed(seen[name], seen_gone[name]), lost):
            return f"its channels are moved or mixed before layer {name} reads them"
        if bool(_changed(seen[name], seen_kept[name])[lost].any()):
            return f"its channels are mixed with others before layer {name} reads them"
    return None


def _trial(
    network: nn.Module, inputs: Tensor, removal: Removal, gone: float, kept: float
) -> tuple[list[Tensor], dict[str, list[Tensor]]]:
    """Outputs, and the inputs of each reader with channels last, where the layers give noise times these factors."""
    seen: dict[str, list[Tensor]] = {name: [] for name in removal.read}
    random = torch.Generator().manual_seed(1)
    with ExitStack() as hooks:
        for name, channels in removal.gone.items():
            layer = network.get_submodule(name)
            hooks.callback(_on_output(layer, _replacing(channels, gone, kept, random)))
        for name, channels in removal.read.items():
            hooks.callback(_on_input(network.get_submodule(name), _recording(channels, seen[name])))
        return outputs(network, inputs), seen


def _replacing(channels: Tensor, gone: float, kept: float, random: torch.Generator) -> Callable[[Tensor], Tensor]:
    def replace(values: Tensor) -> Tensor:
        noise = torch.randn(values.shape, generator=random, dtype=torch.float64)
        noise = noise + noise.sign()  # at least 1 in size: no shift by a BatchNorm changes the sign
        factors = torch.full((values.shape[-1],), kept, dtype=torch.float64)
        factors[channels] = gone
        return (noise * factors).to(values)

    return replace


def _zeroing(channels: Tensor) -> Callable[[Tensor], Tensor]:
    def zero(values: Tensor) -> Tensor:
        values = values.clone()
        values[..., channels] = 0
        return values

    return zero


def _recording(channels: Tensor, seen: list[Tensor]) -> Callable[[Tensor], Tensor]:
    def record(values: Tensor) -> Tensor:
        seen.append(values.clone())
        return _zeroing(channels)(values)

    return record


def _on_output(layer: nn.Module, change: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    at = channel_axis(layer)
    return layer.register_forward_hook(lambda _, __, output: change(output.movedim(at, -1)).movedim(-1, at)).remove


def _on_input(layer: nn.Module, change: Callable[[Tensor], Tensor]) -> Callable[[], None]:
    at = channel_axis(layer)
    return layer.register_forward_pre_hook(
        lambda _, inputs: (change(inputs[0].movedim(at, -1)).movedim(-1, at), *inputs[1:])
    ).remove


def channel_axis(layer: nn.Module) -> int:
    """Return the dimension of a layer's inputs and outputs along which its channels lie, counted from the last."""
    kernel = getattr(layer, "kernel_size", ())
    return -1 - len(kernel)


def _changed(some: list[Tensor], others: list[Tensor]) -> Tensor:
    """Return a bool per channel (the last dimension): True where it differs in any of the calls."""
    return torch.stack([_differs(one, other) for one, other in zip(some, others, strict=True)]).any(0)


def _differs(one: Tensor, other: Tensor) -> Tensor:
    if one.shape != other.shape:
        return torch.ones(one.shape[-1], dtype=torch.bool)
    apart = (one - other).abs() <= _tolerance(one)
    return ~apart.flatten(0, -2).all(0).cpu() if apart.ndim > 1 else ~apart.cpu()


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or not one.is_floating_point():
        return torch.equal(one, other)
    return bool(((one - other).abs() <= _tolerance(other)).all())


def _tolerance(values: Tensor) -> float:
    largest = float(values.abs().max()) if values.numel() else 0.0
    return _CLOSE.get(values.dtype, _CLOSE_ELSE) * max(1.0, largest)


def _noise_like(example: Tensor, many: int) -> Tensor:
    """Noise of the example's shape; of integers, such as tokens, a shuffle of those of the example."""
    random = torch.Generator().manual_seed(2)
    shape = (many, *example.shape[1:])
    if example.is_floating_point():
        return torch.randn(shape, generator=random).to(example)
    at = torch.randint(max(1, example.numel()), shape, generator=random)
    return example.flatten()[at.to(example.device)]
