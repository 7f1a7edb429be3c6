"""The loss of a board's networks along a field, drawn with the points where the curves turn."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from benchsuite.report.curves import LEGEND_COLUMNS, WIDTH, Look, looks
from benchsuite.report.formats import signed
from benchsuite.report.plots import svg

from .fits import Floats
from .schema import TurningPoint
from .sweeps import Sweep

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 2
_PANEL_HEIGHT, _LEGEND_HEIGHT = 2.2, 0.5


def picture(claim: TurningPoint, sweeps: Sequence[Sweep]) -> bytes:
    """Return a panel for each network of a board, with a curve for each variant: SVG."""
    networks: dict[str, list[Sweep]] = {}
    for sweep in sweeps:
        networks.setdefault(sweep.network, []).append(sweep)
    return svg(partial(_draw, claim=claim, networks=networks))


def _draw(figure: "Figure", claim: TurningPoint, networks: Mapping[str, Sequence[Sweep]]) -> None:
    rows, columns = -(-len(networks) // _COLUMNS), min(len(networks), _COLUMNS)
    figure.set_size_inches(WIDTH, _PANEL_HEIGHT * rows + _LEGEND_HEIGHT)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    variants = list(dict.fromkeys(sweep.variant for sweeps in networks.values() for sweep in sweeps))
    look = dict(zip(variants, looks(), strict=False))
    drawn: dict[str, Artist] = {}
    for axes, (network, sweeps) in zip(grid.flat, networks.items(), strict=False):
        axes.set_xscale("log")
        axes.set_yscale("symlog", linthresh=claim.tolerance)
        axes.axvline(claim.at, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
        axes.axhline(-claim.tolerance, color="#999999", linewidth=0.8, linestyle=":", zorder=0)
        for sweep in sweeps:
            drawn[sweep.variant] = _draw_sweep(axes, sweep, claim.tolerance, look[sweep.variant])
        axes.set_title(network)
    for axes in grid.flat[len(networks) :]:
        axes.set_axis_off()
    for axes in list(grid.flat)[max(0, len(networks) - columns) : len(networks)]:  # the lowest of each column
        axes.set_xlabel(f"{claim.symbol} (● where the loss passes {claim.tolerance:g}, ▼ the bend)")
        axes.tick_params(labelbottom=True)
    every = np.unique([value for sweeps in networks.values() for sweep in sweeps for value in sweep.values])
    first = int(np.abs(every - claim.at).argmin()) % 2
    _name_ticks(grid.flat[0], every[first::2], claim.tolerance)
    figure.supylabel("change against dense, points", fontsize=8)
    figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=7)


def _draw_sweep(axes: "Axes", sweep: Sweep, tolerance: float, look: Look) -> "Artist":
    """Draw the curve, its bend, and its crossing of the tolerance with the interval; return the curve."""
    (curve,) = axes.plot(sweep.values, sweep.change, linewidth=0.9, color=look.color, linestyle=look.style, zorder=2)
    threshold = sweep.threshold(tolerance)
    for log, marker in ((threshold.estimate, "o"), (sweep.bend, "v")):
        if np.isfinite(log):
            height = np.interp(log, sweep.logs, sweep.change)
            axes.plot(np.exp(log), height, marker=marker, markersize=3.5, color=look.color, zorder=3)
    low, high = np.clip([threshold.low, threshold.high], sweep.logs[0], sweep.logs[-1])
    axes.hlines(-tolerance, np.exp(low), np.exp(high), color=look.color, linewidth=2, alpha=0.3, zorder=1)
    return curve


def _name_ticks(axes: "Axes", values: Floats, tolerance: float) -> None:
    """Label the points of the sweep and the losses with their values, in all panels: they share their axes."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.xaxis.set_major_locator(FixedLocator(values.tolist()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(FixedLocator([0.0, *(-tolerance * scale for scale in (0.5, 1, 3, 10, 30, 100))]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: signed(value, "g")))
