"""Builds the networks of a spec: those of Tables 4 and 6 from their notation, or that of A.1.2."""

from __future__ import annotations

import math

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
    fully_connected,
    normalised,
)
from isoae_lib.core.notation import ARCHITECTURES, Layer, layers_of
from isoae_lib.core.spec import Spec
from isoae_lib.errors import InputError, choose


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
    plan = ARCHITECTURES[choose("network", name, ARCHITECTURES)]
    both = layers_of(plan, latent, width)
    image = [nn.Unflatten(1, plan.shape)] if len(plan.shape) > 1 else []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, decoder = (_modules(layers) for layers in both)
    return Autoencoder(nn.Sequential(*image, *encoder), nn.Sequential(*decoder))


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


def _modules(layers: list[Layer]) -> list[nn.Module]:
    """Turn layers into PyTorch's; the last gives a vector."""
    modules: list[nn.Module] = []
    for layer in layers:
        modules += _linear(layer)
        if layer.normed:
            norm = nn.BatchNorm1d if len(layer.shape) == 1 else nn.BatchNorm2d
            modules.append(norm(layer.shape[0], dtype=SINGLE))
        if layer.normed or layer.kind == "FC":
            modules.append(SoftPlus())
        if layer.kind == "FC" and len(layer.shape) > 1:  # a vector, seen as an image from here on
            modules.append(nn.Unflatten(1, layer.shape))
    return modules if len(layers[-1].shape) == 1 else [*modules, nn.Flatten()]


def _linear(layer: Layer) -> list[nn.Module]:
    """Return the linear part of a layer, with the reshape that it needs."""
    if layer.kind == "PAD":
        return [nn.ZeroPad2d(layer.window[0])]
    if layer.kind in ("FC", "LIN"):
        flat: list[nn.Module] = [nn.Flatten()] if len(layer.into) > 1 else []
        sizes = math.prod(layer.into), math.prod(layer.shape)
        return [*flat, nn.Linear(*sizes, dtype=SINGLE)]
    image: list[nn.Module] = []
    if len(layer.into) == 1:  # latents, seen as an image of 1 x 1
        image = [nn.Unflatten(1, (*layer.into, 1, 1))]
    convolution = Conv2d if layer.kind == "CONV" else ConvTranspose2d
    k, s, p = layer.window
    return [*image, convolution(layer.into[0], layer.shape[0], k, s, p, dtype=SINGLE)]
