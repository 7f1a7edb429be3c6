"""How much accuracy changed between two runs of a line: paired by seed and test example, moderated over lines.

Examples are shared: two networks are told apart by the examples that only one of them gets right. McNemar (1947):
if the networks erred independently, each example by its own difficulty, the difference of their accuracies would have
the variance (b + c) / n², b and c being the counts of examples that only the one, only the other gets right. A
training moves many examples at once, so the true variance is φ times that. φ is estimated for each line from the
spread between seeds, which are few, and moderated by what the other lines of the comparison show: Smyth (2004),
"Linear models and empirical Bayes methods for assessing differential expression"; for such a quasi-likelihood
dispersion Lund et al. (2012), "Detecting differential expression in RNA-sequence data using quasi-likelihood with
shrunken dispersion estimates".
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaln, stdtr, stdtrit

POWER = 0.8
"""The chance to find a change of the smallest effect that `seeds_needed` aims at."""
MOST_SEEDS = 1000
_POINTS = 100.0
_FEWEST_LINES = 10
_LEAST_DISPERSION = 1e-6
_CORRELATIONS = np.geomspace(1e-5, 0.5, 41)[:, None, None]
_SLOPES = np.linspace(0.0, 2.0, 17)[:, None]
_FREEDOMS = np.geomspace(1.0, 32.0, 21)


@dataclass(frozen=True)
class Contrast:
    """One line's accuracy in a new run against a base, in points of a percent."""

    change: float
    """Mean accuracy of the new networks − that of the base ones."""
    examples: int
    """n, of the test set."""
    disagreement: float
    """(b + c) / n in [0, 1], averaged over the compared pairs of networks."""
    share: float
    """The variance of `change` / that of one pair: 1 / seeds where they are paired."""
    dispersion: float
    """The estimate of φ from this line alone: observed variance between seeds / that of McNemar."""
    freedom: int
    """Its degrees of freedom; 0 if there is but one seed on each side."""
    paired: bool
    """Whether both runs have the same seeds."""

    @property
    def variance(self) -> float:
        """McNemar's variance of one pair's difference, in points²: (b + c) / n²."""
        return _POINTS**2 * self.disagreement / self.examples

    @property
    def settled(self) -> bool:
        """Whether it says how far it can be trusted: by several seeds, or since no example tells the runs apart."""
        return self.freedom > 0 or not self.disagreement


@dataclass(frozen=True)
class Prior:
    """What other lines say of a line's φ, with the weight of `freedom` observations.

    Two examples of one training err together with the correlation ρ, so φ = 1 + n ρ; the more two networks disagree,
    the more their accuracies vary, and by more than in proportion: ρ = `correlation` (`disagreement` / `at`)^`slope`.
    """

    correlation: float
    slope: float
    freedom: float
    at: float

    def dispersion(self, contrast: Contrast) -> float:
        """φ of a line whose networks disagree so much."""
        return 1.0 + contrast.examples * self.correlation * math.pow(contrast.disagreement / self.at, self.slope)


DEFAULT_PRIOR = Prior(correlation=0.004, slope=1.5, freedom=8.0, at=0.04)
"""Where too few lines changed to tell: about what `benchmarks/false_alarms.py --calibrate` finds, trusted less."""


@dataclass(frozen=True)
class Estimate:
    """A contrast with its moderated error: `change` / `error` follows Student's t with `freedom` degrees."""

    contrast: Contrast
    prior: Prior

    @property
    def change(self) -> float:
        """In points."""
        return self.contrast.change

    @property
    def testable(self) -> bool:
        """Whether there are seeds enough, and any difference."""
        return self.contrast.freedom > 0 and self.contrast.disagreement > 0

    @cached_property
    def dispersion(self) -> float:
        """φ, between the line's own estimate and the prior by their degrees of freedom."""
        own, prior = self.contrast, self.prior
        weighed = own.freedom * own.dispersion + prior.freedom * prior.dispersion(own)
        return weighed / (own.freedom + prior.freedom)

    @property
    def freedom(self) -> float:
        """Degrees of freedom of `dispersion`."""
        return self.contrast.freedom + self.prior.freedom

    @property
    def error(self) -> float:
        """Standard error of the change, in points."""
        return math.sqrt(self.dispersion * self.contrast.variance * self.contrast.share)

    @property
    def p_worse(self) -> float:
        """The chance of a change this low or lower if there is none."""
        return float(stdtr(self.freedom, self.change / self.error)) if self.error else 1.0

    @property
    def p_better(self) -> float:
        """The chance of a change this high or higher if there is none."""
        return float(stdtr(self.freedom, -self.change / self.error)) if self.error else 1.0

    def margin(self, alpha: float) -> float:
        """Half the width in points of the interval of confidence 1 − 2 alpha around the change."""
        return float(stdtrit(self.freedom, 1 - alpha)) * self.error

    def seeds_needed(self, effect: float, alpha: float) -> int | None:
        """Seeds a run that find a change of `effect` points with the chance POWER; None beyond MOST_SEEDS.

        Of this line alone, at the level alpha, one-sided: many changed lines ask for more.
        """
        seeds = np.arange(2, MOST_SEEDS + 1)
        freedoms = self.prior.freedom + (seeds - 1) * (1 if self.contrast.paired else 2)
        errors = np.sqrt(self.dispersion * self.contrast.variance / seeds)
        enough = (stdtrit(freedoms, 1 - alpha) + stdtrit(freedoms, POWER)) * errors <= effect
        return int(seeds[enough.argmax()]) if enough.any() else None


