"""The objective of every method: reconstruction plus the method's own small term.

Each takes the autoencoder, a batch x (n, D), the run's spec, the weight lambda of the moment and a
random generator, and returns the named, weighted terms; their sum is the loss. Squared norms of
differentials are Frobenius norms, exact: one probe for each of the d latent axes (decision 15).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from isoae_lib.isometry import (
    L_rec,
    departure,
    pull_back,
    push_forward,
    sample_latents,
    unit_vectors,
)
from isoae_lib.networks import Autoencoder
from isoae_lib.specs import RunSpec

Terms = dict[str, Tensor]
Rng = torch.Generator
Objective = Callable[[Autoencoder, Tensor, RunSpec, float, Rng], Terms]


def vanilla(model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng) -> Terms:
    """AE: eq. (1) alone."""
    return {"L_rec": L_rec(x, model(x))}


def isometric(model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng) -> Terms:
    """I-AE, eq. (8): L_rec + lambda (L_iso + L_piso). One encoder pass serves two terms."""
    codes, pulled = pull_back(model.encoder, x, unit_vectors(len(x), spec.latent, x, rng))
    z = sample_latents(codes, spec.sampler, rng)
    _, pushed = push_forward(model.decoder, z, unit_vectors(len(x), spec.latent, x, rng))
    return {
        "L_rec": L_rec(x, model.decoder(codes)),
        "L_iso": weight * departure(pushed),
        "L_piso": weight * departure(pulled),
    }


def isometric_decoder(
    model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng
) -> Terms:
    """I-AE without L_piso (Figure 4, left): L_rec + lambda L_iso."""
    codes = model.encoder(x)
    z = sample_latents(codes, spec.sampler, rng)
    _, pushed = push_forward(model.decoder, z, unit_vectors(len(x), spec.latent, x, rng))
    return {"L_rec": L_rec(x, model.decoder(codes)), "L_iso": weight * departure(pushed)}


def contractive(model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng) -> Terms:
    """CAE, and with a transposed decoder TCAE: L_rec + lambda E |dg(x)|^2 (A.1.2)."""
    codes, norm = _encoder_norm(model, x, spec.latent)
    return {"L_rec": L_rec(x, model.decoder(codes)), "|dg|^2": weight * norm}


def gradient_penalty(
    model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng
) -> Terms:
    """RAE-GP: L_rec + lambda E |df(z)|^2 at the codes z = g(x) (A.1.2)."""
    z = model.encoder(x)
    norm = x.new_zeros(())
    for axis in torch.eye(spec.latent, dtype=x.dtype, device=x.device):
        reconstruction, column = push_forward(model.decoder, z, axis.expand_as(z))
        norm = norm + column.square().sum(1).mean()
    return {"L_rec": L_rec(x, reconstruction), "|df|^2": weight * norm}


def denoising(model: Autoencoder, x: Tensor, spec: RunSpec, weight: float, rng: Rng) -> Terms:
    """DAE: reconstruct x from x plus Gaussian noise, a fraction of the data's deviation."""
    noise = torch.randn(x.shape, generator=rng, dtype=x.dtype, device=x.device)
    return {"L_rec": L_rec(x, model(x + spec.noise * x.std() * noise))}


def _encoder_norm(model: Autoencoder, x: Tensor, d: int) -> tuple[Tensor, Tensor]:
    """Return g(x) and E |dg(x)|^2, the sum over the rows e_k' dg(x)."""
    norm = x.new_zeros(())
    for axis in torch.eye(d, dtype=x.dtype, device=x.device):
        codes, row = pull_back(model.encoder, x, axis.expand(len(x), d))
        norm = norm + row.square().sum(1).mean()
    return codes, norm


OBJECTIVES: dict[str, Objective] = {
    "I-AE": isometric,
    "CAE": contractive,
    "TCAE": contractive,
    "RAE-GP": gradient_penalty,
    "DAE": denoising,
    "AE": vanilla,
    "I-AE-without-L_piso": isometric_decoder,
}
