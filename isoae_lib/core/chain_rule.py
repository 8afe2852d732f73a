"""The chain rule for the layers of Table 3, written out: tangents forward, cotangents back.

Automatic differentiation would need a second backward pass through a first one, or forward mode
inside reverse mode; neither compiles. Here tangents are ordinary values of one graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from isoae_lib.core.networks import Scale, SoftPlus, TransposedLinear, conv, conv_transpose

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
RESHAPES = (nn.Flatten, nn.Unflatten, nn.ZeroPad2d)
LINEAR = (nn.Linear, TransposedLinear, Scale, nn.Conv2d, nn.ConvTranspose2d, *RESHAPES)


@dataclass
class Settled:
    """What BatchNorm was for one batch: an affine map a channel, which asks no batch any more.

    Attributes
    ----------
    factor, shift : Tensor
        One number a channel; gradients flow into what they were made of.
    """

    factor: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """Return factor x + shift."""
        return torch.addcmul(_columns(self.shift, x), _columns(self.factor, x), x)


Net = Any  # an nn.Module, or the layers of one in a list


def is_chain(net: Net) -> bool:
    """Whether `net` is a sequence of layers that this module knows."""
    known = (SoftPlus, Settled, *NORMS, *LINEAR)
    return isinstance(net, nn.Sequential | list) and all(isinstance(layer, known) for layer in net)


def settle(net: Net, x: Tensor) -> tuple[Tensor, list[Any]]:
    """Return net(x), and the net that maps any sample as this one mapped those of x.

    Only BatchNorm differs: it is replaced by what it was for x, and its running statistics follow.
    """
    settled = []
    for layer in net:
        settled.append(_settled(layer, x, update=True) if isinstance(layer, NORMS) else layer)
        x = settled[-1](x)
    return x, settled


def value(layer: Any, x: Tensor, track: bool = False) -> tuple[Tensor, Any]:
    """Return a layer's value at x, and what `forward` and `back` need of it.

    In training mode BatchNorm normalises by the batch, and its running statistics follow if
    `track` says so.
    """
    if isinstance(layer, SoftPlus):
        return layer.value_and_slope(x)
    if isinstance(layer, NORMS):
        settled = _settled(layer, x, update=track)
        return settled(x), settled
    return layer(x), x.shape


def forward(layer: Any, kept: Any, u: Tensor) -> Tensor:
    """Return a layer's differential applied to u, sample by sample.

    BatchNorm's is that of the map it is for this batch: one sample moves, the statistics stay.
    """
    if isinstance(layer, SoftPlus):
        return kept * u
    return _linear_part(kept if isinstance(layer, NORMS) else layer, u)


def back(layer: Any, kept: Any, v: Tensor) -> Tensor:
    """Return a layer's transposed differential applied to v, sample by sample."""
    if isinstance(layer, SoftPlus):
        return v * kept
    return _adjoint(kept if isinstance(layer, NORMS) else layer, v, kept)


def _linear_part(layer: Any, u: Tensor) -> Tensor:
    """Apply a layer that is linear up to its bias, without the bias."""
    if isinstance(layer, Scale):
        return u * layer.factor
    if isinstance(layer, Settled):
        return _columns(layer.factor, u) * u
    if isinstance(layer, RESHAPES):
        return layer(u)
    if isinstance(layer, nn.Conv2d):
        return conv(u, layer.weight, None, layer.stride, layer.padding)  # type: ignore[arg-type]
    if isinstance(layer, nn.ConvTranspose2d):
        return conv_transpose(u, layer.weight, None, layer.stride, layer.padding)  # type: ignore[arg-type]
    return u @ layer.weight.T


def _adjoint(layer: Any, v: Tensor, shape: Any) -> Tensor:
    """Apply the transpose of `_linear_part`; `shape` is that of its input where that is needed."""
    if isinstance(layer, Scale):
        return v * layer.factor
    if isinstance(layer, Settled):
        return _columns(layer.factor, v) * v
    if isinstance(layer, nn.ZeroPad2d):
        left, _, top, _ = layer.padding
        return v[..., top : top + shape[-2], left : left + shape[-1]]
    if isinstance(layer, RESHAPES):
        return v.reshape(shape)
    if isinstance(layer, nn.Conv2d):
        (k, s), p = (layer.kernel_size[0], layer.stride[0]), int(layer.padding[0])
        left_out = tuple((size + 2 * p - k) % s for size in shape[2:])
        return conv_transpose(v, layer.weight, None, layer.stride, (p, p), left_out)
    if isinstance(layer, nn.ConvTranspose2d):
        return conv(v, layer.weight, None, layer.stride, layer.padding)  # type: ignore[arg-type]
    return v @ layer.weight


def _settled(layer: Any, x: Tensor, update: bool) -> Settled:
    """Return what BatchNorm is for the batch x; its running statistics follow if `update` says so.

    In evaluation mode the running statistics take the batch's place, and stay.
    """
    if layer.training:
        variance, mean = torch.var_mean(x, _others(x), correction=0)
        if update:
            with torch.no_grad():
                count = x.numel() // x.shape[1]
                spread = variance * (count / (count - 1))
                layer.running_mean.add_(layer.momentum * (mean - layer.running_mean))
                layer.running_var.add_(layer.momentum * (spread - layer.running_var))
                layer.num_batches_tracked += 1
    else:
        mean, variance = layer.running_mean, layer.running_var
    factor = layer.weight * torch.rsqrt(variance + layer.eps)
    return Settled(factor, layer.bias - factor * mean)


def _others(x: Tensor) -> list[int]:
    """All dimensions but that of the channels."""
    return [k for k in range(x.ndim) if k != 1]


def _columns(numbers: Tensor, like: Tensor) -> Tensor:
    """Spread one number a channel over a tensor's other dimensions."""
    return numbers.reshape(1, -1, *[1] * (like.ndim - 2))
