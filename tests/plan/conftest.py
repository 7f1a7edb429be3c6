"""Boards written as the part that matters, planned with the installed plugins."""

import tomllib
from collections.abc import Callable, Sequence

import pytest

from benchsuite.errors import ConfigError
from benchsuite.plan import Plan, parse_board, plan
from benchsuite.registry import Registry, default_registry

Planned = Callable[..., Plan]
Refusal = Callable[..., str]


@pytest.fixture
def planned() -> Planned:
    """`planned(rows, …) -> Plan`: the board b.toml with these rows, in TOML, over one small dense network."""

    def planned(
        rows: str = "",
        *,
        seeds: Sequence[int] = (0,),
        title: str = "B",
        dense: str = 'dataset = "digits"\nmodel = "mlp"',
        tuning: str = "",
        fingerprint: str = "0" * 64,
        registry: Registry | None = None,
        option: Sequence[int] | None = None,
    ) -> Plan:
        head = f'[board]\nname = "b"\ntitle = "{title}"\nseeds = {list(seeds)}\n'
        text = f"{head}\n[dense]\n{dense}\n\n[finetune]\n{tuning}\n\n{rows}"
        board = parse_board(tomllib.loads(text), "b.toml")
        return plan(board, registry or default_registry(), lambda dataset: fingerprint, option)

    return planned


@pytest.fixture
def refusal(planned: Planned) -> Refusal:
    """`refusal(rows, …) -> str`: the message that such a board is refused with, after its file's name."""

    def refusal(rows: str = "", **parts: object) -> str:
        with pytest.raises(ConfigError) as caught:
            planned(rows, **parts)
        return str(caught.value).removeprefix("leaderboard b.toml, ")

    return refusal
