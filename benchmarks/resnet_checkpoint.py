"""A fully trained public ResNet-20 under the published one-shot protocols, on lossless images and on JPEG ones.

    python benchmarks/resnet_checkpoint.py --checkpoint FILE --images FILE [--data FOLDER]
        [--output benchmarks/resnet_checkpoint.md]

What needs no training after: percentile pruning, and quantization before quantization-aware training. It tells what the
JPEG images cost by themselves, and whether the methods give the published figures where the network is the published
one's equal. checkpoint: `resnet20-12fca82f.th` of akamaster/pytorch_resnet_cifar10, 91.78 % on CIFAR-10. images: an npz
file of lossless CIFAR-10 test images (N×32×32×3) and labels. data: the folder of `cifar10-jpeg`.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tabulate import tabulate
from torch import nn

import benchsuite
from benchsuite import DataInfo, Dataset, Model
from benchsuite.execution.checkpoint import apply_checkpoint, load_checkpoint
from benchsuite.execution.data import Examples
from benchsuite.execution.session import default_data
from benchsuite.metrics import evaluate

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What the checkpoint's images were normalised with."""
LEVELS, BITS = (0.2, 0.4, 0.6, 0.7, 0.8), (8, 6, 5, 4, 3, 2)
EVERY = 5
"""Of the JPEG images, which stand class by class, one in so many is enough."""

PAGE = """\
# A fully trained ResNet-20, pruned and quantized without training

Written by `python benchmarks/resnet_checkpoint.py`; no number here was typed. The network is the public
`{checkpoint}` of akamaster/pytorch_resnet_cifar10, trained for 200 epochs on lossless CIFAR-10.
Accuracy in %: on {few} lossless test images, and on {many} test images as JPEG, every fifth of them. Its standard error
is about a point near 90 %, and more below. First convolution and final layer are pruned, and not quantized.

{table}
"""


def variants(model: nn.Module) -> Iterator[tuple[str, str, nn.Module]]:
    """Method, setting and network."""
    yield "dense", "", model
    for level in LEVELS:
        yield "percentile", f"sparsity {level}", benchsuite.prune(model, "percentile", sparsity=level)
    for method in ("ste-asymmetric", "ste-symmetric"):
        for bits in BITS:
            yield method, f"bits {bits}", benchsuite.quantize(model, method, skip=("first", "last"), bits=bits)


def main() -> None:
    """Print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=default_data())
    parser.add_argument("--output", type=Path, default=Path("benchmarks/resnet_checkpoint.md"))
    options = parser.parse_args()
    resnet, jpeg = benchsuite.get("model", "resnet20"), benchsuite.get("dataset", "cifar10-jpeg")
    if not isinstance(resnet, Model) or not isinstance(jpeg, Dataset):
        raise TypeError("resnet20 and cifar10-jpeg are of other kinds here")
    model = resnet.build(DataInfo(channels=3, height=32, width=32, classes=10))
    apply_checkpoint(model, load_checkpoint(options.checkpoint), options.checkpoint)
    with np.load(options.images) as arrays:
        lossless = torch.from_numpy(arrays["images"]).permute(0, 3, 1, 2), torch.from_numpy(arrays["labels"]).long()
    test = jpeg.load(options.data, "test")
    lossy = test.images[::EVERY].contiguous(), test.labels[::EVERY]
    sides = [Examples(images, labels, MEAN, STD) for images, labels in (lossless, lossy)]
    rows = []
    for method, setting, network in variants(model):
        found = [evaluate(network, resnet.loss, side.in_order()).correct for side in sides]
        rows.append([method, setting, *(f"{100 * float(correct.float().mean()):.2f}" for correct in found)])
    table = tabulate(rows, ["method", "setting", "lossless", "JPEG"], tablefmt="github", disable_numparse=True)
    few, many = (len(side) for side in sides)
    page = PAGE.format(checkpoint=options.checkpoint.stem, few=f"{few:,}", many=f"{many:,}", table=table)
    options.output.write_text(page, encoding="utf-8")
    print(table)


if __name__ == "__main__":
    main()
