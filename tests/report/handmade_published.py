"""A file of published figures, and the board that they are held against, made by hand."""

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
    """The file, in the folder `path`."""
    file = path / "published.toml"
    file.write_text(FILE.format(figure=figure, rest=rest), encoding="utf-8")
    return file


def hand_made(make):
    """A dense network and two rows over three seeds."""
    accuracies = {1: (91.0, 92.0, 93.0), 3: (50.0, 60.0, 70.0)}
    return [make(0, seed, 95.0, role="dense", seeds=3) for seed in range(3)] + [
        make(line, seed, value, setting=f"sparsity 0.{line}", seeds=3)
        for line, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
