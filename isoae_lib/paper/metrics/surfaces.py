"""Section 4.1 in numbers: edge-length ratios, singular values, distances, extra surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Delaunay, cKDTree

from isoae_lib.core.arrays import Array, checked
from isoae_lib.core.diagnostics import Map, decoder_map, differentials, encoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import InputError
from isoae_lib.paper.data.surfaces import Surface
from isoae_lib.paper.metrics import Found
from isoae_lib.paper.metrics.rounding import for_a_picture

GRID_LIMIT = 100_000  # cells; a collapsed embedding would ask for millions
# Of the histogram of edge ratios that a record keeps; one more bin counts what is above.
RATIO_BINS = np.linspace(0, 3, 901)
PAIRS = 20_000  # of points, whose distances are compared
BOX_SIDE = 100  # points along either side of Figure 4's grid
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


def ratios_over(decode: Map, codes: Array, fineness: float = 1.0, reach: float = 4.0) -> Array:
    """Return the edge ratios over the codes' grid; none where codes have collapsed to a line."""
    try:
        return edge_ratios(decode, covered_grid(codes, fineness, reach))
    except InputError:
        return np.empty(0)


def std_of(ratios: Array) -> float:
    """Return Table 1's number; infinity where there are no edges."""
    return float(ratios.std()) if len(ratios) else np.inf


def distance_correlation(codes: Array, chart: Array, surface: Surface) -> float:
    """Correlate latent distances with distances along the surface (Pearson, random pairs)."""
    i, j = np.random.default_rng(0).integers(0, len(codes), (2, PAIRS))
    latent = np.linalg.norm(codes[i] - codes[j], axis=1)
    true = surface.distances(chart[i], chart[j])
    return float(np.corrcoef(latent, true)[0, 1])


def far_from(surface: Surface, image: Array) -> NDArray[np.bool_]:
    """Tell which points (..., 3) are further from the surface than `TOO_FAR` of its size."""
    truth, _ = surface.sample(20_000, seed=1)
    size = np.sqrt(((truth - truth.mean(0)) ** 2).sum(1).mean())
    tree, limit = cKDTree(truth), TOO_FAR * size
    distance = tree.query(image.reshape(-1, 3), distance_upper_bound=limit)[0]
    return np.isinf(distance).reshape(image.shape[:-1])


def decoded_box(decode: Map, codes: Array) -> Array:
    """Decode a grid over the codes' bounding box: the surface (side, side, 3) of Figure 4.

    The box lies along the codes' principal axes, since the latent space has none of its own.
    """
    centre = codes.mean(0)
    axes = np.linalg.svd(codes - centre, full_matrices=False)[2]
    turned = (codes - centre) @ axes.T
    sides = np.linspace(turned.min(0), turned.max(0), BOX_SIDE, axis=1)
    box = centre + np.stack(np.meshgrid(*sides, indexing="ij"), axis=-1) @ axes
    return decode(box.reshape(-1, 2)).reshape(BOX_SIDE, BOX_SIDE, -1)


def extra_area(decoded: Array, far: NDArray[np.bool_], surface: Surface) -> float:
    """Return the area of the extra parts of Figure 4, in units of the true surface's area.

    Parameters
    ----------
    decoded : array (side, side, 3)
        What the decoder makes of the codes' bounding box.
    far : bool array (side, side)
        Which of these points are far from the true surface.
    """
    right, up = decoded[1:, :-1] - decoded[:-1, :-1], decoded[:-1, 1:] - decoded[:-1, :-1]
    cells = np.linalg.norm(np.cross(right, up), axis=-1)
    return float(cells[far[:-1, :-1]].sum() / surface.area)


def measure_surface(model: Autoencoder, x: Array, chart: Array, surface: Surface) -> Found:
    """Return the numbers of section 4.1 for one trained model, and the arrays of its figures.

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
    sigma, encoder_sigma = (np.linalg.svd(matrices, compute_uv=False) for matrices in (A, B))
    eye = np.eye(A.shape[2])
    ratios = ratios_over(decode, codes)
    decoded = decoded_box(decode, codes)
    far = far_from(surface, decoded)
    metrics = {
        "edge_ratio_std": std_of(ratios),
        "edge_ratio_std_fine": std_of(ratios_over(decode, codes, fineness=0.5)),
        "edge_ratio_std_coarse": std_of(ratios_over(decode, codes, fineness=2.0)),
        "edge_ratio_std_convex": std_of(ratios_over(decode, codes, reach=1e6)),
        "singular_value_p05": float(np.quantile(sigma, 0.05)),
        "singular_value_p95": float(np.quantile(sigma, 0.95)),
        "ATA_error": _median_norm(A.transpose(0, 2, 1) @ A - eye),
        "BBT_error": _median_norm(B @ B.transpose(0, 2, 1) - eye),
        "BA_error": _median_norm(B @ A - eye),
        "pinv_error": _median_norm(B - A.transpose(0, 2, 1)),
        "pinv_error_rescaled": rescaled_pinv_error(A, B),
        "distance_correlation": distance_correlation(codes, chart, surface),
        "extra_area": extra_area(decoded, far, surface),
        "rmse": float(np.sqrt(((decode(codes) - x) ** 2).sum(1).mean())),
    }
    figures = {
        "decoded_surface": for_a_picture(decoded),
        "far_from_surface": far,
        "edge_ratio_histogram": np.histogram(ratios, [*RATIO_BINS, np.inf])[0].astype(np.int32),
        "singular_values": for_a_picture(sigma),
        "encoder_singular_values": for_a_picture(encoder_sigma),
        "decoder_differentials": for_a_picture(A),
        "encoder_differentials": for_a_picture(B),
    }
    return metrics, figures


def rescaled_pinv_error(A: Array, B: Array) -> float:
    """Return the median of |B - A'| in the best scale of the plane, which most rivals leave open.

    Codes c times as large have A / c and c B in place of A (n, D, d) and B (n, d, D). The sum over
    samples of |c B - A'/c|^2 is least where c^4 is the sum of |A|^2 over the sum of |B|^2.
    """
    c = ((A**2).sum() / (B**2).sum()) ** 0.25
    return _median_norm(c * B - A.transpose(0, 2, 1) / c)


def _median_norm(matrices: Array) -> float:
    """Return the median over samples of the Frobenius norm."""
    return float(np.median(np.linalg.norm(matrices, axis=(1, 2))))
