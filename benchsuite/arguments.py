"""Checks of what notebooks give to the functions: a wrong kind of object is named, with what to give instead."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from torch import Tensor, nn

from benchsuite.api import ChannelPruner, Model, Pruner, Quantizer
from benchsuite.errors import ConfigError, suggestion
from benchsuite.registry import KINDS, Kind, Registry

Batches = Iterable[tuple[Tensor, Tensor]]

_BASES: Mapping[Kind, tuple[type, ...]] = {"pruner": (Pruner, ChannelPruner), "quantizer": (Quantizer,)}
_FUNCTIONS = {Pruner: "prune", ChannelPruner: "prune", Quantizer: "quantize"}


def check_name(kind: Kind, name: object, registry: Registry) -> str:
    """Return the name. Errors: ConfigError for an unknown kind, or for what is no name."""
    if kind not in KINDS:
        found = sorted({entry.kind for entry in registry.entries() if entry.name == kind})
        hint = f'; get("{found[0]}", "{kind}") gets the {found[0]} of that name' if found else ""
        raise ConfigError(f"kind: one of {', '.join(KINDS)}, not {_told(kind)}{hint}")
    if not isinstance(name, str) or not name:
        known = ", ".join(sorted({entry.name for entry in registry.entries(kind)}))
        raise ConfigError(f"name: the name of a {kind}, not {_told(name)}; known: {known}")
    return name


def check_model(model: object) -> None:
    """Check that it is a network. Errors: ConfigError."""
    if isinstance(model, nn.Module):
        return
    hint = ""
    if isinstance(model, Mapping):
        hint = "; load a state_dict into its network first: network.load_state_dict(…)"
    elif isinstance(model, Model):
        hint = "; build its network first: plugin.build(DataInfo(…))"
    raise ConfigError(f"model: a network, that is a torch.nn.Module, not {_told(model)}{hint}")


def check_example(example_input: object) -> Tensor:
    """Return the batch of inputs. Errors: ConfigError."""
    if not isinstance(example_input, Tensor):
        hint = ""
        if type(example_input).__name__ == "ndarray":
            hint = "; torch.from_numpy makes one"
        elif isinstance(example_input, tuple | list) and any(isinstance(one, Tensor) for one in example_input):
            hint = "; wrap a network of several inputs in a module that takes one tensor"
        raise ConfigError(
            f"example_input: a tensor, a batch of one or more inputs such as torch.zeros(1, 3, 32, 32), "
            f"not {_told(example_input)}{hint}"
        )
    if example_input.ndim < 2 or not len(example_input):
        raise ConfigError(f"example_input needs a batch dimension, (N, …), not shape {tuple(example_input.shape)}")
    return example_input


@contextmanager
def failing_on(example: Tensor) -> Iterator[None]:
    """Say what the network was given where it fails on it. Errors: ConfigError."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigError(
            f"the network fails on example_input, {example.dtype} of shape {tuple(example.shape)}: {reason}"
        ) from error


def check_plugin(kind: Kind, plugin: object) -> None:
    """Check that it is a configured plugin of that kind. Errors: ConfigError."""
    if isinstance(plugin, _BASES[kind]):
        return
    hint = ""
    if isinstance(plugin, type) and issubclass(plugin, _BASES[kind]):
        hint = f"; configure it: {plugin.__name__}(…)"
    elif other := next((function for base, function in _FUNCTIONS.items() if isinstance(plugin, base)), None):
        hint = f"; benchsuite.{other} takes it"
    raise ConfigError(f"{kind}: a registered name or a configured plugin, not {_told(plugin)}{hint}")


def check_pruning(seed: object, loss: object) -> None:
    """Check what a pruner's context is made of. Errors: ConfigError."""
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise ConfigError(f"seed: a whole number, not {_told(seed)}")
    if not callable(loss):
        raise ConfigError(f"loss: a function of outputs and labels, such as cross_entropy, not {_told(loss)}")


def names(argument: str, value: object, remedy: str) -> tuple[str, ...]:
    """A list of texts; one text is a list of one. Errors: ConfigError with the remedy."""
    found = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, Sequence) else None
    wrong = [value] if found is None else [one for one in found if not isinstance(one, str)]
    if wrong:
        raise ConfigError(f"{argument}: {remedy}, not {_told(wrong[0])}")
    return cast(tuple[str, ...], found)


def seeds_of(value: object) -> tuple[int, ...] | None:
    """The seeds, None for those of the board. Errors: ConfigError for what is no list of whole numbers from 0."""
    if value is None:
        return None
    found = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if not found or any(not isinstance(one, int) or isinstance(one, bool) or one < 0 for one in found):
        raise ConfigError(f"seeds: a list of whole numbers from 0, such as [0, 1, 2] or range(3), not {value!r}")
    return found


def pairs(batches: Batches) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches, each as it is looked at. Errors: ConfigError for one that is no pair of inputs and labels."""
    expected = "batches: pairs of tensors, [(inputs, labels), …]"
    if isinstance(batches, Tensor) or not isinstance(batches, Iterable):
        raise ConfigError(f"{expected}, not {_told(batches)}")
    for number, batch in enumerate(batches):
        if not isinstance(batch, tuple | list) or len(batch) != 2:
            raise ConfigError(f"{expected}; number {number} is {_told(batch)}")
        for part in batch:
            if not isinstance(part, Tensor | Mapping):  # some networks take a table of tensors
                raise ConfigError(f"{expected}; number {number} has {_told(part)}")
        yield batch[0], batch[1]


def check_options(options: Mapping[str, object], known: Sequence[str], function: Callable[..., object]) -> None:
    """Check the names of keyword arguments. Errors: ConfigError with the nearest one."""
    for name in options:
        if name not in known:
            raise ConfigError(f'{function.__name__}: unknown argument "{name}"{suggestion(name, known)}')


def _told(value: object) -> str:
    """The kind of an object in a message; short values themselves."""
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if value is None or isinstance(value, bool | int | float | str):
        return repr(value)
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
