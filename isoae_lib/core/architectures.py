"""The networks of Tables 4 and 6, written as the paper prints them, and what they cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from numpy.typing import NDArray
from torch import nn

from isoae_lib.core.arrays import unit
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

    `FC_B n`, `CONV_B c,k,s,p` and `CONVT_B c,k,s,p` have BatchNorm and SoftPlus behind them, `FC`
    has SoftPlus alone, `LIN`, `CONV` and `CONVT` nothing. Added to the paper's: `PAD p` for zeros
    around the image, and `FC 256x1x1`, which says how the vector is seen as an image.

    Attributes
    ----------
    shape : tuple of int
        Of one image, channels first.
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


def build(name: str, latent: int, width: float = 1.0, seed: int = 0) -> Autoencoder:
    """Build a network of Table 4 or 6 for images as vectors, (n, D).

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    latent : int
        d, the latent size.
    width : float
        Factor for the number of channels of every layer in between: 1 as printed, less for small
        machines.
    seed : int
        Decides the starting weights, PyTorch's own.

    Raises
    ------
    InputError
        If the network is unknown, or the factor leaves nothing of a layer.
    """
    plan = ARCHITECTURES[choose("network", name, ARCHITECTURES)]
    if not 0 < width <= 1:
        raise InputError(f"width is {width}: it must be above 0 and not above 1.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        image = [nn.Unflatten(1, plan.shape)] if len(plan.shape) > 1 else []
        encoder = image + _layers(plan.encoder, plan.shape, latent, width)
        decoder = _layers(plan.decoder, (latent,), latent, width)
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
                tied=change == "tied", unit=unit(points), seed=spec.seed,
            )  # fmt: skip
        else:
            size = math.prod(ARCHITECTURES[spec.network].shape)
            if size != ambient:
                raise InputError(
                    f"{spec.network} takes images of {size} numbers; the data have {ambient}."
                )
            model = build(spec.network, spec.latent, spec.width_factor, spec.seed)
        return normalised(model, spec.seed) if change == "normalised" else model


def _layers(notation: str, shape: Shape, latent: int, width: float) -> list[nn.Module]:
    """Turn notation into layers that begin at `shape` and end in a vector."""
    words = [word.split() for word in notation.split(";")]
    layers: list[nn.Module] = []
    for k, (kind, text) in enumerate(words):
        last = k == len(words) - 1
        c, *rest = (latent if n == "d" else int(n) for n in text.replace("x", ",").split(","))
        if not last and kind != "PAD":
            c = max(1, round(c * width))
        added = _block(kind.removesuffix("_B"), c, rest, shape)
        for layer in added:
            shape = _shape_after(layer, shape)
        layers += added
        if kind.endswith("_B"):
            norm = nn.BatchNorm1d if len(shape) == 1 else nn.BatchNorm2d
            layers.append(norm(c, dtype=SINGLE))
        if kind.endswith("_B") or kind == "FC":
            layers.append(SoftPlus())
        if kind == "FC":
            shape = (c, *rest)
            layers.append(nn.Unflatten(1, shape))
    return layers if len(shape) == 1 else [*layers, nn.Flatten()]


def _block(kind: str, c: int, rest: list[int], shape: Shape) -> list[nn.Module]:
    """Return the linear layer of a block behind what has `shape`, with the reshape it needs."""
    if kind == "PAD":
        return [nn.ZeroPad2d(c)]
    if kind in ("FC", "LIN"):
        flat: list[nn.Module] = [nn.Flatten()] if len(shape) > 1 else []
        return [*flat, nn.Linear(math.prod(shape), math.prod([c, *rest]), dtype=SINGLE)]
    before: list[nn.Module] = []
    if len(shape) == 1:  # latents, seen as an image of 1 x 1
        before = [nn.Unflatten(1, (*shape, 1, 1))]
    (k, s, p), layer = rest, Conv2d if kind == "CONV" else ConvTranspose2d
    return [*before, layer(shape[0], c, k, s, p, dtype=SINGLE)]


def _shape_after(layer: nn.Module, shape: Shape) -> Shape:
    """Return the shape that a layer of Table 3 gives a sample of `shape`; most keep it."""
    if isinstance(layer, nn.Linear | TransposedLinear):
        return (layer.out_features,)
    if isinstance(layer, nn.Flatten):
        return (math.prod(shape),)
    if isinstance(layer, nn.Unflatten):
        return tuple(layer.unflattened_size)
    if isinstance(layer, nn.ZeroPad2d):
        return (shape[0], *(side + 2 * layer.padding[0] for side in shape[1:]))
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        (k, s), p = (layer.kernel_size[0], layer.stride[0]), int(layer.padding[0])
        forward = isinstance(layer, nn.Conv2d)
        sides = ((n + 2 * p - k) // s + 1 if forward else (n - 1) * s - 2 * p + k
                 for n in shape[1:])  # fmt: skip
        return (layer.out_channels, *sides)
    return shape


@dataclass(frozen=True)
class Row:
    """One layer with weights of a summary.

    Attributes
    ----------
    part, layer : str
        "encoder" or "decoder", and the layer's kind.
    shape : tuple of int
        Of its output for one image.
    parameters, multiply_adds : int
        Its size and, for one image, its cost; BatchNorm's products are left out.
    """

    part: str
    layer: str
    shape: Shape
    parameters: int
    multiply_adds: int


def summary(name: str, latent: int, width: float = 1.0) -> list[Row]:
    """List a network's layers with their output, parameters and multiply-adds for one image."""
    with torch.device("meta"):
        model = build(name, latent, width)
    return layer_costs(model, math.prod(ARCHITECTURES[name].shape))


def layer_costs(model: Autoencoder, ambient: int) -> list[Row]:
    """List the layers with weights of both networks, for one sample of `ambient` numbers.

    By arithmetic: on PyTorch's "meta" device the first pass takes five seconds.
    """
    shape: Shape = (ambient,)
    found = []
    for part, net in (("encoder", model.encoder), ("decoder", model.decoder)):
        for layer in net:  # type: ignore[attr-defined]
            into, shape = shape, _shape_after(layer, shape)
            size = sum(p.numel() for p in layer.parameters())
            if size:
                cost = _cost(layer, into, shape)
                found.append(Row(part, type(layer).__name__, shape, size, cost))
    return found


def _cost(layer: nn.Module, into: Shape, out: Shape) -> int:
    """Multiply-adds: a convolution uses its weights once for each place of its image.

    Without looking at weights: those of RAE-SN take a step whenever they are looked at.
    """
    if isinstance(layer, nn.Linear | TransposedLinear):
        return into[0] * out[0]
    if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
        image = out if isinstance(layer, nn.Conv2d) else into
        return into[0] * out[0] * layer.kernel_size[0] ** 2 * math.prod(image[1:])
    return 0
