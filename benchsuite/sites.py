"""The weights that compression acts on: the parameter of a module, and the side of it that has the outputs."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils import parametrize

LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Those whose weight is stored as (outputs, inputs, …)."""
TRANSPOSED_CONVS = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
PROJECTIONS = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
"""The parameters of nn.MultiheadAttention that are weights of its inputs: all in one, or one for each input."""


@dataclass(frozen=True, eq=False)
class Site:
    """A weight of a module: a plugin sees it with the outputs in dim 0, however the module stores it."""

    module: nn.Module
    parameter: str = "weight"
    groups: int = 0
    """Of a weight stored as (inputs, outputs / groups, …); 0 for one stored as (outputs, inputs, …)."""

    @property
    def weight(self) -> Tensor:
        """The effective weight as it is stored."""
        weight = getattr(self.module, self.parameter)
        if not isinstance(weight, Tensor):
            raise TypeError(f"{type(self.module).__name__} has no {self.parameter}")
        return weight

    def turn(self, tensor: Tensor) -> Tensor:
        """Turn a tensor of the weight's shape, as it is stored, so that dim 0 has the outputs, or one of these back."""
        return turned(tensor, self.groups) if self.groups else tensor

    @property
    def rows(self) -> Tensor:
        """The effective weight as plugins see it, detached."""
        return self.turn(self.weight.detach())


def turned(tensor: Tensor, groups: int) -> Tensor:
    """The same with inputs and outputs exchanged within each group; applied twice, it changes nothing."""
    return tensor.reshape(groups, -1, *tensor.shape[1:]).transpose(1, 2).flatten(0, 1).contiguous()


def layer_site(module: nn.Module) -> Site | None:
    """The weight of the module if it is a Linear or convolutional layer, transposed ones and Conv1D included."""
    if isinstance(module, LAYERS):
        return Site(module)
    if isinstance(module, TRANSPOSED_CONVS):
        return Site(module, groups=module.groups)
    return Site(module, groups=1) if is_conv1d(module) else None


def module_sites(module: nn.Module) -> Iterator[tuple[str, Site]]:
    """Each weight of the module that compression can reach, after what its name adds to that of the module."""
    layer = layer_site(module)
    if layer is not None:
        yield "", layer
    elif isinstance(module, nn.MultiheadAttention):
        for name in PROJECTIONS:
            if _stored(module, name) is not None or parametrize.is_parametrized(module, name):
                yield name, Site(module, name)


def site(model: nn.Module, name: str) -> Site:
    """The weight of that name: a layer's, or a projection of an attention layer.

    Errors: AttributeError for a name without a module.
    """
    owner, _, last = name.rpartition(".")
    if last in PROJECTIONS:
        return Site(model.get_submodule(owner), last)
    module = model.get_submodule(name)
    return layer_site(module) or Site(module)


def _stored(module: nn.Module, name: str) -> Tensor | None:
    """The parameter of the module, or what a hook computes in its place; None if parametrized or absent."""
    return module._parameters.get(name, vars(module).get(name))


def is_conv1d(module: nn.Module) -> bool:
    """Whether it is the Linear layer of GPT-2 as Hugging Face has it, named Conv1D, with a weight (inputs, outputs)."""
    if not any(base.__name__ == "Conv1D" for base in type(module).__mro__) or not hasattr(module, "nf"):
        return False
    weight = _stored(module, "weight")
    fits = weight is not None and weight.ndim == 2 and weight.shape[1] == module.nf
    return fits or parametrize.is_parametrized(module, "weight")
