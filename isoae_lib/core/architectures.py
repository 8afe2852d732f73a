"""The networks of Tables 4 and 6, written as the paper prints them, and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import nn

from isoae_lib.core.arrays import mean_deviation
from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import (
    SINGLE,
    Autoencoder,
    Conv2d,
    ConvTranspose2d,
    SoftPlus,
    TransposedLinear,
    fully_connected,
    normalised,
)
from isoae_lib.core.spec import Spec
from isoae_lib.errors import InputError, choose

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Architecture:
    """An encoder and a decoder in the notation of Table 3; `d` is the latent size.

    `FC_B n`, `CONV_B c,k,s,p` and `CONVT_B c,k,s,p` are followed by BatchNorm and SoftPlus, `FC` by
    SoftPlus alone, `LIN`, `CONV` and `CONVT` by nothing. Two notations are ours: `PAD p` for zeros
    around the image, and `FC 256x1x1`, which says how the vector is seen as an image.

    Attributes
    ----------
    shape : tuple of int
        The shape of one image, channels first.
    encoder, decoder : str
        The layers, separated by semicolons.
    """

    shape: Shape
    encoder: str
    decoder: str


ARCHITECTURES = {
    "FC-NN": Architecture(
        (784,),
        "FC_B 128; FC_B 256; FC_B 512; FC_B 1024; LIN d",
        "FC_B 1024; FC_B 512; FC_B 256; FC_B 128; LIN 784",
    ),
    # decision 8: the printed sizes need 32 x 32 on the way in
    "S-CNN": Architecture(
        (1, 28, 28),
        "PAD 2; CONV_B 32,4,2,1; CONV_B 64,4,2,1; CONV_B 128,4,2,1; CONV_B 256,4,2,0; LIN d",
        "FC 256x1x1; CONVT_B 128,4,1,0; CONVT_B 64,4,2,1; CONVT 32,4,2,1; CONVT 1,4,2,3",
    ),
    # decision 9: the last convolution with padding 0, which leaves 1 x 1
    "L-CNN": Architecture(
        (1, 128, 128),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1;"
        "CONV_B 2048,4,2,1; CONV_B 4096,4,2,1; CONV d,2,2,0",
        "CONVT_B 2048,4,1,0; CONVT_B 1024,4,2,1; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1;"
        "CONVT_B 128,4,2,1; CONVT 1,4,2,1",
    ),
    # Table 6; decision 10: its last layer has kernel 1, stride 1, padding 0
    "MNIST-CNN": Architecture(
        (1, 32, 32),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1; LIN d",
        "FC 1024x4x4; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 1,1,1,0",
    ),
    "CIFAR-10-CNN": Architecture(
        (3, 32, 32),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1; LIN d",
        "FC 1024x4x4; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 3,1,1,0",
    ),
    "CelebA-CNN": Architecture(
        (3, 64, 64),
        "CONV_B 128,5,2,1; CONV_B 256,5,2,1; CONV_B 512,5,2,1; CONV_B 1024,5,2,1; LIN d",
        "FC 1024x8x8; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 3,1,1,0",
    ),
}


def printed_network(name: str, latent: int, width: float = 1.0, seed: int = 0) -> Autoencoder:
    """Build a network as Table 4 or 6 prints it, for images as vectors (n, D).

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    latent : int
        The latent size d.
    width : float
        Factor for the number of channels of every layer in between: 1 as printed, less for small
        machines.
    seed : int
        Decides the starting weights, which are PyTorch's own.

    Raises
    ------
    InputError
        If the network is unknown, or the factor is not above 0 and at most 1.
    """
    printed = ARCHITECTURES[choose("network", name, ARCHITECTURES)]
    if not 0 < width <= 1:
        raise InputError(f"width is {width}: it must be above 0 and not above 1.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        image = [nn.Unflatten(1, printed.shape)] if len(printed.shape) > 1 else []
        encoder = image + _layers(printed.encoder, printed.shape, latent, width)
        decoder = _layers(printed.decoder, (latent,), latent, width)
    return Autoencoder(nn.Sequential(*encoder), nn.Sequential(*decoder))


@torch.inference_mode(False)  # or the weights could never be trained
def untrained(spec: Spec, points: NDArray) -> Autoencoder:
    """Return the networks that a spec asks for, before they learn the points (n, D).

    Raises
    ------
    InputError
        If the network takes images of another size.
    """
    ambient, change = points.shape[1], METHODS[spec.method].networks
    with torch.device("cpu"):  # its generator draws the starting weights
        if spec.network == "MLP":
            model = fully_connected(
                ambient, spec.latent, width=spec.width, depth=spec.depth,
                tied=change == "tied", unit=mean_deviation(points), seed=spec.seed,
            )  # fmt: skip
        else:
            size = math.prod(ARCHITECTURES[spec.network].shape)
            if size != ambient:
                raise InputError(
                    f"{spec.network} takes images of {size} numbers; the data have {ambient}."
                )
            model = printed_network(spec.network, spec.latent, spec.width_factor, spec.seed)
        return normalised(model, spec.seed) if change == "normalised" else model


def _layers(notation: str, shape: Shape, latent: int, width: float) -> list[nn.Module]:
    """Turn notation into layers that begin at `shape` and end in a vector."""
    layers: list[nn.Module] = []
    words = [word.split() for word in notation.split(";")]
    for k, (kind, text) in enumerate(words):
        c, *rest = (latent if n == "d" else int(n) for n in text.replace("x", ",").split(","))
        if k < len(words) - 1 and kind != "PAD":
            c = max(1, round(c * width))
        block = _linear_layer(kind.removesuffix("_B"), c, rest, shape)
        for layer in block:
            shape = _shape_after(layer, shape)
        if kind.endswith("_B"):
            norm = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
            block.append(norm(c, dtype=SINGLE))
        if kind.endswith("_B") or kind == "FC":
            block.append(SoftPlus())
        if kind == "FC":
            shape = (c, *rest)
            block.append(nn.Unflatten(1, shape))
        layers += block
    return layers if len(shape) == 1 else [*layers, nn.Flatten()]


def _linear_layer(kind: str, c: int, rest: list[int], shape: Shape) -> list[nn.Module]:
    """Return the linear layer that a word names, behind the reshape that it needs."""
    if kind == "PAD":
        return [nn.ZeroPad2d(c)]
    if kind in ("FC", "LIN"):
        reshape: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
        return [*reshape, nn.Linear(math.prod(shape), math.prod([c, *rest]), dtype=SINGLE)]
    reshape = [nn.Unflatten(1, (*shape, 1, 1))] if len(shape) == 1 else []  # of latents
    (k, s, p), layer = rest, Conv2d if kind == "CONV" else ConvTranspose2d
    return [*reshape, layer(shape[0], c, k, s, p, dtype=SINGLE)]


def _shape_after(layer: nn.Module, shape: Shape) -> Shape:
    """Return the shape that a layer of Table 3 gives a sample of `shape`; most keep it."""
    if isinstance(layer, nn.Linear | TransposedLinear):
        return (layer.out_features,)
    if isinstance(layer, nn.Flatten):
        return (math.prod(shape),)
    if isinstance(layer, nn.Unflatten):
        return tuple(layer.unflattened_size)
    channels, *sides = shape
    if isinstance(layer, nn.ZeroPad2d):
        return (channels, *(n + 2 * layer.padding[0] for n in sides))
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        k, s, p = layer.kernel_size[0], layer.stride[0], int(layer.padding[0])
        if isinstance(layer, nn.Conv2d):
            return (layer.out_channels, *((n + 2 * p - k) // s + 1 for n in sides))
        return (layer.out_channels, *((n - 1) * s - 2 * p + k for n in sides))
    return shape


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs.

    Attributes
    ----------
    part, layer : str
        "encoder" or "decoder", and the layer's kind.
    shape : tuple of int
        The shape of its output for one image.
    parameters, multiply_adds : int
        Its number of parameters, and its multiply-adds for one image without BatchNorm's.
    """

    part: str
    layer: str
    shape: Shape
    parameters: int
    multiply_adds: int


