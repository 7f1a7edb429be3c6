"""Where a record comes from: versions, plugins, data, device. Nothing of it enters a key."""

import platform
import re
import zlib
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from benchsuite.errors import PluginError
from benchsuite.plan import PROTOCOL, Chain, Prune, Quantize, Use
from benchsuite.registry import Registry


def provenance(chain: Chain, registry: Registry, device: torch.device) -> dict[str, object]:
    """Versions of what ran, and distribution, version and source digest of each plugin of the chain."""
    return {
        "benchsuite": _version("benchsuite"),
        "protocol": PROTOCOL,
        "python": platform.python_version(),
        "torch": str(torch.__version__),  # which is a class of torch's own
        "numpy": _version("numpy"),
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "blas": _blas(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu {platform.machine()}",
        "processor": _processor(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "plugins": [_origin(use, registry) for use in _uses(chain)],
        "data": {"name": chain.training.dataset.name, "fingerprint": chain.training.data},
    }


@cache
def _processor() -> str:
    """The model of the processor: sums are split otherwise on another one, and trainings end in other networks."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    told = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    name = told.get("model name") or platform.machine()
    numbers = [f"{part} {told[part]}" for part in ("cpu family", "model", "CPU part") if part in told]
    return ", ".join([name, *numbers])


@cache
def _blas() -> str:
    """The libraries that torch multiplies matrices and convolves with."""
    built = torch.__config__.show()
    name = re.search(r"BLAS_INFO=(\w+)", built)
    versions = re.findall(r"(Math Kernel Library|MKL-DNN|OpenBLAS)(?: Version)? v?(\d+(?:\.\d+)*)", built)
    return ", ".join([name[1] if name else "unknown", *(f"{library} {number}" for library, number in versions)])


@cache
def _version(distribution: str) -> str:
    """Of an installed distribution; reading its metadata takes most of a millisecond."""
    return version(distribution)


def _uses(chain: Chain) -> list[Use]:
    training = chain.training
    uses = [training.dataset, training.model, *([training.regularizer] if training.regularizer else [])]
    for step in chain.steps:
        if isinstance(step, Prune):
            uses.append(step.pruner)
        elif isinstance(step, Quantize):
            uses.append(step.quantizer)
    return uses


def _origin(use: Use, registry: Registry) -> dict[str, object]:
    origin: dict[str, object] = {"kind": use.kind, "name": use.name, "source": use.source}
    with suppress(PluginError):  # one that cannot be had: its cell will say why
        plugin = registry.get(use.kind, use.name).plugin
        origin |= {"distribution": plugin.distribution, "version": plugin.version}
    return origin
