"""The least spread of edge ratios that a map of the open sphere into the plane can have.

The cap is curved, so no map of it is an isometry: no method can reach 0 in Table 1. Lengths are in
units of the sphere's radius; `theta` is the angle from the pole.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize
from torch import Tensor

from isoae_lib.core.arrays import Array
from isoae_lib.paper.data.surfaces import SPHERE_RADIUS, SPHERE_TOP, SURFACES
from isoae_lib.paper.metrics.surfaces import ratios_over

CAP = float(np.arccos(-SPHERE_TOP / SPHERE_RADIUS))  # the largest angle of the book's open sphere
KNOWN: dict[str, Callable[[Array], Array]] = {  # the distance from the pole in the plane
    "azimuthal equidistant": lambda theta: theta,
    "equal-area": lambda theta: 2 * np.sin(theta / 2),
    "conformal": lambda theta: 2 * np.tan(theta / 2),
}
RINGS = 400  # of a map with rotational symmetry
DIRECTIONS = 32  # of edges, evenly over the half circle
TURNED = (torch.arange(DIRECTIONS, dtype=torch.float64) + 0.5) * (torch.pi / DIRECTIONS)
U = torch.stack([TURNED.cos(), TURNED.sin()])


def spread(stretch: Tensor, area: Tensor) -> Tensor:
    """Return the squared coefficient of variation of |df(z) u|: of edge ratios on a fine grid.

    Parameters
    ----------
    stretch : Tensor (n, k)
        |df(z) u| in n parts of the plane and k directions.
    area : Tensor (n,)
        The areas of these parts in the plane: an even grid has as many edges there.
    """
    share = area / area.sum()
    mean = share @ stretch.mean(1)
    return share @ stretch.square().mean(1) / mean**2 - 1


def of_rings(theta: Tensor, r: Tensor, turn: Tensor | float = 1.0) -> Tensor:
    """Return the squared spread of (theta, psi) -> r(theta) (cos turn psi, sin turn psi).

    A `turn` below 1 opens the cap along one meridian: the slit.
    """
    along = theta.diff() / r.diff()
    middle, radius = (theta[1:] + theta[:-1]) / 2, (r[1:] + r[:-1]) / 2
    across = middle.sin() / (turn * radius)
    stretch = (torch.stack([along, across], 1)[:, :, None] * U).norm(dim=1)
    return spread(stretch, radius * r.diff())


def known_map(name: str, cap: float = CAP) -> float:
    """Return the spread of one of the `KNOWN` maps."""
    theta = np.linspace(0, cap, RINGS + 1)
    r = torch.as_tensor(KNOWN[name](theta))
    return float(of_rings(torch.as_tensor(theta), r).sqrt())


def best_rings(cap: float = CAP, slit: bool = False) -> tuple[float, Array, Array, float]:
    """Find the map with rotational symmetry that has the least spread.

    Parameters
    ----------
    slit : bool
        Whether the map may cut the cap along one meridian up to the pole, and open a hole there.

    Returns
    -------
    spread : float
    theta, r : array (RINGS + 1,)
        The map: the distance from the centre at each angle.
    turn : float
        The factor of the longitude; 1 without a slit.
    """
    theta = torch.linspace(0, cap, RINGS + 1, dtype=torch.float64)

    def opened(x: Tensor) -> tuple[Tensor, Tensor]:
        hole, turn = (x[0] ** 2, x[1]) if slit else (x[0] * 0, x[1] * 0 + 1)
        widths = x[2:].exp() * (cap / RINGS)
        return torch.cat([hole[None], hole + widths.cumsum(0)]), turn

    start = np.zeros(RINGS + 2)
    start[:2] = 0.05, 0.8
    x = _least(lambda x: of_rings(theta, *opened(x)), start)
    r, turn = opened(torch.as_tensor(x))
    least = float(of_rings(theta, r, turn).sqrt())
    return least, theta.numpy(), r.numpy(), float(turn)


def on_the_book_s_grid(points: int = 2000) -> Array:
    """Return the edge ratios of the best uncut map of `best_rings`, on decision 7's grid.

    The codes are those of random points. The decoder is the map's inverse.
    """
    sphere = SURFACES["open-sphere"]
    _, chart = sphere.sample(points, seed=0)
    _, theta, r, _ = best_rings()

    def scaled(plane: Array, x: Array, y: Array) -> Array:
        """Change the distance from the centre as the function through (x, y) says."""
        radius = np.maximum(np.linalg.norm(plane, axis=1, keepdims=True), 1e-12)
        return plane * np.interp(radius / SPHERE_RADIUS, x, y) * SPHERE_RADIUS / radius

    return ratios_over(lambda z: sphere.embed(scaled(z, r, theta)), scaled(chart, theta, r))


def cap_with_floor(spread: float) -> float:
    """Return the largest angle of the cap whose best uncut map has this spread."""
    return float(brentq(lambda cap: best_rings(cap)[0] - spread, 0.5, CAP, xtol=1e-3))


def best_mesh(rings: int, sectors: int, cap: float = CAP, slit: bool = False) -> float:
    """Find the least spread of maps that are linear on the triangles of a mesh.

    They need no rotational symmetry. They are symmetric about one meridian, so half the cap is
    mapped. Its edge at longitude 0 goes to a line, and its edge at longitude pi to the same line,
    or, with a slit there, anywhere.
    """
    theta, psi, corners = _half_cap(rings, sectors, cap)
    triangles = _in_their_plane(theta, psi, corners)
    on_axis = torch.as_tensor((psi == 0) | ((psi == np.pi) & (not slit)))
    corners_ = torch.as_tensor(corners)

    def objective(x: Tensor) -> Tensor:
        plane = x.reshape(-1, 2)
        plane = torch.stack([plane[:, 0], plane[:, 1].masked_fill(on_axis, 0)], 1)
        edges = plane[corners_[:, 1:]] - plane[corners_[:, :1]]  # (triangles, 2 edges, 2)
        area = torch.linalg.det(edges)
        if (area <= 0).any():
            return 1e3 + 0 * x.sum()  # folded: the line search steps back
        stretch = (triangles @ torch.linalg.inv(edges).mT @ U).norm(dim=1)
        return spread(stretch, area)

    _, rings_theta, r, turn = best_rings(cap, slit)
    radius, angle = np.interp(theta, rings_theta, r), turn * psi
    x = _least(objective, np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel())
    return float(objective(torch.as_tensor(x)).sqrt())


def _half_cap(rings: int, sectors: int, cap: float) -> tuple[Array, Array, np.ndarray]:
    """Return angle and longitude of the corners of a mesh, and its triangles (m, 3)."""
    theta, psi = np.meshgrid(
        np.linspace(0, cap, rings + 1)[1:], np.linspace(0, np.pi, sectors + 1), indexing="ij"
    )
    at = 1 + np.arange(theta.size).reshape(theta.shape)
    a, b, c, d = at[:-1, :-1], at[1:, :-1], at[1:, 1:], at[:-1, 1:]
    fan = [np.zeros(sectors, int), at[0, :-1], at[0, 1:]]
    corners = [np.stack([t.ravel() for t in three], 1) for three in ((a, b, c), (a, c, d), fan)]
    return np.append(0, theta), np.append(0, psi), np.concatenate(corners)


def _in_their_plane(theta: Array, psi: Array, corners: np.ndarray) -> Tensor:
    """Return each triangle's two edges from its first corner as columns (m, 2, 2)."""
    across = np.sin(theta)
    x = np.stack([across * np.cos(psi), across * np.sin(psi), -np.cos(theta)], 1)
    edges = torch.as_tensor(x[corners[:, 1:]] - x[corners[:, :1]])
    return torch.linalg.cholesky(edges @ edges.mT).mT


def _least(objective: Callable[[Tensor], Tensor], start: ArrayLike) -> Array:
    """Minimise by L-BFGS, with gradients of PyTorch."""

    def value_and_gradient(x: Array) -> tuple[float, Array]:
        at = torch.tensor(x, requires_grad=True)
        value = objective(at)
        (gradient,) = torch.autograd.grad(value, at)
        return float(value.detach()), gradient.numpy()

    options = {"maxiter": 5000, "maxfun": 10_000, "maxcor": 30, "ftol": 1e-13, "gtol": 1e-9}
    return minimize(value_and_gradient, start, jac=True, method="L-BFGS-B", options=options).x
