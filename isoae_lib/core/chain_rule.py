"""The chain rule for the layers of Table 3, written out: tangents forward, cotangents back.

Automatic differentiation would need a second backward pass through a first one, or forward mode
inside reverse mode. Neither can be compiled. Here tangents are ordinary values of one graph.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isoae_lib.core.networks import Scale, SoftPlus, TransposedLinear, conv, conv_transpose

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
RESHAPES = (nn.Flatten, nn.Unflatten, nn.ZeroPad2d)
LINEAR = (nn.Linear, TransposedLinear, Scale, nn.Conv2d, nn.ConvTranspose2d, *RESHAPES)
Net = Any  # an nn.Module, or the layers of one in a list
LinearMap = Callable[[Tensor], Tensor]


@dataclass
class FrozenNorm:
    """BatchNorm as it was for one batch: an affine map per channel.

    Attributes
    ----------
    factor, shift : Tensor
        One number per channel. Gradients flow through them to the batch.
    """

    factor: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return factor x + shift."""
        return torch.addcmul(_per_channel(self.shift, x), _per_channel(self.factor, x), x)

    def linear(self, u: Tensor) -> Tensor:
        """Return factor u."""
        return _per_channel(self.factor, u) * u


def is_chain(net: Net) -> bool:
    """Whether `net` is a sequence of layers that this module knows."""
    known = (SoftPlus, FrozenNorm, *NORMS, *LINEAR)
    return isinstance(net, nn.Sequential | list) and all(isinstance(layer, known) for layer in net)


def freeze_norms(net: Net, x: Tensor) -> tuple[Tensor, list[Any]]:
    """Return net(x), and the layers of `net` with each BatchNorm frozen as it was for x.

    The running statistics of BatchNorm are updated.
    """
    frozen = []
    for layer in net:
        frozen.append(_freeze(layer, x, track=True) if isinstance(layer, NORMS) else layer)
        x = frozen[-1](x)
    return x, frozen


def linearize(layer: Any, x: Tensor, track: bool = False) -> tuple[Tensor, LinearMap, LinearMap]:
    """Return a layer's value at x, and its differential there as two functions.

    The first function applies the differential to a tangent u (jvp), the second its transpose to
    a cotangent v (vjp); each sample has its own. In training mode BatchNorm normalises by the
    batch, and its differential is that of one sample that moves while the statistics stay.
    Its running statistics are updated if `track` is true.

    Examples
    --------
    The two are transposes of each other, <J u, v> = <u, J' v>:

    >>> x, u, v = torch.rand(3, 5, 4)
    >>> value, push, pull = linearize(SoftPlus(), x)
    >>> torch.allclose((push(u) * v).sum(1), (u * pull(v)).sum(1))
    True
    """
    if isinstance(layer, SoftPlus):
        value, slope = layer.value_and_slope(x)
        return value, lambda u: slope * u, lambda v: v * slope
    if isinstance(layer, NORMS):
        layer = _freeze(layer, x, track)
    return layer(x), *_linear_part(layer, x.shape)


def _linear_part(layer: Any, shape: torch.Size) -> tuple[LinearMap, LinearMap]:
    """Return a layer without its bias, and its transpose; `shape` is that of the input."""
    if isinstance(layer, Scale):
        return layer, layer
    if isinstance(layer, FrozenNorm):
        return layer.linear, layer.linear
    if isinstance(layer, nn.ZeroPad2d):
        left, _, top, _ = layer.padding
        return layer, lambda v: v[..., top : top + shape[-2], left : left + shape[-1]]
    if isinstance(layer, RESHAPES):
        return layer, lambda v: v.reshape(shape)
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        stride, padding = tuple(layer.stride), tuple(map(int, layer.padding))
    if isinstance(layer, nn.Conv2d):
        sizes = zip(shape[2:], layer.kernel_size, stride, padding)
        left_out = tuple((size + 2 * p - k) % s for size, k, s, p in sizes)
        return (
            lambda u: conv(u, layer.weight, None, stride, padding),
            lambda v: conv_transpose(v, layer.weight, None, stride, padding, left_out),
        )
    if isinstance(layer, nn.ConvTranspose2d):
        return (
            lambda u: conv_transpose(u, layer.weight, None, stride, padding),
            lambda v: conv(v, layer.weight, None, stride, padding),
        )
    return lambda u: u @ layer.weight.T, lambda v: v @ layer.weight


def _freeze(layer: Any, x: Tensor, track: bool) -> FrozenNorm:
    """Return BatchNorm as it is for the batch x; in evaluation mode, by its running statistics."""
    if layer.training:
        others = [axis for axis in range(x.ndim) if axis != 1]  # all but the channels
        variance, mean = torch.var_mean(x, others, correction=0)
        if track:
            with torch.no_grad():
                count = x.numel() // x.shape[1]
                spread = variance * (count / (count - 1))
                layer.running_mean.add_(layer.momentum * (mean - layer.running_mean))
                layer.running_var.add_(layer.momentum * (spread - layer.running_var))
                layer.num_batches_tracked += 1
    else:
        mean, variance = layer.running_mean, layer.running_var
    factor = layer.weight * torch.rsqrt(variance + layer.eps)
    return FrozenNorm(factor, layer.bias - factor * mean)


def _per_channel(numbers: Tensor, like: Tensor) -> Tensor:
    """Spread one number per channel over a tensor's other dimensions."""
    return numbers.reshape(1, -1, *[1] * (like.ndim - 2))
