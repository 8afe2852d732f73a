"""The two probes df(z)u and u'dg(x), the losses L_iso and L_piso, and what they sample.

Names are the paper's: f the decoder, g the encoder; x data (n, D), z latents (n, d), u directions.
"""

from __future__ import annotations

import torch
from torch import Tensor

from isoae_lib.core import chain_rule
from isoae_lib.core.chain_rule import Net
from isoae_lib.core.spec import LATENT_SAMPLERS
from isoae_lib.errors import choose


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


def push_forward(f: Net, z: Tensor, *us: Tensor, track: bool = False) -> tuple[Tensor, ...]:
    """Return f(z) and df(z)u for each u, (n, D) each, by forward mode; never a Jacobian.

    A chain of the layers of Table 3 carries the tangents along explicitly, which needs no double
    backward, and passes the value once for all of them; any other module goes through forward-mode
    automatic differentiation. BatchNorm normalises by the batch, and the differential is that of
    one sample among it; its running statistics follow only if `track`, for latents that are codes
    of data and not samples (decision 4).
    """
    if not chain_rule.is_chain(f):
        return f(z), *(torch.func.jvp(f, (z,), (u,))[1] for u in us)
    for layer in f:
        z, kept = chain_rule.value(layer, z, track)
        us = tuple(chain_rule.forward(layer, kept, u) for u in us)
    return z, *us


def pull_back(g: Net, x: Tensor, *us: Tensor, track: bool = True) -> tuple[Tensor, ...]:
    """Return g(x) (n, d) and u'dg(x) for each u, (n, D), by reverse mode; never a Jacobian.

    Like `push_forward`, explicit for the layers of Table 3: one way forward keeping what the ways
    back through the transposed layers need. Any other module goes through reverse-mode automatic
    differentiation with a graph for the second derivative. The x are data, which BatchNorm tracks,
    unless `track` says otherwise.
    """
    if not chain_rule.is_chain(g):
        return _pull_back_by_autograd(g, x, us)
    kept = []
    for layer in g:
        x, needed = chain_rule.value(layer, x, track)
        kept.append(needed)
    for layer in reversed(g):
        needed = kept.pop()
        us = tuple(chain_rule.back(layer, needed, u) for u in us)
    return x, *us


def _pull_back_by_autograd(g: Net, x: Tensor, us: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    x = x.detach().requires_grad_()
    again = torch.is_grad_enabled()
    with torch.enable_grad():
        codes = g(x)
    pulled = (
        torch.autograd.grad(codes, x, u, create_graph=again, retain_graph=True)[0] for u in us
    )
    return codes, *pulled


def departure(vectors: Tensor) -> Tensor:
    """Return the mean of (|v| - 1)^2 over the rows v, common to eqs. (6) and (7)."""
    return (vectors.norm(dim=1) - 1).square().mean()


def L_iso(f: Net, z: Tensor, u: Tensor) -> Tensor:
    """Eq. (6): E (|df(z)u| - 1)^2, zero when the decoder is a local isometry."""
    return departure(push_forward(f, z, u)[1])


def L_piso(g: Net, x: Tensor, u: Tensor) -> Tensor:
    """Eq. (7): E (|u'dg(x)| - 1)^2, zero when the rows of dg(x) are orthonormal."""
    return departure(pull_back(g, x, u)[1])


def L_rec(x: Tensor, reconstruction: Tensor, reduction: str = "sum") -> Tensor:
    """Eq. (1): the mean over samples of |f(g(x)) - x|^2, summed over coordinates or their mean."""
    squares = (reconstruction - x).square().flatten(1)
    return squares.mean() if reduction == "mean" else squares.sum(1).mean()
