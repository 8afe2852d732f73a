"""The numbers of section 4.1: edge-length ratios, singular values, distances, extra surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Delaunay, cKDTree

from isoae_lib.core.arrays import Array, checked
from isoae_lib.core.diagnostics import Map, decoder_map, differentials, encoder_map, project
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import InputError
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.surfaces import Surface

GRID_LIMIT = 100_000  # cells; a collapsed embedding would ask for millions
TOO_FAR = 0.1  # of the data's root-mean-square radius: decoded surface further away is "extra"


@dataclass(frozen=True)
class Grid:
    """A regular planar grid, clipped to the region that the codes cover.

    Attributes
    ----------
    points : array (rows, columns, 2)
        Every grid point of the codes' bounding box.
    inside : bool array (rows, columns)
        Which of them lie in the codes' alpha shape.
    spacing : float
        Distance between neighbours along an axis.
    """

    points: Array
    inside: NDArray[np.bool_]
    spacing: float


def covered_grid(codes: ArrayLike, fineness: float = 1.0, reach: float = 4.0) -> Grid:
    """Lay the grid {z_i} of Table 1 over the codes (decision 7).

    Parameters
    ----------
    codes : array (n, 2)
        Latent codes of the data.
    fineness : float
        Spacing in units of the codes' median nearest-neighbour distance h.
    reach : float
        A Delaunay triangle of the codes belongs to the region if its circumradius is below
        `reach` x h: the alpha shape, whose outline may be concave.

    Raises
    ------
    InputError
        If the codes are not a finite (n, 2) array, or lie on a line or a point.
    """
    codes = checked("the codes", codes, 2)
    h = float(np.median(cKDTree(codes).query(codes, k=2)[0][:, 1])) if len(codes) > 3 else 0.0
    if h == 0 or np.linalg.cond(codes - codes.mean(0)) > 1e6:
        raise InputError("the codes lie on a line or a point: no grid can be laid over them.")
    span = codes.max(0) - codes.min(0)
    triangulation = Delaunay(codes)
    corners = codes[triangulation.simplices]
    near = circumradius(corners) < reach * h
    spacing = max(fineness * h, float(np.sqrt(span.prod() / GRID_LIMIT)))
    axes = [np.arange(low, low + size, spacing) for low, size in zip(codes.min(0), span)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    triangle = triangulation.find_simplex(points.reshape(-1, 2))
    inside = (triangle >= 0) & near[triangle]
    return Grid(points, inside.reshape(points.shape[:2]), spacing)


def circumradius(triangles: Array) -> Array:
    """Product of the sides over four times the area, for (m, 3, 2) corners."""
    a, b, c = (triangles[:, i] - triangles[:, i - 1] for i in range(3))
    doubled_area = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
    sides = np.prod([np.linalg.norm(side, axis=1) for side in (a, b, c)], axis=0)
    return sides / np.maximum(2 * doubled_area, 1e-300)


def edge_ratios(decode: Map, grid: Grid) -> Array:
    """Return l_ij = |f(z_i) - f(z_j)| / |z_i - z_j| over the grid's edges, scaled to mean 1.

    Edges run right, up and along one diagonal, which triangulates the grid (Table 1).
    """
    rows, columns = grid.inside.shape
    decoded = decode(grid.points[grid.inside])
    image = np.full((rows, columns, decoded.shape[1]), np.nan)
    image[grid.inside] = decoded
    ratios = []
    for right, up in ((1, 0), (0, 1), (1, 1)):
        step = image[right:, up:] - image[: rows - right, : columns - up]
        lengths = np.linalg.norm(step, axis=-1) / (grid.spacing * np.hypot(right, up))
        ratios.append(lengths[np.isfinite(lengths)])
    every = np.concatenate(ratios)
    return every / every.mean() if len(every) else every


def edge_ratio_std(decode: Map, codes: Array, fineness: float = 1.0, reach: float = 4.0) -> float:
    """Return Table 1's number; infinity where codes have collapsed and no grid can cover them."""
    try:
        ratios = edge_ratios(decode, covered_grid(codes, fineness, reach))
    except InputError:
        return np.inf
    return float(ratios.std()) if len(ratios) else np.inf


def distance_correlation(
    codes: Array, chart: Array, surface: Surface, pairs: int = 20_000
) -> float:
    """Correlate latent distances with distances along the surface (Pearson, random pairs)."""
    i, j = np.random.default_rng(0).integers(0, len(codes), (2, pairs))
    latent = np.linalg.norm(codes[i] - codes[j], axis=1)
    true = surface.distances(chart[i], chart[j])
    return float(np.corrcoef(latent, true)[0, 1])


def latent_box(codes: Array, side: int = 100) -> Array:
    """Return a grid (side, side, 2) over the codes' bounding box: what Figure 4 decodes.

    The box lies along the codes' principal axes, since the latent space has none of its own.
    """
    centre = codes.mean(0)
    axes = np.linalg.svd(codes - centre, full_matrices=False)[2]
    turned = (codes - centre) @ axes.T
    sides = [np.linspace(low, high, side) for low, high in zip(turned.min(0), turned.max(0))]
    return centre + np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1) @ axes


