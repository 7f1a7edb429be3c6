"""Weights from a file: safetensors or torch's own format, read without running any code that a file may hold."""

import hashlib
import pickle
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import BinaryIO

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from benchsuite.errors import ConfigError, DataError

_SHOWN = 3
_COUNTER = "num_batches_tracked"
"""BatchNorm's, which no output needs: checkpoints of torch before 0.4.1 have none."""
_WRAPPER, _PREFIX = "state_dict", "module."
"""What training scripts and DataParallel put around the tensors and before their names."""


def load_checkpoint(path: Path) -> dict[str, Tensor]:
    """The tensors of a file by name, on the CPU, without a `state_dict` around them or `module.` before each name.

    Errors: DataError naming the file if it is missing, damaged, refused for pickled code, or holds no tensors.
    """
    try:
        content = _read(path)
    except OSError as error:
        raise DataError(f"checkpoint {path} cannot be read: {error.strerror or error}") from error
    if isinstance(content, Mapping) and isinstance(content.get(_WRAPPER), Mapping):
        content = content[_WRAPPER]
    if not isinstance(content, Mapping) or not content:
        raise DataError(f"checkpoint {path} holds no tensors by name, but a {type(content).__name__}")
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise DataError(
                f"checkpoint {path}: {name!r} is a {type(tensor).__name__}, not a tensor: save a state dict"
            )
    prefixed = all(name.startswith(_PREFIX) for name in content)
    return {name.removeprefix(_PREFIX) if prefixed else name: tensor.detach() for name, tensor in content.items()}


def distinct_state(model: nn.Module) -> dict[str, Tensor]:
    """The state dict of the model, each tensor once: of names that are tied the first."""
    aliases = _aliases(model)
    return {name: tensor for name, tensor in model.state_dict().items() if aliases[name][0] == name}


def with_tied(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, and under each name that the model ties to one of theirs the same tensor again."""
    found = dict(tensors)
    for name, aliases in _aliases(model).items():
        saved = next((alias for alias in aliases if alias in tensors), None)
        if name not in found and saved is not None:
            found[name] = tensors[saved]
    return found


def _aliases(model: nn.Module) -> dict[str, list[str]]:
    """The names in the state dict of each tensor of it, by each of these names."""
    groups: dict[int, list[str]] = {}
    state = model.state_dict(keep_vars=True)
    for name, tensor in state.items():
        groups.setdefault(id(tensor), []).append(name)
    return {name: groups[id(tensor)] for name, tensor in state.items()}


def apply_checkpoint(model: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    """Copy the tensors into the model, all or none: every name and shape has to fit; of tied names one is enough.

    path: named in messages. Errors: ConfigError saying which do not.
    """
    own, tensors = model.state_dict(), with_tied(model, tensors)
    missing = [name for name in own if name not in tensors and not name.endswith(_COUNTER)]
    unexpected = [name for name in tensors if name not in own]
    shapes = [
        f"{name} {tuple(tensor.shape)} instead of {tuple(own[name].shape)}"
        for name, tensor in tensors.items()
        if name in own and tensor.shape != own[name].shape
    ]
    found = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    problems = "; ".join(f"{what}: {_first(names)}" for what, names in found.items() if names)
    if problems:
        raise ConfigError(f"checkpoint {path} is of another architecture: {problems}")
    model.load_state_dict({**own, **tensors})


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes. Errors: DataError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"checkpoint {path} cannot be read: {error.strerror}") from error


def _read(path: Path) -> object:
    with path.open("rb") as stream:
        # the length of a JSON header, then the header
        if path.suffix == ".safetensors" or _begins(stream, b"{", at=8):
            return _read_safetensors(path)
        return _read_torch(path, stream)


def _read_safetensors(path: Path) -> object:
    try:
        return safetensors.torch.load_file(path)
    except safetensors.SafetensorError as error:
        raise DataError(f"checkpoint {path} is damaged or cut off ({error}): fetch it again") from error


def _read_torch(path: Path, stream: BinaryIO) -> object:
    pickled = zipfile.is_zipfile(stream) or _begins(stream, b"\x80")
    stream.seek(0)
    try:
        with warnings.catch_warnings(action="ignore"):  # of pickle protocols that others chose
            return torch.load(stream, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # torch raises whatever its reading of foreign bytes ends in
        if pickled and isinstance(error, pickle.UnpicklingError):
            raise DataError(
                f"checkpoint {path} is refused: it holds pickled code or objects, not tensors alone; "
                "save its state_dict() as safetensors"
            ) from error
        raise DataError(f"checkpoint {path} is damaged, cut off or no file of torch: fetch it again") from error


def _begins(stream: BinaryIO, mark: bytes, at: int = 0) -> bool:
    stream.seek(at)
    return stream.read(len(mark)) == mark


def _first(names: Iterable[str]) -> str:
    shown = list(names)
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return ", ".join(shown[:_SHOWN]) + more