def summary(name: str, latent: int, width: float = 1.0) -> list[LayerCost]:
    """List a printed network's layers with their output, parameters and cost for one image.

    Examples
    --------
    >>> for row in summary("S-CNN", latent=2)[:3]:
    ...     print(row.part, row.layer, row.shape, row.parameters, row.multiply_adds)
    encoder Conv2d (32, 16, 16) 544 131072
    encoder BatchNorm2d (32, 16, 16) 64 0
    encoder Conv2d (64, 8, 8) 32832 2097152
    """
    with torch.device("meta"):
        model = printed_network(name, latent, width)
    return layer_costs(model, math.prod(ARCHITECTURES[name].shape))


def layer_costs(model: Autoencoder, ambient: int) -> list[LayerCost]:
    """List the layers of both networks that have parameters, for one sample of `ambient` numbers.

    By arithmetic: on PyTorch's "meta" device the first pass takes five seconds.
    """
    shape: Shape = (ambient,)
    costs = []
    for part, net in (("encoder", model.encoder), ("decoder", model.decoder)):
        for layer in net:  # type: ignore[attr-defined]
            before, shape = shape, _shape_after(layer, shape)
            size = sum(p.numel() for p in layer.parameters())
            if size:
                work = _multiply_adds(layer, before, shape)
                costs.append(LayerCost(part, type(layer).__name__, shape, size, work))
    return costs


def _multiply_adds(layer: nn.Module, before: Shape, after: Shape) -> int:
    """Count them: a convolution uses its weights once for each position in its image.

    The weights themselves are not read: with spectral norms every reading is a power iteration.
    """
    if not isinstance(layer, nn.Linear | TransposedLinear | nn.Conv2d | nn.ConvTranspose2d):
        return 0
    kernel: Shape = getattr(layer, "kernel_size", ())
    image = before if isinstance(layer, nn.ConvTranspose2d) else after
    return before[0] * after[0] * math.prod(kernel) * math.prod(image[1:])