def far_from(surface: Surface, image: Array) -> NDArray[np.bool_]:
    """Tell which points (..., 3) are further from the surface than `TOO_FAR` of its size."""
    truth, _ = surface.sample(20_000, seed=1)
    size = np.sqrt(((truth - truth.mean(0)) ** 2).sum(1).mean())
    tree, limit = cKDTree(truth), TOO_FAR * size
    distance = tree.query(image.reshape(-1, 3), distance_upper_bound=limit)[0]
    return np.isinf(distance).reshape(image.shape[:-1])


def box_image(decode: Map, codes: Array) -> Array:
    """Decode a grid over the codes' bounding box (side, side, 3): the surface of Figure 4."""
    box = latent_box(codes)
    return decode(box.reshape(-1, 2)).reshape(*box.shape[:2], -1)


def extra_area(decode: Map, codes: Array, surface: Surface) -> float:
    """Measure the extra parts of Figure 4, in units of the true surface's area.

    The codes' bounding box is decoded; the area of what is far from the true surface is extra.
    """
    image = box_image(decode, codes)
    right, up = image[1:, :-1] - image[:-1, :-1], image[:-1, 1:] - image[:-1, :-1]
    cells = np.linalg.norm(np.cross(right, up), axis=-1)
    return float(cells[far_from(surface, image)[:-1, :-1]].sum() / surface.area)


def evaluate(model: Autoencoder, x: Array, chart: Array, surface: Surface) -> dict[str, float]:
    """Return every number of section 4.1 for one trained model, by name.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode, latent size 2.
    x, chart : array (n, 3), (n, 2)
        The training points and their chart coordinates.

    Raises
    ------
    InputError
        If the arrays are malformed.
    """
    x, chart = checked("the points", x, 3), checked("the chart", chart, 2)
    decode = decoder_map(model)
    codes = encoder_map(model)(x)
    A, B = differentials(model, x)
    sigma = np.linalg.svd(A, compute_uv=False)
    sigma_B = np.linalg.svd(B, compute_uv=False)
    eye = np.eye(A.shape[2])
    metrics = {
        "edge_ratio_std": edge_ratio_std(decode, codes),
        "edge_ratio_std_fine": edge_ratio_std(decode, codes, fineness=0.5),
        "edge_ratio_std_coarse": edge_ratio_std(decode, codes, fineness=2.0),
        "edge_ratio_std_convex": edge_ratio_std(decode, codes, reach=1e6),
        "singular_value_median": float(np.median(sigma)),
        "singular_value_p05": float(np.quantile(sigma, 0.05)),
        "singular_value_p95": float(np.quantile(sigma, 0.95)),
        "encoder_singular_value_median": float(np.median(sigma_B)),
        "condition_median": float(np.median(sigma[:, 0] / np.maximum(sigma[:, -1], 1e-12))),
        "ATA_error": _median_norm(A.transpose(0, 2, 1) @ A - eye),
        "BBT_error": _median_norm(B @ B.transpose(0, 2, 1) - eye),
        "BA_error": _median_norm(B @ A - eye),
        "pinv_error": _median_norm(B - A.transpose(0, 2, 1)),
        "distance_correlation": distance_correlation(codes, chart, surface),
        "extra_area": extra_area(decode, codes, surface),
        "rmse": float(np.sqrt(((decode(codes) - x) ** 2).sum(1).mean())),
    }
    return {name: round(value, 6) for name, value in metrics.items()}


def evaluate_curve(model: Autoencoder, x: Array) -> dict[str, float]:
    """Return the numbers of Figure 1 for a model trained on points x (n, 2) of a curve.

    A walk along the curve in small even steps is projected by decoder(encoder(.)): how evenly
    does the image advance, on the curve itself and 0.2 to either side of it?
    """
    walk, _ = curve(50 * (len(x) - 1) + 1)
    spread = {"even": spacing_variation(project(model, walk))}
    for side, offset in (("above", 0.2), ("below", -0.2)):
        image = project(model, beside(walk, np.full(len(walk), offset)))
        spread[side] = spacing_variation(image)
    reconstruction = float(np.sqrt(((project(model, x) - x) ** 2).sum(1).mean()))
    values = {
        "spacing_variation": spread["even"],
        "spacing_variation_above": spread["above"],
        "spacing_variation_below": spread["below"],
        "rmse": reconstruction,
    }
    return {name: round(value, 6) for name, value in values.items()}


def spacing_variation(points: Array) -> float:
    """Coefficient of variation of the distances between consecutive points; 0 is even."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(steps.std() / steps.mean())


def _median_norm(matrices: Array) -> float:
    """Median over samples of the Frobenius norm."""
    return float(np.median(np.linalg.norm(matrices, axis=(1, 2))))
