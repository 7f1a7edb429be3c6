"""Speed of the training loop: images per second, against a DataLoader with torchvision's transforms.

    python benchmarks/training.py [--repetitions N] [--data FOLDER]

Both sides train the same MLP with fused Adam at batch 128 on the same images of MNIST. The other side decodes each
image with PIL, as is usual, in 2 workers, which are started before the clock is. MNIST is looked for under --data,
$BENCHSUITE_DATA and the home.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from timing import in_turns, print_table, ratio, verdict
from torch import Tensor, nn
from torch.utils.data import DataLoader, Subset

from benchsuite import DataError, Model, Recipe
from benchsuite.execution.data import DataSource, Examples
from benchsuite.execution.session import default_data
from benchsuite.execution.training import train
from benchsuite.plan import Use
from benchsuite.registry import default_registry

HIDDEN = (512, 256, 128)
IMAGES = 12_800
WORKERS = 2
RECIPE = Recipe(optimizer="adam", lr=3e-4, epochs=1, batch_size=128)
TARGET = 5

Loss = Callable[[Tensor, Tensor], Tensor]


def train_from_loader(model: nn.Module, loss: Loss, loader: "DataLoader[tuple[Tensor, Tensor]]") -> None:
    """One epoch of the loop that everyone writes."""
    optimizer = torch.optim.Adam(model.parameters(), RECIPE.lr, fused=True)
    model.train()
    for inputs, labels in loader:
        optimizer.zero_grad()
        loss(model(inputs), labels).backward()  # type: ignore[no-untyped-call]  # torch's own
        optimizer.step()


def loader_of(root: Path) -> "DataLoader[tuple[Tensor, Tensor]]":
    """MNIST as torchvision gives it, image by image."""
    from torchvision import datasets, transforms

    normalise = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
    images = Subset(datasets.MNIST(str(root), transform=normalise), range(IMAGES))
    return DataLoader(images, RECIPE.batch_size, shuffle=True, num_workers=WORKERS, persistent_workers=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=7)
    parser.add_argument("--data", type=Path, default=default_data())
    options = parser.parse_args()

    registry = default_registry()
    mlp = registry.get("model", "mlp").create({"hidden": HIDDEN})
    assert isinstance(mlp, Model)
    mnist = Use("dataset", "mnist", (), "")
    source = DataSource(registry, options.data, torch.device("cpu"))
    try:
        every = source.examples(mnist, "train")
    except DataError as missing:
        print(f"skipped: {missing}")
        return
    examples = Examples(every.images[:IMAGES], every.labels[:IMAGES], every.mean, every.std)
    loader = loader_of(options.data)
    model = mlp.build(source.info(mnist))

    def ours() -> None:
        train(model, mlp.loss, examples, RECIPE, seed=0)

    def theirs() -> None:
        train_from_loader(model, mlp.loss, loader)

    in_turns(1, ours, theirs)
    ours_seconds, theirs_seconds = in_turns(options.repetitions, ours, theirs)
    faster = ratio(theirs_seconds, ours_seconds)
    rows = [
        (f"DataLoader, {WORKERS} workers", IMAGES / statistics.median(theirs_seconds), 1.0, None, None),
        ("benchsuite", IMAGES / statistics.median(ours_seconds), faster, f"≥ {TARGET}", verdict(faster >= TARGET)),
    ]
    widths = "-".join(map(str, (784, *HIDDEN, 10)))
    print(f"{widths} MLP, {IMAGES} images, {torch.get_num_threads()} threads, medians of {options.repetitions}\n")
    print_table(rows, ("training loop", "images per second", "× DataLoader", "target", ""), digits=1)


if __name__ == "__main__":
    main()
