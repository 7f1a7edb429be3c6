"""A file of published figures, and the board that they are held against, made by hand."""

from make_record import dense_record, layer, make_record, prune

LAYERS = (layer("fc1", 800),)

FILE = """\
[sources]
they = "They 1999"

[[tables]]
title = "Half the weights"
source = "they"
boards = ["hand-made"]
figures = [{{{figure}}}]
{rest}
"""
LINE = 'line = {method = "percentile"}'


def written(path, figure=f"{LINE}, published = {{accuracy = 90.0}}", rest=""):
    """Return the file, in the folder `path`."""
    file = path / "published.toml"
    file.write_text(FILE.format(figure=figure, rest=rest), encoding="utf-8")
    return file


def dense(seed, accuracy=95.0):
    """Return the record of the dense network."""
    return dense_record(seed, numbers={"accuracy": accuracy})


def row(line, seed, accuracy=90.0, **facts):
    """Return the record of a row; facts: as of `make_record`."""
    numbers = {"accuracy": accuracy}
    return make_record(prune(line=line), seed=seed, line=line, **{"layers": LAYERS, "numbers": numbers, **facts})


def hand_made():
    """Return a dense network and two rows over three seeds."""
    accuracies = {1: (91.0, 92.0, 93.0), 3: (50.0, 60.0, 70.0)}
    return [dense(seed) for seed in range(3)] + [
        row(line, seed, value, setting=f"sparsity 0.{line}")
        for line, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
