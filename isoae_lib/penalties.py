"""The objective of every method: reconstruction plus the method's own small term.

Each takes the autoencoder, a batch x (n, D), standard normal numbers (n, `normals_of`), the run's
spec and the weight lambda of the moment, and returns the named, weighted terms; their sum is the
loss. All chance comes in from outside, so that an objective can be compiled. Squared norms of
differentials are Frobenius norms, exact: one probe for each of the d latent axes (decision 15).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isoae_lib.isometry import (
    L_rec,
    departure,
    directions,
    pull_back,
    push_forward,
    sample_latents,
)
from isoae_lib.networks import Autoencoder
from isoae_lib.specs import RunSpec

Terms = dict[str, Tensor]
Weight = Tensor | float
Objective = Callable[[Autoencoder, Tensor, Tensor, RunSpec, Weight], Terms]


def vanilla(model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight) -> Terms:
    """AE: eq. (1) alone."""
    return _rec(x, model(x), spec)


def isometric(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight
) -> Terms:
    """I-AE, eq. (8): L_rec + lambda (L_iso + L_piso). One encoder pass serves two terms."""
    u, v, noise = normals.split(spec.latent, dim=1)
    codes, pulled = pull_back(model.encoder, x, directions(u))
    z = sample_latents(codes, noise, spec.sampler)
    _, pushed = push_forward(model.decoder, z, directions(v), track=spec.statistics == "probes")
    return _rec(x, model.decoder(codes), spec) | {
        "L_iso": weight * departure(pushed),
        "L_piso": weight * departure(pulled),
    }


def isometric_decoder(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight
) -> Terms:
    """I-AE without L_piso (Figure 4, left): L_rec + lambda L_iso."""
    v, noise = normals.split(spec.latent, dim=1)
    codes = model.encoder(x)
    z = sample_latents(codes, noise, spec.sampler)
    _, pushed = push_forward(model.decoder, z, directions(v), track=spec.statistics == "probes")
    return _rec(x, model.decoder(codes), spec) | {"L_iso": weight * departure(pushed)}


def contractive(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight
) -> Terms:
    """CAE, and with a transposed decoder TCAE: L_rec + lambda E |dg(x)|^2 (A.1.2)."""
    codes, *rows = pull_back(model.encoder, x, *_axes(x.new_empty(len(x), spec.latent)))
    return _rec(x, model.decoder(codes), spec) | {"|dg|^2": weight * _squared_norm(rows)}


def gradient_penalty(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight
) -> Terms:
    """RAE-GP: L_rec + lambda E |df(z)|^2 at the codes z = g(x) (A.1.2)."""
    z = model.encoder(x)
    reconstruction, *columns = push_forward(model.decoder, z, *_axes(z), track=True)
    return _rec(x, reconstruction, spec) | {"|df|^2": weight * _squared_norm(columns)}


def denoising(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: RunSpec, weight: Weight
) -> Terms:
    """DAE: reconstruct x from x plus Gaussian noise."""
    noise = spec.noise if spec.of_images else spec.noise * x.std()
    return _rec(x, model(x + noise * normals), spec)


def _rec(x: Tensor, reconstruction: Tensor, spec: RunSpec) -> Terms:
    """The term that every method has."""
    return {"L_rec": L_rec(x, reconstruction, spec.reduction)}


def _axes(like: Tensor) -> list[Tensor]:
    """Return e_1 ... e_d, each for n samples (n, d): probes that see the whole differential."""
    eye = torch.eye(like.shape[1], dtype=like.dtype, device=like.device)
    return [axis.expand_as(like) for axis in eye]


def _squared_norm(probed: list[Tensor]) -> Tensor:
    """Return E |J|^2 (Frobenius) from the rows or columns of J, (n, .) each."""
    return torch.stack([vectors.square().sum(1).mean() for vectors in probed]).sum()


OBJECTIVES: dict[str, Objective] = {
    "I-AE": isometric,
    "CAE": contractive,
    "TCAE": contractive,
    "RAE-GP": gradient_penalty,
    "DAE": denoising,
    "AE": vanilla,
    "I-AE-without-L_piso": isometric_decoder,
}


def normals_of(spec: RunSpec, ambient: int) -> int:
    """Return how many standard normal numbers an objective wants for each sample."""
    wanted = {"I-AE": 3 * spec.latent, "I-AE-without-L_piso": 2 * spec.latent, "DAE": ambient}
    return wanted.get(spec.method, 0)
