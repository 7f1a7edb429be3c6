"""A board's pictures: small SVG files whose bytes are a function of the records and matplotlib's version."""

import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from benchsuite.errors import ConfigError
from benchsuite.report.lines import Line, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH, _HEIGHT = 6.4, 3.6
_STYLE = {
    "svg.hashsalt": "benchsuite",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": "cycler('color', ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00', '#7f7f7f'])",
    "legend.frameon": False,
    "path.simplify": True,
}
_LEAST_POINTS = 2
_MOST_BARS = 24

_MADE_BY = re.compile(rb"Matplotlib v[^,<]*")

Draw = Callable[["Figure"], None]


def picture_names(table: Table) -> list[str]:
    """The pictures that the board's records allow."""
    return [name for name, _ in _pictures(table)]


def plots(table: Table) -> dict[str, bytes]:
    """The pictures that the board's records allow, by name: SVG."""
    import matplotlib

    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]  # its keys are a Literal of hundreds
        return {name: _drawn(draw) for name, draw in _pictures(table)}


def same_picture(one: bytes, other: bytes) -> bool:
    """Whether two SVGs are equal, or were drawn by different versions of matplotlib and so cannot be compared."""
    makers = [_MADE_BY.findall(picture) for picture in (one, other)]
    return one == other or (all(makers) and makers[0] != makers[1])


def _drawn(draw: Draw) -> bytes:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    draw(figure)
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def _pictures(table: Table) -> Iterator[tuple[str, Draw]]:
    for metric, name in (("sparsity", "sparsity"), ("bits_per_weight", "bits")):
        curves = _curves(table, metric)
        if curves:
            yield f"accuracy-{name}", partial(_draw_curves, metric=metric, curves=curves)
    uneven = [line for line in table.lines if line.role == "row" and line.complete and _is_uneven(line)]
    if uneven:
        yield "layers", partial(_draw_layers, line=uneven[-1])
    dense = [line for line in table.lines if line.role == "dense" and line.complete]
    if any("weights" in line.records[0].history for line in dense):
        yield "loss", partial(_draw_histories, lines=dense, name="train_loss", label="loss", log=True)
        yield "weights", partial(_draw_weights, lines=dense)
    scaled = [line for line in dense if "bn_sparsity" in line.records[0].history]
    if len(scaled) > 1:
        yield "bn-sparsity", partial(_draw_histories, lines=scaled, name="bn_sparsity", label="share of |γ| < 0.001")
        yield "bn-scales", partial(_draw_scales, lines=scaled)


def _curves(table: Table, metric: str) -> dict[str, list[Line]]:
    """Lines by method, in the order of the metric, where it varies; with the dense network's group before it."""
    methods: dict[str, list[Line]] = defaultdict(list)
    for line in table.lines:
        if line.role == "row" and line.complete:
            methods[" ".join(filter(None, [line.group, line.method]))].append(line)
    found = {}
    for method, lines in methods.items():
        places = {round(_mean(line, metric), 3) for line in lines}
        if len(places) >= _LEAST_POINTS:
            found[method] = sorted(lines, key=lambda line: _mean(line, metric))
    return found


def _draw_curves(figure: "Figure", metric: str, curves: Mapping[str, Sequence[Line]]) -> None:
    axes = figure.subplots()
    for method, lines in curves.items():
        x = [_mean(line, metric) for line in lines]
        y = [_mean(line, "accuracy") for line in lines]
        spread = [_spread(line, "accuracy") for line in lines]
        (drawn,) = axes.plot(x, y, marker="o", markersize=3, linewidth=1, label=method)
        low, high = ([a + sign * b for a, b in zip(y, spread, strict=True)] for sign in (-1, 1))
        axes.fill_between(x, low, high, color=drawn.get_color(), alpha=0.15, linewidth=0)
        controls = [
            (place, control.mean) for place, line in zip(x, lines, strict=True) if (control := line.control("accuracy"))
        ]
        if controls:
            axes.plot(*zip(*controls, strict=True), linestyle=":", linewidth=1, color=drawn.get_color())
    axes.set_xlabel({"sparsity": "sparsity", "bits_per_weight": "bits per weight"}[metric])
    axes.set_ylabel("test accuracy, %  (band: ± s over seeds; dotted: random control)")
    _legend(axes, len(curves))


def _draw_layers(figure: "Figure", line: Line) -> None:
    axes = figure.subplots()
    layers = line.records[0].layers[:_MOST_BARS]
    shares = [int(cast(int, layer["zeros"])) / int(cast(int, layer["weights"])) for layer in layers]
    axes.bar(range(len(layers)), shares, width=0.8)
    axes.set_xticks(range(len(layers)), [str(layer["name"]) for layer in layers], rotation=90)
    axes.set_ylabel("sparsity of the layer")
    title = " ".join(filter(None, [line.group, line.method, line.setting]))
    axes.set_title(f"{title}, seed {line.records[0].cell['seed']}", fontsize=8)


def _draw_histories(figure: "Figure", lines: Sequence[Line], name: str, label: str, *, log: bool = False) -> None:
    axes = figure.subplots()
    for line in lines:
        values = _history(line, name)
        axes.plot(range(1, len(values) + 1), cast("list[float]", values), linewidth=1, label=line.setting)
    if log:
        axes.set_yscale("log")
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    _legend(axes, len(lines))


def _draw_weights(figure: "Figure", lines: Sequence[Line]) -> None:
    columns = 4
    rows = -(-len(lines) // columns)
    figure.set_size_inches(_WIDTH, 1.3 * rows + 0.3)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for axes, line in zip(grid.flat, lines, strict=False):
        axes.plot(cast("list[list[float]]", _history(line, "weights")), linewidth=0.8)
        axes.set_title(line.setting, fontsize=6)
    for axes in grid.flat[len(lines) :]:
        axes.set_axis_off()


def _draw_scales(figure: "Figure", lines: Sequence[Line]) -> None:
    grid = figure.subplots(1, len(lines), sharey=True, squeeze=False)
    for axes, line in zip(grid.flat, lines, strict=True):
        scales = cast("Mapping[str, list[float]]", line.records[0].metrics["bn_scales"])
        axes.stairs(scales["counts"], scales["edges"], fill=True)
        axes.set_title(line.setting, fontsize=7)
        axes.set_xlabel("|γ|")
    grid.flat[0].set_ylabel("channels")


def _legend(axes: "Axes", entries: int) -> None:
    if entries > 1:
        axes.legend(fontsize=6, ncols=1 + entries // 12)


def _history(line: Line, name: str) -> list[object]:
    values = line.records[0].history[name]
    if not isinstance(values, list):
        raise ConfigError(f"record {line.records[0].key}: history.{name} is not a list")
    return values


def _is_uneven(line: Line) -> bool:
    """Whether its layers differ in sparsity."""
    shares = {round(cast(int, layer["zeros"]) / cast(int, layer["weights"]), 2) for layer in line.records[0].layers}
    return len(shares) > 2


def _mean(line: Line, metric: str) -> float:
    summary = line.metric(metric)
    return summary.mean if summary else float("nan")


def _spread(line: Line, metric: str) -> float:
    summary = line.metric(metric)
    return (summary.spread if summary else None) or 0.0
