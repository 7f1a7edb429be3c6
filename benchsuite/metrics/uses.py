"""Multiply-accumulates by the weight that they read, wherever a forward pass uses it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TypeAlias

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

_ATEN = torch.ops.aten
_VECTOR_PRODUCTS = {_ATEN.mv: 0, _ATEN.addmv: 1, _ATEN.dot: 0}
"""The place of their larger factor: each of its elements is multiplied once."""
_COPIES = frozenset({_ATEN.clone, _ATEN._to_copy})

Span: TypeAlias = tuple[int, int, str]
"""The addresses of a tensor, from its first byte to the one behind its last, and the name of the weight."""


class WeightUses(FlopCounterMode):
    """A flop counter that attributes each product to the weight that is one of its factors.

    The weight is recognized by its place in memory, as are its views, such as the transpose, and what elementwise
    operations make of it. A product without a weight belongs to the innermost layer that is being called, if any.
    """

    def __init__(self, weights: Mapping[str, Sequence[Tensor]]) -> None:
        super().__init__(display=False)
        self.flops = dict.fromkeys(weights, 0)
        self._calls: list[str] = []
        self._weights = [(*_span(tensor), name) for name, tensors in weights.items() for tensor in tensors]
        self._derived: list[Span] = []
        self._kept: list[Tensor] = []  # lest another tensor gets the address

    def enter(self, name: str) -> None:
        """Note that the layer is being called."""
        self._calls.append(name)

    def leave(self) -> None:
        """Note that the call of the innermost layer has ended."""
        self._calls.pop()

    def _count_flops(self, packet: object, out: object, args: Sequence[object], kwargs: Mapping[str, object]) -> object:
        if flops := self._flops(packet, out, args, kwargs):
            name = self._read(_tensors(args, kwargs)) or (self._calls[-1] if self._calls else None)
            if name is not None:
                self.flops[name] += flops
        elif isinstance(out, Tensor) and _is_elementwise(packet):
            name = self._read([one for one in _tensors(args, kwargs) if one.numel() == out.numel()])
            if name is not None:
                self._derived.append((*_span(out), name))
                self._kept.append(out)
        return out

    def _flops(self, packet: object, out: object, args: Sequence[object], kwargs: Mapping[str, object]) -> int:
        if packet in _VECTOR_PRODUCTS:
            return 2 * _tensors(args, kwargs)[_VECTOR_PRODUCTS[packet]].numel()
        formula = self.flop_registry.get(packet)
        return int(formula(*args, **kwargs, out_val=out)) if formula else 0

    def _read(self, tensors: Sequence[Tensor]) -> str | None:
        """The name of the weight that is among the tensors, itself or as one made of it."""
        for spans in (self._weights, self._derived):
            for tensor in tensors:
                start, end = _span(tensor)
                around = [one for one in spans if one[0] <= start < one[1] and start < end]
                if around:
                    return max(around)[2]
        return None


@contextmanager
def without_fast_path() -> Iterator[None]:
    """Let attention run as separate operations instead of one that hides its products."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


def _tensors(args: Sequence[object], kwargs: Mapping[str, object]) -> list[Tensor]:
    return [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]


@cache
def _is_elementwise(packet: object) -> bool:
    if not isinstance(packet, torch._ops.OpOverloadPacket):
        return False
    first = packet.overloads()[0]  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return packet in _COPIES or torch.Tag.pointwise in getattr(packet, first).tags


def _span(tensor: Tensor) -> tuple[int, int]:
    """The first address of the tensor and the one behind its last; equal for a tensor without memory."""
    if tensor.layout != torch.strided or not tensor.numel() or not (start := tensor.data_ptr()):
        return 0, 0
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return start, start + (last + 1) * tensor.element_size()