def paired_contrast(base: NDArray[np.bool_], new: NDArray[np.bool_]) -> Contrast:
    """Which examples the networks of two runs got right, both (seeds, examples), the same seeds in the same order."""
    changes = _POINTS * (new.mean(axis=1) - base.mean(axis=1))
    return _paired(changes, base.shape[1], float((base != new).mean()))


def unpaired_contrast(base: NDArray[np.bool_], new: NDArray[np.bool_]) -> Contrast:
    """The same of runs with other seeds, (seeds, examples) each: each network of one against each of the other."""
    before, after = (_POINTS * run.mean(axis=1) for run in (base, new))
    return _unpaired(before, after, base.shape[1], float((base[:, None, :] != new[None, :, :]).mean()))


def accuracies_contrast(base: Sequence[float], new: Sequence[float], examples: int, *, paired: bool) -> Contrast:
    """A contrast from accuracies in percent alone: taken to disagree as if no example were harder than another."""
    before, after = np.asarray(base), np.asarray(new)
    disagreement = sum(float(np.mean(run / _POINTS * (1 - run / _POINTS))) for run in (before, after))
    return (
        _paired(after - before, examples, disagreement) if paired else _unpaired(before, after, examples, disagreement)
    )


def _paired(changes: NDArray[np.float64], examples: int, disagreement: float) -> Contrast:
    freedom = len(changes) - 1
    spread = float(changes.var(ddof=1)) if freedom else 0.0
    return _contrast(float(changes.mean()), examples, disagreement, 1 / len(changes), spread, freedom, paired=True)


def _unpaired(base: NDArray[np.float64], new: NDArray[np.float64], examples: int, disagreement: float) -> Contrast:
    freedom = len(base) + len(new) - 2
    squares = float(sum(np.square(run - run.mean()).sum() for run in (base, new)))
    spread = 2 * squares / freedom if freedom else 0.0  # of the difference of two networks
    share = (1 / len(base) + 1 / len(new)) / 2
    return _contrast(float(new.mean() - base.mean()), examples, disagreement, share, spread, freedom, paired=False)


def _contrast(
    change: float, examples: int, disagreement: float, share: float, spread: float, freedom: int, *, paired: bool
) -> Contrast:
    """spread: variance of one pair's difference, as the seeds show it, in points²."""
    dispersion = spread * examples / (_POINTS**2 * disagreement) if disagreement else 0.0
    return Contrast(change, examples, disagreement, share, dispersion, freedom, paired)


def fit_prior(contrasts: Iterable[Contrast]) -> Prior:
    """The prior that makes the lines' own dispersions likeliest, each distributed as φ₀ F(freedom, freedom₀).

    By maximum likelihood on a grid, not by Smyth's moments of logarithms: of few seeds, some dispersions are 0.
    DEFAULT_PRIOR where fewer than ten lines have one.
    """
    known = [one for one in contrasts if one.freedom and one.disagreement]
    if len(known) < _FEWEST_LINES:
        return DEFAULT_PRIOR
    d = np.array([one.freedom for one in known], dtype=np.float64)
    own = np.log([max(one.dispersion, _LEAST_DISPERSION) for one in known])
    at = float(np.median([one.disagreement for one in known]))
    relative = np.log([one.disagreement / at for one in known])
    examples = np.array([one.examples for one in known])
    x = own - np.log1p(examples * _CORRELATIONS * np.exp(_SLOPES * relative))
    likelihood = np.stack([_log_density(x, d, d0).sum(axis=-1) for d0 in _FREEDOMS])
    freedom, correlation, slope = np.unravel_index(likelihood.argmax(), likelihood.shape)
    return Prior(float(_CORRELATIONS.flat[correlation]), float(_SLOPES.flat[slope]), float(_FREEDOMS[freedom]), at)


def _log_density(x: NDArray[np.float64], d: NDArray[np.float64], d0: float) -> NDArray[np.float64]:
    """Of F(d, d0) at exp(x), but for a factor that d0 does not change."""
    ratio = x + np.log(d / d0)
    density: NDArray[np.float64] = d / 2 * ratio - (d + d0) / 2 * np.logaddexp(0, ratio) - betaln(d / 2, d0 / 2)
    return density
