"""Speed of training ResNet-20 on colour images of 32×32, augmented: images per second.

    python benchmarks/resnet.py [--repetitions N] [--images N]

The other side is the loop that everyone writes: float32, a DataLoader with PIL augmentation (random crop with padding,
random flip) and 2 workers, which are started before the clock is. Ours run the same recipe in float32, in bf16, and in
bf16 compiled; what compiling costs once is not counted, and printed. Images are random: no data are needed.
bf16 is fast where the processor has AMX or an accelerator does the work; the last line says what this one has.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np
import torch
from timing import in_turns, print_table, ratio, verdict
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchsuite import DataInfo, Model, Recipe
from benchsuite.execution.data import Examples
from benchsuite.execution.training import train
from benchsuite.registry import default_registry

WORKERS = 2
TARGET = 3
DATA = DataInfo(channels=3, height=32, width=32, classes=10)
MEAN, STD = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
RECIPE = Recipe(lr=0.1, momentum=0.9, weight_decay=1e-4, epochs=1, batch_size=128, augmentation=("crop", "flip"))


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images one by one, through PIL, as torchvision's data sets give them."""

    def __init__(self, images: Tensor, labels: Tensor) -> None:
        from torchvision import transforms

        self.images = images.permute(0, 2, 3, 1).numpy()
        self.labels = labels.tolist()
        self.transform = transforms.Compose(
            [
                transforms.RandomCrop(32, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.ToTensor(),
                transforms.Normalize(MEAN, STD),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        from PIL import Image

        image = Image.fromarray(np.ascontiguousarray(self.images[place]))
        return cast(Tensor, self.transform(image)), self.labels[place]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--images", type=int, default=1280)
    options = parser.parse_args()

    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (options.images, 3, 32, 32), dtype=torch.uint8, generator=generator)
    labels = torch.randint(10, (options.images,), generator=generator)
    plugin = cast(Model, default_registry().get("model", "resnet20").create({}))
    examples = Examples(images, labels, MEAN, STD)
    loader = DataLoader(Pictures(images, labels), 128, shuffle=True, num_workers=WORKERS, persistent_workers=True)
    network = plugin.build(DATA)

    def plain() -> None:
        network.train()
        optimizer = torch.optim.SGD(network.parameters(), RECIPE.lr, momentum=0.9, weight_decay=1e-4)
        for inputs, wanted in loader:
            optimizer.zero_grad()
            plugin.loss(network(inputs), wanted).backward()  # type: ignore[no-untyped-call]  # torch's own
            optimizer.step()

    def ours(recipe: Recipe) -> Callable[[], object]:
        model: nn.Module = plugin.build(DATA)
        return lambda: train(model, plugin.loss, examples, recipe, seed=0)

    low = replace(RECIPE, precision="bf16")
    sides = {
        "DataLoader, float32": plain,
        "benchsuite, float32": ours(RECIPE),
        "benchsuite, bf16": ours(low),
        "benchsuite, float32, compiled": ours(replace(RECIPE, compile=True)),
        "benchsuite, bf16, compiled": ours(replace(low, compile=True)),
    }
    first = []
    for side in sides.values():
        start = time.perf_counter()
        side()
        first.append(time.perf_counter() - start)
    times = in_turns(options.repetitions, *sides.values())
    rows = []
    for name, once, own in zip(sides, first, times, strict=True):
        faster = ratio(times[0], own)
        told = "" if own is times[0] else f"{faster:.2f} ×"
        rows.append((name, options.images / statistics.median(own), once, told))
    print_table(rows, ("training of ResNet-20", "images/s", "first epoch, s", "against the loader"), 1)
    best = max(ratio(times[0], own) for own in times[1:])
    print(f"\nthe fastest: {best:.2f} ×, target ≥ {TARGET} ×: {verdict(best >= TARGET)}")
    print(f"processor: {torch.backends.cpu.get_cpu_capability()}, AMX: {torch.cpu._is_amx_tile_supported()}")


if __name__ == "__main__":
    main()
