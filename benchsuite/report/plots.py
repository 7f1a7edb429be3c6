"""A board's pictures: small SVG files whose bytes are a function of the records and matplotlib's version."""

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from benchsuite.chain import JSON
from benchsuite.report.changes import draw_changes
from benchsuite.report.curves import COLORS, LEGEND_COLUMNS, WIDTH, draw_curves, looks
from benchsuite.report.formats import brief
from benchsuite.report.series import AXES, changes, mean, panels
from benchsuite.results import BoardResults, Line
from benchsuite.safe import no_math

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEIGHT = 3.6
_STYLE = {
    "svg.hashsalt": "benchsuite",
    "svg.fonttype": "none",
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8,
    "axes.prop_cycle": f"cycler('color', {list(COLORS)})",
    "legend.frameon": False,
    "path.simplify": True,
    "path.simplify_threshold": 0.4,
}
_SMALL_COLUMNS = 4
_MOST_BARS = 24
_LARGEST = 1e100

_MADE_BY = re.compile(rb"Matplotlib v[^,<]*")

Draw = Callable[["Figure"], None]


def picture_names(results: BoardResults) -> list[str]:
    """Return the names of the pictures that the board's records allow."""
    return [name for name, _ in _pictures(results)]


def plots(results: BoardResults) -> dict[str, bytes]:
    """Return the pictures that the board's records allow, by name, as SVG."""
    return {name: svg(draw) for name, draw in _pictures(results)}


def svg(draw: Draw) -> bytes:
    """Return a drawing in the style of all pictures."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]  # its keys are a Literal of hundreds
        figure = Figure(figsize=(WIDTH, _HEIGHT), layout="constrained")
        draw(figure)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
    return content.getvalue()


def same_picture(one: bytes, other: bytes) -> bool:
    """Return whether two SVGs are equal, or incomparable since different versions of matplotlib drew them."""
    makers = [_MADE_BY.findall(picture) for picture in (one, other)]
    return one == other or (all(makers) and makers[0] != makers[1])


def _pictures(results: BoardResults) -> Iterator[tuple[str, Draw]]:
    curves = {axis: drawn for axis in AXES if (drawn := panels(results, axis))}
    for axis, drawn in curves.items():
        yield f"accuracy-{axis.name}", partial(draw_curves, axis=axis, panels=drawn)
    if not curves and (methods := changes(results)):
        yield "changes", partial(draw_changes, methods=methods)
    uneven = [line for line in results.lines if line.role == "row" and line.complete and _is_uneven(line)]
    if uneven:
        yield "layers", partial(_draw_layers, line=max(uneven, key=lambda line: mean(line, "sparsity")))
    dense = [line for line in results.lines if line.role == "dense" and line.complete]
    if any("weights" in line.records[0].history for line in dense):
        yield "loss", partial(_draw_loss, lines=dense)
        yield "weights", partial(_draw_weights, lines=dense)
    scaled = [line for line in dense if "bn_sparsity" in line.records[0].history]
    if len(scaled) > 1:
        yield "bn-sparsity", partial(_draw_scaled_training, lines=scaled)
        yield "bn-scales", partial(_draw_scales, lines=scaled)


def _draw_layers(figure: "Figure", line: Line) -> None:
    axes = figure.subplots()
    layers = line.records[0].layers[:_MOST_BARS]
    axes.bar(range(len(layers)), [layer.sparsity for layer in layers], width=0.8)
    axes.set_xticks(range(len(layers)), [no_math(layer.name) for layer in layers], rotation=90)
    axes.set_ylabel("sparsity of the layer")
    title = " ".join(filter(None, [line.group, line.method, brief(line.setting)]))
    axes.set_title(f"{no_math(title)}, seed {line.records[0].seed}", fontsize=8)


def _draw_loss(figure: "Figure", lines: Sequence[Line]) -> None:
    axes = figure.subplots()
    _draw_histories(axes, lines, "train_loss", "loss")
    axes.set_yscale("log")
    figure.legend(loc="outside right upper", fontsize=7)


def _draw_scaled_training(figure: "Figure", lines: Sequence[Line]) -> None:
    left, right = figure.subplots(1, 2)
    _draw_histories(right, lines, "bn_sparsity", "share of |γ| < 0.001")
    figure.legend(loc="outside lower center", ncols=LEGEND_COLUMNS, fontsize=7)
    _draw_histories(left, lines, "train_accuracy", "training accuracy, %")


def _draw_histories(axes: "Axes", lines: Sequence[Line], name: str, label: str) -> None:
    from matplotlib.ticker import MaxNLocator

    for line, look in zip(lines, looks(), strict=False):
        values = _drawable(_history(line, name))
        axes.plot(
            range(1, len(values) + 1),
            values,
            linewidth=1,
            label=no_math(line.setting),
            color=look.color,
            linestyle=look.style,
        )
    axes.set_xlabel("epoch")
    axes.set_ylabel(label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _draw_weights(figure: "Figure", lines: Sequence[Line]) -> None:
    rows = -(-len(lines) // _SMALL_COLUMNS)
    figure.set_size_inches(WIDTH, 1.3 * rows + 0.3)
    grid = figure.subplots(rows, _SMALL_COLUMNS, sharex=True, sharey=True, squeeze=False)
    for axes, line in zip(grid.flat, lines, strict=False):
        epochs = [weights for weights in _history(line, "weights") if isinstance(weights, list | tuple)]
        axes.plot(list(map(_drawable, epochs)), linewidth=0.8)
        axes.set_title(no_math(line.setting), fontsize=6)
    for axes in grid.flat[len(lines) :]:
        axes.set_axis_off()
    figure.supxlabel("epoch", fontsize=8)
    figure.supylabel("weights", fontsize=8)


def _draw_scales(figure: "Figure", lines: Sequence[Line]) -> None:
    grid = figure.subplots(1, len(lines), sharex=True, sharey=True, squeeze=False)
    for axes, line in zip(grid.flat, lines, strict=True):
        if scales := line.records[0].metrics.bn_scales:
            axes.stairs(scales.counts, scales.edges, fill=True)
        axes.set_title(no_math(line.setting), fontsize=7)
    figure.supxlabel("|γ| at the end of training", fontsize=8)
    figure.supylabel("channels", fontsize=8)


def _history(line: Line, name: str) -> Sequence[JSON]:
    return line.records[0].history.get(name, ())


def _drawable(values: Iterable[JSON]) -> list[float]:
    """Return numbers within what an axis can span: some trainings diverge."""
    return [min(max(value, -_LARGEST), _LARGEST) if isinstance(value, int | float) else math.nan for value in values]


def _is_uneven(line: Line) -> bool:
    """Return whether its layers differ in sparsity."""
    return len({round(layer.sparsity, 2) for layer in line.records[0].layers}) > 2
