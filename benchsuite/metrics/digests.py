"""Digests of what a compression decided and of what it left: equal in two runs only where these are, bit for bit."""

from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor, nn

from benchsuite.metrics.tensors import model_tensors, state_tensors

_HEX_DIGITS = 16


def mask_digest(weight: Tensor) -> str:
    """Which weights are not zero: of their pattern in C order, packed, the first in the highest bit."""
    return sha256(np.packbits(weight.ne(0).cpu().numpy()).data).hexdigest()[:_HEX_DIGITS]


def weights_digest(model: nn.Module) -> str:
    """All that the model's outputs depend on, as it acts: names, types, shapes and bytes, in order of the names."""
    return _digest(model_tensors(model))


def state_digest(state: Mapping[str, Tensor]) -> str:
    """The weights' digest of the plain model, without parametrizations, that has this state dict, each tensor once."""
    return _digest(state_tensors(state))


def _digest(tensors: Mapping[str, Tensor]) -> str:
    digest = sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.cpu().contiguous().view(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()[:_HEX_DIGITS]
