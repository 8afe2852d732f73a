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

    Through the layers of Table 3 the tangents are carried along explicitly: one pass for the value
    and all of them, and no double backward. Any other network uses forward-mode automatic
    differentiation. BatchNorm normalises by the batch, and the differential is that of one sample
    of it. Set `track` if z are codes of data and not samples: then BatchNorm's running statistics
    are updated (decision 4).

    Examples
    --------
    A screw line turns and rises, at the speed sqrt(2):

    >>> z, u = torch.zeros(1, 1), torch.ones(1, 1)
    >>> push_forward(lambda z: torch.cat([z.cos(), z.sin(), z], dim=1), z, u)
    (tensor([[1., 0., 0.]]), tensor([[-0., 1., 1.]]))
    """
    if not chain_rule.is_chain(f):
        return f(z), *(torch.func.jvp(f, (z,), (u,))[1] for u in us)
    for layer in f:
        z, push, _ = chain_rule.linearize(layer, z, track)
        us = tuple(push(u) for u in us)
    return z, *us


def pull_back(g: Net, x: Tensor, *us: Tensor, track: bool = True) -> tuple[Tensor, ...]:
    """Return g(x) (n, d) and u'dg(x) for each u, (n, D), by reverse mode; never a Jacobian.

    Like `push_forward`, explicit for the layers of Table 3: once forward, then back through the
    transposed layers. Any other network uses reverse-mode automatic differentiation, with a graph
    for the second derivative. The x are data, so BatchNorm's running statistics are updated unless
    `track` is false.
    """
    if not chain_rule.is_chain(g):
        return _pull_back_by_autograd(g, x, us)
    pulls = []
    for layer in g:
        x, _, pull = chain_rule.linearize(layer, x, track)
        pulls.append(pull)
    for pull in reversed(pulls):
        us = tuple(pull(u) for u in us)
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
    """Return the mean of `(|v| - 1)^2` over the rows v, common to eqs. (6) and (7)."""
    return (vectors.norm(dim=1) - 1).square().mean()


def L_iso(f: Net, z: Tensor, u: Tensor) -> Tensor:
    """Eq. (6): `E (|df(z)u| - 1)^2`, zero when the decoder is a local isometry.

    Examples
    --------
    Rolling up a sheet does not stretch it; then a scale of 3 does:

    >>> def cylinder(z):
    ...     return torch.stack([z[:, 0].cos(), z[:, 0].sin(), z[:, 1]], dim=1)
    >>> z, u = torch.rand(100, 2), unit_vectors(100, 2, torch.zeros(1))
    >>> print(f"{L_iso(cylinder, z, u):.4f} {L_iso(lambda z: 3 * cylinder(z), z, u):.4f}")
    0.0000 4.0000
    """
    return departure(push_forward(f, z, u)[1])


def L_piso(g: Net, x: Tensor, u: Tensor) -> Tensor:
    """Eq. (7): `E (|u'dg(x)| - 1)^2`, zero when the rows of dg(x) are orthonormal.

    Examples
    --------
    A projection onto the plane may forget the third coordinate:

    >>> x, u = torch.rand(100, 3), unit_vectors(100, 2, torch.zeros(1))
    >>> print(f"{L_piso(lambda x: x[:, :2], x, u):.4f}")
    0.0000
    """
    return departure(pull_back(g, x, u)[1])


def L_rec(x: Tensor, reconstruction: Tensor, reduction: str = "sum") -> Tensor:
    """Eq. (1): the mean over samples of `|f(g(x)) - x|^2`, over coordinates the sum or mean."""
    squares = (reconstruction - x).square().flatten(1)
    return squares.mean() if reduction == "mean" else squares.sum(1).mean()
