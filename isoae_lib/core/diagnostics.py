"""What can be asked of a trained autoencoder: its maps, its differentials, its losses."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from isoae_lib.core import isometry
from isoae_lib.core.arrays import Array
from isoae_lib.core.isometry import pull_back, push_forward
from isoae_lib.core.networks import SINGLE, Autoencoder, floats

Map = Callable[[NDArray], Array]

AT_ONCE = 2000  # points through a network together: their activations stay in the cache
NUMBERS_AT_ONCE = 400_000  # the same limit for images, in numbers
LOSS_POINTS = 5000  # over which a record's losses are taken
LATENTS_AT_ONCE = 32  # decoded together with their differentials


def decoder_map(model: Autoencoder) -> Map:
    """Return the decoder as a function of arrays: (n, d) -> (n, D), float64."""
    return _array_map(model.decoder)


def encoder_map(model: Autoencoder) -> Map:
    """Return the encoder as a function of arrays: (n, D) -> (n, d), float64. Images are bytes."""
    return _array_map(model.encoder)


def _array_map(net: torch.nn.Module) -> Map:
    parameter = next(net.parameters())

    def apply(values: Array) -> Array:
        with torch.no_grad():
            at_once = max(1, min(AT_ONCE, NUMBERS_AT_ONCE // values.shape[1]))
            starts = range(0, max(1, len(values)), at_once)
            parts = (torch.tensor(values[k : k + at_once], device=parameter.device) for k in starts)
            mapped = [net(floats(part, parameter.dtype)) for part in parts]
            return torch.cat(mapped).cpu().double().numpy()

    return apply


def differentials(model: Autoencoder, x: Array) -> tuple[Array, Array]:
    """Return A = df(z) (n, D, d) and B = dg(f(z)) (n, d, D) at the codes z = g(x) (Theorem 1).

    One probe for each latent axis; d probes give the whole matrices, since d is small.

    Examples
    --------
    A plane in space, and the projection onto it: A'A = I, and B = A' (Theorem 1).

    >>> model = Autoencoder(torch.nn.Linear(3, 2), torch.nn.Linear(2, 3))
    >>> for layer in (model.encoder, model.decoder):
    ...     _ = torch.nn.init.eye_(layer.weight)
    >>> A, B = differentials(model, np.zeros((1, 3)))
    >>> A[0].T @ A[0]
    array([[1., 0.],
           [0., 1.]])
    >>> np.array_equal(B[0], A[0].T)
    True
    """
    parameter = next(model.parameters())
    with torch.no_grad():
        z = model.encoder(floats(torch.tensor(x, device=parameter.device), parameter.dtype))
        eye = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
        axes = [axis.expand_as(z) for axis in eye]
        on_surface, *columns = push_forward(model.decoder, z, *axes)
        _, *rows = pull_back(model.encoder, on_surface, *axes)
    return (
        torch.stack(columns, dim=2).cpu().double().numpy(),
        torch.stack(rows, dim=1).cpu().double().numpy(),
    )


def decoder_differentials(model: Autoencoder, z: Array) -> tuple[Array, Array]:
    """Return f(z) (n, D) and df(z) (n, D, d) at any latents z (n, d), a part of them at a time."""
    parameter = next(model.parameters())
    latents = torch.tensor(z, dtype=parameter.dtype, device=parameter.device)
    parts = []
    with torch.no_grad():
        for part in latents.split(LATENTS_AT_ONCE):
            axes = [axis.expand_as(part) for axis in torch.eye(part.shape[1]).to(part)]
            image, *columns = push_forward(model.decoder, part, *axes)
            parts.append((image, torch.stack(columns, dim=2)))
    images, matrices = (torch.cat(found).cpu().double().numpy() for found in zip(*parts))
    return images, matrices


def project(model: Autoencoder, x: Array) -> Array:
    """Return decoder(encoder(x)): where the autoencoder sends points (n, D)."""
    return decoder_map(model)(encoder_map(model)(x))


def losses(model: Autoencoder, points: NDArray, reduction: str) -> dict[str, float]:
    """Return L_rec, L_iso and L_piso over the first `LOSS_POINTS` points (n, D).

    L_iso is taken at latents drawn from P_iso, as in training, and both with one direction per
    point. The model is in double precision meanwhile, but for images in single, which takes half
    the time.
    """
    precision = SINGLE if points.dtype == np.uint8 else torch.float64
    model.to(precision)
    rng = torch.Generator("cpu").manual_seed(0)
    at_once = max(1, NUMBERS_AT_ONCE // points.shape[1])
    with torch.no_grad():
        x = floats(torch.tensor(points[:LOSS_POINTS], device="cpu"), precision)
        codes = torch.cat([model.encoder(part) for part in x.split(at_once)])
        noise, u = torch.randn(2, *codes.shape, generator=rng, dtype=codes.dtype, device="cpu")
        z, u = isometry.sample_latents(codes, noise), isometry.directions(u)
        sums = torch.zeros(3, dtype=precision, device="cpu")
        for part in zip(*(tensor.split(at_once) for tensor in (x, codes, z, u)), strict=True):
            x_part, codes_part, z_part, u_part = part
            rec = isometry.L_rec(x_part, model.decoder(codes_part), reduction)
            iso = isometry.L_iso(model.decoder, z_part, u_part)
            piso = isometry.L_piso(model.encoder, x_part, u_part)
            sums += len(x_part) * torch.stack([rec, iso, piso])
    model.to(SINGLE)
    means = (round(total / len(x), 8) for total in sums.tolist())
    return dict(zip(("L_rec", "L_iso", "L_piso"), means, strict=True))
