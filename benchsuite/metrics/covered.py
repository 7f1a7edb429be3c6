"""The warning of a model whose weights compression can reach only in part; it needs no torch."""

_ENOUGH = 0.9


def too_little(share: float) -> str | None:
    """What to say of a model of whose weights pruning and quantization reach that share; None where it is enough."""
    return f"only {share:.1%} of the weights can be compressed" if share < _ENOUGH else None
