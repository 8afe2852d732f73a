"""The chain rule for the layers of Table 3, written out: tangents forward, cotangents back.

Automatic differentiation would need a second backward pass through a first one, or forward mode
inside reverse mode; neither compiles. Here tangents are ordinary values of one graph.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isoae_lib.networks import Scale, SoftPlus, TransposedLinear

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
RESHAPES = (nn.Flatten, nn.Unflatten, nn.ZeroPad2d)
LINEAR = (nn.Linear, TransposedLinear, Scale, nn.Conv2d, nn.ConvTranspose2d, *RESHAPES)


def is_chain(net: nn.Module) -> bool:
    """Whether `net` is a sequence of layers that this module knows."""
    known = (SoftPlus, *NORMS, *LINEAR)
    return isinstance(net, nn.Sequential) and all(isinstance(layer, known) for layer in net)


def value(layer: Any, x: Tensor, track: bool = False) -> tuple[Tensor, Any]:
    """Return a layer's value at x, and what `forward` and `back` need of it.

    In training mode BatchNorm's running statistics follow the batch if `track` says so.
    """
    if isinstance(layer, SoftPlus):
        return layer.value_and_slope(x)
    if isinstance(layer, NORMS):
        return _normalised(layer, x, update=track and layer.training)
    return layer(x), x.shape


def forward(layer: Any, kept: Any, u: Tensor) -> Tensor:
    """Return a layer's differential applied to u, sample by sample."""
    if isinstance(layer, SoftPlus):
        return kept * u
    if isinstance(layer, NORMS):
        return _columns(layer.weight, u) * _whitening(layer, kept, u)
    return _linear_part(layer, u)


def back(layer: Any, kept: Any, v: Tensor) -> Tensor:
    """Return a layer's transposed differential applied to v, sample by sample."""
    if isinstance(layer, SoftPlus):
        return v * kept
    if isinstance(layer, NORMS):
        return _whitening(layer, kept, _columns(layer.weight, v) * v)
    return _adjoint(layer, v, kept)


def _linear_part(layer: Any, u: Tensor) -> Tensor:
    """Apply a layer that is linear up to its bias, without the bias."""
    if isinstance(layer, Scale):
        return u * layer.factor
    if isinstance(layer, RESHAPES):
        return layer(u)
    if isinstance(layer, nn.Conv2d):
        return F.conv2d(u, layer.weight, None, layer.stride, layer.padding)
    if isinstance(layer, nn.ConvTranspose2d):
        return F.conv_transpose2d(u, layer.weight, None, layer.stride, layer.padding)  # type: ignore[arg-type]
    return u @ layer.weight.T


def _adjoint(layer: Any, v: Tensor, shape: torch.Size) -> Tensor:
    """Apply the transpose of `_linear_part`; `shape` is that of the layer's input."""
    if isinstance(layer, Scale):
        return v * layer.factor
    if isinstance(layer, nn.ZeroPad2d):
        left, _, top, _ = layer.padding
        return v[..., top : top + shape[-2], left : left + shape[-1]]
    if isinstance(layer, RESHAPES):
        return v.reshape(shape)
    if isinstance(layer, nn.Conv2d):
        (k, s), p = (layer.kernel_size[0], layer.stride[0]), int(layer.padding[0])
        left_out = [(size + 2 * p - k) % s for size in shape[2:]]  # what the kernel did not reach
        return F.conv_transpose2d(v, layer.weight, None, s, p, left_out)
    if isinstance(layer, nn.ConvTranspose2d):
        return F.conv2d(v, layer.weight, None, layer.stride, layer.padding)
    return v @ layer.weight


def _normalised(layer: Any, x: Tensor, update: bool) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """BatchNorm: the value, the whitened input and the scale that whitens it.

    In training mode by the batch, and then the running statistics follow if `update` says so; in
    evaluation mode by the running statistics.
    """
    if layer.training:
        others = _others(x)
        mean, variance = x.mean(others), x.var(others, correction=0)
        if update:
            with torch.no_grad():
                count = x.numel() // x.shape[1]
                spread = variance * (count / (count - 1))
                layer.running_mean.add_(layer.momentum * (mean - layer.running_mean))
                layer.running_var.add_(layer.momentum * (spread - layer.running_var))
                layer.num_batches_tracked += 1
    else:
        mean, variance = layer.running_mean, layer.running_var
    scale = torch.rsqrt(variance + layer.eps)
    whitened = (x - _columns(mean, x)) * _columns(scale, x)
    value = _columns(layer.weight, x) * whitened + _columns(layer.bias, x)
    return value, (whitened, scale)


def _whitening(layer: Any, kept: tuple[Tensor, Tensor], u: Tensor) -> Tensor:
    """Apply the differential of whitening, which is symmetric: transposed it is the same.

    Whitening by the batch leaves mean 0 and deviation 1, so its differential deletes what would
    change them.
    """
    whitened, scale = kept
    if layer.training:
        others = _others(u)
        shift = u.mean(others, keepdim=True)
        u = u - shift - whitened * (whitened * u).mean(others, keepdim=True)
    return _columns(scale, u) * u


def _others(x: Tensor) -> list[int]:
    """All dimensions but that of the channels."""
    return [k for k in range(x.ndim) if k != 1]


def _columns(numbers: Tensor, like: Tensor) -> Tensor:
    """Spread one number a channel over a tensor's other dimensions."""
    return numbers.reshape(1, -1, *[1] * (like.ndim - 2))
