"""The objective of every method: reconstruction plus the method's own small term.

Each function takes the autoencoder, a batch x (n, D), standard normal numbers (n, k) with k as in
the method's row, the spec, and the weight lambda at this step. It returns the named, weighted
terms, whose sum is the loss. All random numbers are passed in, so that an objective can be
compiled. Squared norms of differentials are Frobenius norms (decision 15).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from isoae_lib.core.chain_rule import Net, freeze_norms, is_chain
from isoae_lib.core.isometry import (
    L_rec,
    departure,
    directions,
    pull_back,
    push_forward,
    sample_latents,
)
from isoae_lib.core.methods import EXACT, METHODS
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.spec import Spec

Terms = dict[str, Tensor]
Weight = Tensor | float
NOTHING = 1e-12  # the least length of a column in `log_det`, whose logarithm must be finite
WAE_SCALES = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
Objective = Callable[[Autoencoder, Tensor, Tensor, Spec, Weight], Terms]


def vanilla(model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight) -> Terms:
    """AE: eq. (1) alone."""
    return _rec(x, model(x), spec)


def isometric(model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight) -> Terms:
    """I-AE, eq. (8): `L_rec + lambda (L_iso + L_piso)`. One encoder pass serves two terms."""
    u, v, noise = normals.split(spec.latent, dim=1)
    codes, pulled = pull_back(model.encoder, x, directions(u))
    z = sample_latents(codes, noise, spec.sampler)
    reconstruction, f = _reconstruct(model.decoder, codes, spec)
    _, pushed = push_forward(f, z, directions(v), track=spec.statistics == "both")
    return _rec(x, reconstruction, spec) | {
        "L_iso": weight * departure(pushed),
        "L_piso": weight * departure(pulled),
    }


def isometric_decoder(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """I-AE without L_piso (Figure 4, left): `L_rec + lambda L_iso`."""
    v, noise = normals.split(spec.latent, dim=1)
    codes = model.encoder(x)
    z = sample_latents(codes, noise, spec.sampler)
    reconstruction, f = _reconstruct(model.decoder, codes, spec)
    _, pushed = push_forward(f, z, directions(v), track=spec.statistics == "both")
    return _rec(x, reconstruction, spec) | {"L_iso": weight * departure(pushed)}


def isometric_encoder(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """I-AE without L_iso (Table 7, "L_piso"): `L_rec + lambda L_piso`."""
    codes, pulled = pull_back(model.encoder, x, directions(normals))
    return _rec(x, model.decoder(codes), spec) | {"L_piso": weight * departure(pulled)}


def contractive(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """CAE, and with a transposed decoder TCAE: `L_rec + lambda E |dg(x)|^2` (A.1.2)."""
    codes, *rows = pull_back(model.encoder, x, *_axes(normals, x, spec))
    return _rec(x, model.decoder(codes), spec) | {"|dg|^2": weight * _squared_norm(rows)}


def gradient_penalty(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """RAE-GP: `L_rec + lambda E |df(z)|^2` at the codes z = g(x) (A.1.2)."""
    z = model.encoder(x)
    reconstruction, *columns = push_forward(model.decoder, z, *_axes(normals, x, spec), track=True)
    return _rec(x, reconstruction, spec) | {"|df|^2": weight * _squared_norm(columns)}


def denoising(model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight) -> Terms:
    """DAE: reconstruct x from x plus Gaussian noise."""
    noise = spec.noise if spec.of_images else spec.noise * x.std()
    return _rec(x, model(x + noise * normals), spec)


def weight_decay(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """AEW: `L_rec + lambda |theta|^2 / 2`, whose gradient is what Adam calls weight decay."""
    decay = weight / 2 * _squares(model)
    return _rec(x, model(x), spec) | {"|theta|^2": decay}


def bounded_codes(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """RAE-SN: `L_rec + beta E |z|^2 / d`, with spectral norms of 1 (Ghosh et al., 2020)."""
    z = model.encoder(x)
    return _rec(x, model.decoder(z), spec) | {"|z|^2": spec.code_weight * z.square().mean()}


def regularized_decoder(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """RAE-L2: `L_rec + beta E |z|^2 / d + lambda |theta_f|^2` (Ghosh et al., 2020)."""
    decay = weight * _squares(model.decoder)
    return bounded_codes(model, x, normals, spec, weight) | {"|theta_f|^2": decay}


def wasserstein(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """WAE: `L_rec + lambda MMD(g(x), N(0, I))` (Tolstikhin et al., 2018)."""
    z = model.encoder(x)
    return _rec(x, model.decoder(z), spec) | {"MMD": weight * mmd(z, normals)}


def mmd(z: Tensor, prior: Tensor) -> Tensor:
    """Estimate the squared maximum mean discrepancy of two samples (n, d), without bias.

    The kernels are `C / (C + |a - b|^2)` with C = 2 d s, summed over seven scales s, for a prior of
    deviation 1. Pairs of a point with itself are left out, so the estimate can be negative.
    """
    n, d = z.shape
    others = 1 - torch.eye(n, dtype=z.dtype, device=z.device)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        squares = (a.unsqueeze(1) - b).square().sum(2)
        return torch.stack([2 * d * s / (2 * d * s + squares) for s in WAE_SCALES]).sum(0)

    within = (others * (kernel(z, z) + kernel(prior, prior))).sum() / (n * (n - 1))
    return within - 2 * kernel(z, prior).mean()


def scale_free(model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight) -> Terms:
    """IRAE: `L_rec + lambda d E tr(G^2) / (E tr G)^2` with G = df'df (Lee et al., 2022).

    The second term is at least lambda, and equals it where df is an isometry up to one scale. One
    probe v per sample estimates the traces, `E |df v|^2 = tr G` and `E |G v|^2 = tr G^2`, at
    mixtures of codes: two codes in shares from -0.2 to 1.2.
    """
    v, share = normals[:, :-1], torch.special.ndtr(normals[:, -1:])
    codes = model.encoder(x)
    alpha = 1.4 * share - 0.2
    z = (alpha * codes + (1 - alpha) * codes.roll(1, 0)).detach()
    reconstruction, f = _reconstruct(model.decoder, codes, spec)
    _, pushed = push_forward(f, z, v)
    _, back = pull_back(f, z, pushed, track=spec.statistics == "both")
    distortion = spec.latent * back.square().sum(1).mean() / pushed.square().sum(1).mean().square()
    return _rec(x, reconstruction, spec) | {"distortion": weight * distortion}


def even_volume(
    model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight
) -> Terms:
    """GeomAE: `L_rec + lambda Var log det(J'J)`, J = df(z), at codes z (Nazari et al., 2023).

    It is zero where the decoder enlarges areas by the same factor everywhere. J is computed whole,
    at the cost of one probe for each of the d axes.
    """
    z = model.encoder(x)
    axes = _unit_axes(x, spec.latent)
    reconstruction, *columns = push_forward(model.decoder, z, *axes, track=True)
    variance = log_det(columns).var(correction=0)
    return _rec(x, reconstruction, spec) | {"Var log det": weight * variance}


def log_det(columns: Sequence[Tensor]) -> Tensor:
    """Return log det(J'J) (n,) of matrices J that are given by their columns (n, D).

    It is the sum of the logarithms of squared lengths, each of what is left of a column without its
    parts along those before it. A determinant would lose its digits where J is nearly singular.
    """
    axes: list[Tensor] = []
    logarithms = []
    for column in columns:
        for axis in axes:
            column = column - (axis * column).sum(1, keepdim=True) * axis
        length = column.norm(dim=1, keepdim=True).clamp(min=NOTHING)
        axes.append(column / length)
        logarithms.append(2 * length.log())
    return torch.cat(logarithms, dim=1).sum(1)


def _reconstruct(f: Net, codes: Tensor, spec: Spec) -> tuple[Tensor, Net]:
    """Return f(codes) and the f to probe, with the codes' BatchNorm if decision 4 asks for it."""
    if not is_chain(f):
        return f(codes), f
    reconstruction, frozen = freeze_norms(f, codes)
    return reconstruction, frozen if spec.statistics == "data" else f


def _rec(x: Tensor, reconstruction: Tensor, spec: Spec) -> Terms:
    """Return L_rec, the term that every method has."""
    return {"L_rec": L_rec(x, reconstruction, spec.reduction)}


def _squares(net: nn.Module) -> Tensor:
    return torch.stack([p.square().sum() for p in net.parameters()]).sum()


def _axes(normals: Tensor, x: Tensor, spec: Spec) -> list[Tensor]:
    """Return probes (n, d) that see the Frobenius norm of a differential (decision 15).

    In the plane these are the d axes, which see it exactly. Above, one random direction per sample,
    sqrt(d) long, sees it on average.
    """
    if spec.latent > EXACT:
        return [directions(normals) * spec.latent**0.5]
    return _unit_axes(x, spec.latent)


def _unit_axes(x: Tensor, d: int) -> list[Tensor]:
    """Return the d unit vectors of the latent space, each for all of the batch x (n, D)."""
    eye = torch.eye(d, dtype=x.dtype, device=x.device)
    return [axis.expand(len(x), -1) for axis in eye]


def _squared_norm(probed: list[Tensor]) -> Tensor:
    """Return E |J|^2 (Frobenius) from J applied to the probes of `_axes`, (n, .) each."""
    return torch.stack([vectors.square().sum(1).mean() for vectors in probed]).sum()


def objective_of(method: str) -> Objective:
    """Return the function that a method's row names."""
    return globals()[METHODS[method].objective]
