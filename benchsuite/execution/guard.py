"""Around every call into a plugin: global random numbers and settings are found afterwards as they were before.

A decision that touched either is refused: it would depend on what ran before it, and so would what runs after it.
"""

import os
import random
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar, cast

import numpy as np
import torch

from benchsuite.errors import PluginError
from benchsuite.execution.denormals import flushed

T = TypeVar("T")

_NUMPY_SEEDS = 2**32


class _Setting(NamedTuple):
    name: str
    read: Callable[[], object]
    write: Callable[[object], object]


def _write_device(device: object) -> None:
    # None takes the device mode away, which would cost every call of torch; "cpu" would leave it in place
    torch.set_default_device(None if device == torch.device("cpu") else cast(torch.device, device))


def _flag(owner: object, name: str, told: str) -> _Setting:
    return _Setting(told, lambda: getattr(owner, name), lambda value: setattr(owner, name, value))


_MATMULS = [
    owner
    for owner in (torch.backends.cuda.matmul, torch.backends.mkldnn.matmul)  # type: ignore[attr-defined]  # made by name
    if hasattr(owner, "fp32_precision")  # from torch 2.9 on
]


def _read_matmul_precision() -> tuple[str, ...]:
    try:
        together = torch.get_float32_matmul_precision()
    except RuntimeError:  # it will not tell after one of them was set alone
        together = "mixed"
    return together, *(owner.fp32_precision for owner in _MATMULS)


def _write_matmul_precision(precision: tuple[str, ...]) -> None:
    torch.set_float32_matmul_precision(precision[0])
    for owner, own in zip(_MATMULS, precision[1:], strict=True):
        owner.fp32_precision = own


def _settings() -> Iterator[_Setting]:
    def setting(name: str, read: Callable[[], T], write: Callable[[T], object]) -> _Setting:
        return _Setting(name, read, cast(Callable[[object], object], write))

    yield setting("torch's default dtype", torch.get_default_dtype, torch.set_default_dtype)
    yield _Setting("torch's default device", torch.get_default_device, _write_device)
    yield setting("torch's number of threads", torch.get_num_threads, torch.set_num_threads)
    yield setting("torch's gradient mode", torch.is_grad_enabled, torch.set_grad_enabled)
    yield setting("torch's anomaly detection", torch.is_anomaly_enabled, torch.set_anomaly_enabled)
    yield setting("torch's deterministic mode", torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode)
    yield setting("torch's flushing of denormals", flushed, torch.set_flush_denormal)
    yield setting("torch's matmul precision", _read_matmul_precision, _write_matmul_precision)
    for switch in ("enabled", "benchmark", "deterministic"):
        yield _flag(torch.backends.cudnn, switch, f"cuDNN's switch {switch}")
    yield setting("numpy's error handling", np.geterr, lambda handling: np.seterr(**handling))
    yield setting("the working directory", os.getcwd, os.chdir)


SETTINGS = tuple(_settings())
"""All that a plugin could change and that other cells would feel, with how to read and write it."""
_PROBE = 0x9E3779B97F4A7C
"""The seed of decisions: which numbers come first is known, and so whether any was taken."""
_spare: list[np.random.MT19937] = []
"""Generators for numpy to draw from in the meantime: to read the state of its own takes longer than many a decision."""


@contextmanager
def deciding() -> Iterator[None]:
    """Of masks, channels, grids. Errors: PluginError if global random numbers were used, or a setting changed."""
    with _settings_kept() as faults, _own_random_numbers(_PROBE):
        yield
        now = _next_numbers()
        used = [name for name, number in now.items() if number != _FIRST_NUMBERS[name]]
        if used:
            source = "context.generator is the only source of randomness"
            faults.append(f"used the global random numbers of {' and '.join(used)}: {source}")


@contextmanager
def seeded(stream: int) -> Iterator[None]:
    """Of networks, training and measuring, which may draw global random numbers: those of this stream.

    Errors: PluginError if a setting changed.
    """
    with _settings_kept(), _own_random_numbers(stream):
        yield


@contextmanager
def unnoticed() -> Iterator[None]:
    """Of the import of plugins: what it changed is put back without a word."""
    settings = [one.read() for one in SETTINGS]
    with warnings.catch_warnings(), _own_random_numbers(_PROBE):
        try:
            yield
        finally:
            _put_back(settings)


@contextmanager
def _settings_kept() -> Iterator[list[str]]:
    """Errors: PluginError naming what changed, and what is added to the list."""
    settings = [one.read() for one in SETTINGS]
    faults: list[str] = []
    with warnings.catch_warnings():  # an import within the block may well add filters: no fault, but not for others
        try:
            yield faults
        except BaseException as error:
            changed = _put_back(settings)
            if changed and isinstance(error, Exception):  # which may well be why it was raised
                raise _fault(changed) from error
            raise
        faults += _put_back(settings)
    if faults:
        raise _fault(faults)


def _fault(faults: list[str]) -> PluginError:
    return PluginError(f"the plugin {'; it '.join(faults)}")


def _put_back(settings: list[object]) -> list[str]:
    """What of them had changed."""
    changed = []
    for setting, before in zip(SETTINGS, settings, strict=True):
        now = setting.read()
        if now != before:
            setting.write(before)
            changed.append(f"changed {setting.name} from {before} to {now}")
    return changed


@contextmanager
def _own_random_numbers(seed: int) -> Iterator[None]:
    """Global random numbers of this seed; those before go on afterwards."""
    python, cpu = random.getstate(), torch.default_generator.get_state()
    numpy = np.random.get_bit_generator()  # type: ignore[attr-defined]  # numpy's stubs leave it out
    devices = torch.cuda.get_rng_state_all() if _cuda_in_use() else []
    spare = _spare.pop() if _spare else np.random.MT19937()
    np.random.set_bit_generator(spare)  # type: ignore[attr-defined]  # and this
    _seed(seed)
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_bit_generator(numpy)  # type: ignore[attr-defined]
        _spare.append(spare)
        torch.default_generator.set_state(cpu)
        if devices:
            torch.cuda.set_rng_state_all(devices)


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % _NUMPY_SEEDS)
    torch.default_generator.manual_seed(seed)
    if _cuda_in_use():
        torch.cuda.manual_seed_all(seed)


def _cuda_in_use() -> bool:
    return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]  # torch's own


def _next_numbers() -> dict[str, object]:
    """Of each source; of torch's the state, which is read sooner."""
    state = torch.default_generator.get_state().numpy().tobytes()
    return {"random": random.random(), "numpy": np.random.random_sample(), "torch": state}


with _own_random_numbers(_PROBE):
    _FIRST_NUMBERS = _next_numbers()
