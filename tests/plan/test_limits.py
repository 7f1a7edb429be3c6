"""Plans that are too large are refused before they take memory."""

import resource

import pytest

from benchsuite.plan import limits

MANY = list(range(1000))


def grid(*names: str, pruner: str = "percentile") -> str:
    fields = "".join(f", {name} = {[value / 2000 for value in MANY]}" for name in names)
    return f'[[rows]]\ncontrol = false\nsteps = [{{prune = "{pruner}"{fields}}}'


@pytest.mark.parametrize(
    ("rows", "parts", "reason"),
    [
        (
            f"{grid('sparsity')}, {{finetune = {MANY}}}, {{finetune = {MANY}}}]",
            {},
            "its grids and seeds: it plans 1,000,000,001 cells, controls included; the most is 1,000,000",
        ),
        (f"{grid('sparsity')}]", {"seeds": range(2000)}, "its grids and seeds: it plans 2,002,000 cells"),
        (f"{grid('sparsity')}]", {"option": range(2000)}, "its grids and seeds: it plans 2,002,000 cells"),
        (
            f"[[rows]]\nsteps = [{{finetune = {MANY}, lr = {[1 + one for one in MANY]}}}]",
            {},
            "rows[0].steps[0]: lr: a grid of 1,000,000 points; the most is 100,000: shorten its lists",
        ),
        (
            "",
            {"dense": f'dataset = "digits"\nmodel = "mlp"\nrecipe = {{epochs = {MANY}, batch_size = {MANY[1:]}}}'},
            "dense.recipe: batch_size: a grid of 999,000 points",
        ),
        (
            "",
            {
                "dense": f'dataset = "digits"\nmodel = {{name = "mlp", hidden = {[[1 + one] for one in MANY]}}}'
                f"\nrecipe = {{epochs = {MANY}}}"
            },
            "dense: all of its keys together: a grid of 1,000,000 points",
        ),
    ],
    ids=["steps", "seeds of the board", "seeds of the option", "one step", "recipe", "dense"],
)
def test_too_much_is_counted_before_it_is_made(refusal, rows, parts, reason):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert refusal(rows, **parts).startswith(reason)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 256 * 1024


def test_what_rows_are_matched_to_is_counted_as_it_is_planned(refusal, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CELLS", 30)
    above = '[[rows]]\ncontrol = false\nlabel = "above"\nsteps = [{prune = "neff-row", beta = [0.5, 1.0, 1.5, 2.0]}]\n'
    steps = '{prune = "unit", sparsity = {matched_to = "above"}}'
    matched = "".join(
        f'[[rows]]\ncontrol = false\nlabel = "r{number}"\nsteps = [{steps}, {{finetune = {number}}}]\n'
        for number in range(1, 8)
    )
    assert "it plans 31 cells" in refusal(above + matched)


@pytest.mark.parametrize("seeds", [[limits.MOST_SEED + 1], [-1]])
def test_seeds_out_of_range(refusal, seeds):
    assert refusal(seeds=seeds).startswith("board.seeds[0]: ")
