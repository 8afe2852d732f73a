"""The two probes df(z)u and u'dg(x), the losses L_iso and L_piso, and what they sample.

Names are the paper's: f the decoder, g the encoder; x data (n, D), z latents (n, d), u directions.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from isoae_lib import chain
from isoae_lib.errors import choose
from isoae_lib.specs import LATENT_SAMPLERS


def unit_vectors(n: int, d: int, like: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Draw u ~ P(S^(d-1)): n directions (n, d), uniform on the sphere (decision 3)."""
    return directions(torch.randn(n, d, generator=generator, dtype=like.dtype, device=like.device))


def directions(normals: Tensor) -> Tensor:
    """Scale standard normal vectors (n, d) to length 1: uniform on the sphere."""
    return normals / normals.norm(dim=1, keepdim=True)


def sample_latents(codes: Tensor, normals: Tensor, sampler: str = "gaussian") -> Tensor:
    """Draw z ~ P_iso: as many latents (n, d) as there are codes, fitted to them (section 3.1).

    Parameters
    ----------
    codes : Tensor
        The batch's codes g(x), (n, d); no gradient flows into them (decision 2).
    normals : Tensor
        Standard normal numbers (n, d), from which the latents are made.
    sampler : str
        "gaussian": diagonal Gaussian with the codes' mean and deviation. "uniform": their bounding
        box.

    Raises
    ------
    InputError
        If the sampler is unknown.
    """
    codes = codes.detach()
    if choose("latent sampler", sampler, LATENT_SAMPLERS) == "uniform":
        low, high = codes.amin(0), codes.amax(0)
        return low + (high - low) * torch.special.ndtr(normals)
    return codes.mean(0) + codes.std(0, correction=0) * normals


def push_forward(f: nn.Module, z: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return f(z) and df(z)u, (n, D) each, by forward mode; never a Jacobian.

    A chain of the layers of Table 3 carries the tangent along explicitly, which needs no double
    backward; any other module goes through forward-mode automatic differentiation. BatchNorm
    normalises by the batch and leaves its running statistics alone (decision 4).
    """
    if not chain.is_chain(f):
        return torch.func.jvp(f, (z,), (u,))  # type: ignore[return-value]
    for layer in f:  # type: ignore[attr-defined]
        z, u = chain.forward(layer, z, u)
    return z, u


def pull_back(g: nn.Module, x: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return g(x) (n, d) and u'dg(x) (n, D), by reverse mode; never a Jacobian.

    Like `push_forward`, explicit for the layers of Table 3: forward keeping what the way back
    needs, then back through the transposed layers. Any other module goes through reverse-mode
    automatic differentiation with a graph for the second derivative.
    """
    if not chain.is_chain(g):
        x = x.detach().requires_grad_()
        with torch.enable_grad():
            codes = g(x)
        (pulled,) = torch.autograd.grad(codes, x, u, create_graph=torch.is_grad_enabled())
        return codes, pulled
    kept = []
    for layer in g:  # type: ignore[attr-defined]
        x, needed = chain.forward_keeping(layer, x)
        kept.append(needed)
    for layer in reversed(g):  # type: ignore[call-overload]
        u = chain.back(layer, kept.pop(), u)
    return x, u


def departure(vectors: Tensor) -> Tensor:
    """Return the mean of (|v| - 1)^2 over the rows v, common to eqs. (6) and (7)."""
    return (vectors.norm(dim=1) - 1).square().mean()


def L_iso(f: nn.Module, z: Tensor, u: Tensor) -> Tensor:
    """Eq. (6): E (|df(z)u| - 1)^2, zero when the decoder is a local isometry."""
    return departure(push_forward(f, z, u)[1])


def L_piso(g: nn.Module, x: Tensor, u: Tensor) -> Tensor:
    """Eq. (7): E (|u'dg(x)| - 1)^2, zero when the rows of dg(x) are orthonormal."""
    return departure(pull_back(g, x, u)[1])


def L_rec(x: Tensor, reconstruction: Tensor) -> Tensor:
    """Eq. (1): the mean over samples of |f(g(x)) - x|^2, summed over coordinates."""
    return (reconstruction - x).square().flatten(1).sum(1).mean()
