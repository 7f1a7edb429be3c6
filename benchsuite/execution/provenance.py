"""The provenance of a record: versions, plugins, data, device. Nothing of it enters a key."""

import platform
import re
import zlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

import torch

from benchsuite.chain import PROTOCOL, Chain, Use
from benchsuite.errors import PluginError
from benchsuite.registry import Registry
from benchsuite.store import DataOrigin, PluginOrigin, Provenance


def provenance(chain: Chain, registry: Registry, device: torch.device) -> Provenance:
    """Return the versions of what runs, and distribution, version and source digest of each plugin of the chain."""
    return Provenance(
        benchsuite=_version("benchsuite"),
        protocol=PROTOCOL,
        python=platform.python_version(),
        torch=str(torch.__version__),  # which is a class of torch's own
        numpy=_version("numpy"),
        zlib=zlib.ZLIB_RUNTIME_VERSION,
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else f"cpu {platform.machine()}",
        plugins=tuple(_origin(use, registry) for use in chain.plugins()),
        data=DataOrigin(chain.training.dataset.name, chain.training.data),
        instructions=torch.backends.cpu.get_cpu_capability(),
        threads=torch.get_num_threads(),
        processor=_processor(),
        blas=_blas(),
    )


@cache
def _processor() -> str:
    """Return the model of the processor: another one splits sums otherwise, and trainings end in other networks."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in first.splitlines())}
    name = facts.get("model name") or platform.machine()
    numbers = [f"{part} {facts[part]}" for part in ("cpu family", "model", "CPU part") if part in facts]
    return ", ".join([name, *numbers])


@cache
def _blas() -> str:
    """Return the libraries that torch multiplies matrices and convolves with."""
    built = torch.__config__.show()
    name = re.search(r"BLAS_INFO=(\w+)", built)
    versions = re.findall(r"(Math Kernel Library|MKL-DNN|OpenBLAS)(?: Version)? v?(\d+(?:\.\d+)*)", built)
    return ", ".join([name[1] if name else "unknown", *(f"{library} {number}" for library, number in versions)])


@cache
def _version(distribution: str) -> str:
    """Return the version of an installed distribution; reading its metadata takes most of a millisecond."""
    return version(distribution)


def _origin(use: Use, registry: Registry) -> PluginOrigin:
    try:
        plugin = registry.get(use.kind, use.name).plugin
    except PluginError:  # one that cannot be had: its cell will say why
        return PluginOrigin(use.kind, use.name, use.source)
    return PluginOrigin(use.kind, use.name, use.source, plugin.distribution, plugin.version)
