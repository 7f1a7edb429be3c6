"""`baselines/claims.toml`: claims about the committed boards, each with its test."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, ValidationError

from benchsuite.errors import ConfigError, suggestion
from benchsuite.plan.schema import Section, complaint, read_toml

Where = dict[str, object]
"""Values that select rows: for `board`, `pruner`, `seeds` (their number) or a field of the pruner a value, or a list of
alternatives."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Positive = Annotated[Finite, Field(gt=0)]


class _Claim(Section):
    """The keys of every claim."""

    title: str
    claim: str
    """The statement, in words."""
    source: str
    where: Where
    _place: str = PrivateAttr(default="")

    def place(self, key: str) -> str:
        """Return the name of a key of this claim for an error."""
        return f"{self._place}.{key}"


class Minimum(_Claim):
    """A measured number that is nowhere below a least value."""

    kind: Literal["minimum"]
    metric: str
    """The number in a record, with dots: "audit.margin"."""
    count: str
    """The metric that holds the number of things of which it is the smallest."""
    counted: str
    """The name of those things, in the plural."""
    least: Finite = 0.0


class TurningPoint(_Claim):
    """A value of a field from which on accuracy is kept."""

    kind: Literal["turning-point"]
    along: str
    """The pruner's field, positive numbers."""
    symbol: str
    """Its name in a sentence."""
    at: Positive
    """The value that is claimed to be the turning point."""
    tolerance: Positive = 1.0
    """Loss in points of accuracy that counts as kept, in tables by network and in pictures."""
    tolerances: list[Positive] = Field(default_factory=list)
    """Further tolerances that the verdict covers."""

    @property
    def every_tolerance(self) -> list[float]:
        """All tolerances, ascending."""
        return sorted({self.tolerance, *self.tolerances})


class Part(Section):
    """Some of a claim's rows: one summary of all of them, and tables that divide them."""

    name: str
    """The beginning of a sentence about them."""
    where: Where = Field(default_factory=dict)
    by: list[Annotated[list[str], Field(min_length=1)]]
    """The names that divide each table: "board", "network", "variant", "pruner", "seeds" or a field of the pruner."""


class Matched(_Claim):
    """Rows against those that are matched to them, and against their random controls."""

    kind: Literal["matched"]
    along: str
    """The pruner's field that variants are not told apart by."""
    parts: Annotated[list[Part], Field(min_length=1)]


Claim = Minimum | TurningPoint | Matched
_KINDS: dict[str, type[Claim]] = {"minimum": Minimum, "turning-point": TurningPoint, "matched": Matched}


def read_claims(path: Path) -> list[Claim]:
    """Return the claims of a file. Errors: ConfigError naming file and key."""
    content = read_toml(path)
    claims = content.pop("claims", None)
    if content or not isinstance(claims, list):
        raise ConfigError(f"{path}: should hold [[claims]] and nothing else")
    return [_parsed(claim, f"{path}, claims[{number}]") for number, claim in enumerate(claims)]


def _parsed(content: object, place: str) -> Claim:
    kind = str(content.get("kind")) if isinstance(content, dict) else ""
    if kind not in _KINDS:
        raise ConfigError(f'{place}.kind: unknown kind "{kind}"{suggestion(kind, _KINDS)}')
    try:
        claim = _KINDS[kind].model_validate(content)
    except ValidationError as invalid:
        problem = complaint(
            invalid, lambda location: Part if location[0] == "parts" and len(location) > 1 else _KINDS[kind]
        )
        raise ConfigError(f"{place}.{problem}") from None
    claim._place = place
    return claim
