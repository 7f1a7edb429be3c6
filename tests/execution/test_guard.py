"""Whatever a plugin does to global random numbers and settings, the next finds them as they were."""

import os
import random

import numpy as np
import pytest
import torch

from benchsuite.errors import PluginError
from benchsuite.execution.denormals import flushed
from benchsuite.execution.guard import deciding, seeded, unnoticed

DRAWS = {
    "random": random.random,
    "numpy": np.random.rand,
    "numpy's seed": lambda: np.random.seed(0),
    "torch": lambda: torch.rand(1),
    "torch's seed": lambda: torch.manual_seed(0),
    "torch's initialisation": lambda: torch.nn.Linear(2, 2),
}

CHANGES = {
    "torch's default dtype": lambda: torch.set_default_dtype(torch.float64),
    "torch's default device": lambda: torch.set_default_device("meta"),
    "torch's number of threads": lambda: torch.set_num_threads(torch.get_num_threads() + 1),
    "torch's gradient mode": lambda: torch.set_grad_enabled(False),
    "torch's anomaly detection": lambda: torch.autograd.set_detect_anomaly(True),
    "torch's deterministic mode": lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    "torch's flushing of denormals": lambda: torch.set_flush_denormal(True),
    "torch's matmul precision": lambda: torch.set_float32_matmul_precision("high"),
    "cuDNN's switch benchmark": lambda: setattr(torch.backends.cudnn, "benchmark", True),
    "numpy's error handling": lambda: np.seterr(all="raise"),
    "the working directory": lambda: os.chdir("/"),
}


def surroundings() -> list[object]:
    python, numpy, state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    return [
        python,
        [part.tolist() if isinstance(part, np.ndarray) else part for part in numpy],
        state.tolist(),
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.is_anomaly_enabled(),
        torch.get_deterministic_debug_mode(),
        flushed(),
        torch.get_float32_matmul_precision(),
        torch.backends.cudnn.benchmark,
        np.geterr(),
        os.getcwd(),
    ]


@pytest.fixture(autouse=True)
def same_surroundings():
    before = surroundings()
    yield
    assert surroundings() == before


@pytest.mark.parametrize(("source", "draw"), DRAWS.items(), ids=DRAWS)
def test_a_decision_may_not_use_global_random_numbers(source, draw):
    name = source.removesuffix("'s seed").removesuffix("'s initialisation")
    with pytest.raises(PluginError, match=rf"the global random numbers of {name}: context\.generator"), deciding():
        draw()


@pytest.mark.parametrize("guard", [deciding, lambda: seeded(1)], ids=["deciding", "seeded"])
@pytest.mark.parametrize(("setting", "change"), CHANGES.items(), ids=CHANGES)
def test_nobody_may_change_a_setting(setting, change, guard):
    with pytest.raises(PluginError, match="the plugin changed ") as refused, guard():
        change()
    assert setting in str(refused.value)


def test_all_that_was_changed_is_told_even_where_something_was_raised_by_it():
    def draw_nowhere() -> None:
        torch.set_default_device("meta")
        np.seterr(all="raise")
        torch.zeros(1).item()

    with pytest.raises(PluginError, match=r"changed torch's default device .*; it changed numpy's") as told, deciding():
        draw_nowhere()
    assert isinstance(told.value.__cause__, RuntimeError)


def test_what_is_raised_without_a_fault_comes_through():
    with pytest.raises(KeyError, match="mine"), deciding():
        raise KeyError("mine")


def test_a_generator_of_its_own_is_what_a_decision_uses():
    with deciding():
        torch.rand(3, generator=torch.Generator().manual_seed(1))
        np.random.default_rng(1).random()
        random.Random(1).random()


def test_networks_and_training_draw_from_a_stream_of_their_own():
    def numbers(stream: int) -> tuple[float, float, float]:
        with seeded(stream):
            return random.random(), float(np.random.rand()), float(torch.rand(1))

    assert numbers(2**55 + 1) == numbers(2**55 + 1)
    assert all(one != other for one, other in zip(numbers(1), numbers(2), strict=True))
    with seeded(1):
        before = random.random(), float(np.random.rand()), float(torch.rand(1))
        numbers(2)
        with pytest.raises(PluginError), deciding():
            torch.rand(1)
        between = random.random(), float(np.random.rand()), float(torch.rand(1))
    with seeded(1):
        assert (random.random(), float(np.random.rand()), float(torch.rand(1))) == before
        assert (random.random(), float(np.random.rand()), float(torch.rand(1))) == between


def test_imports_are_forgiven():
    with unnoticed():
        for touch in (*DRAWS.values(), *CHANGES.values()):
            touch()
