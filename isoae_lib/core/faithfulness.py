"""How far codes and their decoder are from an isometry of the data, in numbers.

Points are scaled: their mean square is 1. Distances between them are those of neighbours, or of
paths through neighbours, so nothing has to be known about the data. `kept` is for data of which the
flat sheet is known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra
from scipy.spatial import cKDTree
from scipy.stats import spearmanr
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import Map, differentials
from isoae_lib.core.networks import Autoencoder

NEIGHBOURS = 10  # of a point, joined by the edges of a path
NEAREST = 5  # as `trustworthiness` counts them
TORN = 2.0  # times as far apart on one side as on the other: no neighbours there
PATHS = 200  # points from which paths begin
PAIRS = 20_000  # of points, whose distances are compared with known ones
DIFFERENTIALS = 300  # points at which differentials are taken
AT_ONCE = 50


def differentials_at(model: Autoencoder, points: Array) -> tuple[Array, Array]:
    """Return A (n, D, d) and B (n, d, D) of `diagnostics.differentials` at points over the data."""
    some = points[:: -(-len(points) // DIFFERENTIALS)]
    parts = np.array_split(some, -(-len(some) // AT_ONCE))
    found = [differentials(model, part) for part in parts]
    return np.concatenate([a for a, _ in found]), np.concatenate([b for _, b in found])


def singular_values(matrices: Array) -> Array:
    """Return the singular values (n, d), in falling order, of matrices (n, D, d) or (n, d, D)."""
    return np.asarray(np.linalg.svd(matrices, compute_uv=False), dtype=np.float64)


def distortion(model: Autoencoder, points: Array) -> float:
    """Return the mean square of `sigma - 1` for the decoder, plus that for the encoder.

    Zero where both keep lengths, in which case L_iso and L_piso are zero.
    """
    return sum(
        float(((singular_values(m) - 1) ** 2).mean()) for m in differentials_at(model, points)
    )


def edge_ratios(decode: Map, codes: Array) -> Array:
    """Return `|f(a) - f(b)| / |a - b|` over neighbouring codes a and b: 1 for an isometry."""
    i, j = pairs_of(neighbours(codes))
    images = decode(codes)
    apart = np.linalg.norm(codes[i] - codes[j], axis=1)
    ratios = np.linalg.norm(images[i] - images[j], axis=1) / np.maximum(apart, 1e-300)
    return ratios[apart > 0]


def neighbours(points: Array, count: int = NEIGHBOURS) -> NDArray[np.int64]:
    """Return the indices (n, k) of the nearest other points, the nearest first."""
    count = min(count, len(points) - 1)
    search = NearestNeighbors(n_neighbors=count).fit(points)
    return search.kneighbors(return_distance=False)


def pairs_of(near: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
    """Return both ends of each pair of a point and one of its neighbours (n, k)."""
    return np.repeat(np.arange(len(near)), near.shape[1]), near.ravel()


def cut_share(points: Array, codes: Array) -> float:
    """Return the share of neighbours among the points whose codes are torn apart.

    Their codes are more than `TORN` times as far apart as they are.
    """
    i, j = pairs_of(neighbours(points))
    apart = np.linalg.norm(codes[i] - codes[j], axis=1)
    return float((apart > TORN * np.linalg.norm(points[i] - points[j], axis=1)).mean())


def fold_share(points: Array, codes: Array) -> float:
    """Return the share of neighbours among the codes whose points are no neighbours.

    The points are more than `TORN` times as far apart as their codes, and than neighbours are: two
    parts of the data lie one over the other.
    """
    i, j = pairs_of(neighbours(points))
    usual = np.median(np.linalg.norm(points[i] - points[j], axis=1))
    i, j = pairs_of(neighbours(codes))
    apart = np.linalg.norm(points[i] - points[j], axis=1)
    there = np.maximum(np.linalg.norm(codes[i] - codes[j], axis=1), usual)
    return float((apart > TORN * there).mean())


def graph_of(points: Array) -> csr_array:
    """Return the graph that joins each point to its neighbours, with their distances."""
    i, j = pairs_of(neighbours(points))
    lengths = np.linalg.norm(points[i] - points[j], axis=1)
    return csr_array((np.maximum(lengths, 1e-12), (i, j)), shape=(len(points),) * 2)


def pieces(points: Array) -> tuple[int, float]:
    """Return into how many pieces the graph of the points falls, and the share of the largest."""
    count, labels = connected_components(graph_of(points), directed=False)
    return int(count), float(np.bincount(labels).max() / len(points))


def path_agreement(points: Array, codes: Array) -> tuple[float, float, Array, Array]:
    """Compare distances of codes with the lengths of shortest paths along the data.

    Returns
    -------
    correlation : float
        Over pairs of points that a path joins.
    ratio : float
        The median distance of two codes in units of the path's length. Paths zigzag from
        neighbour to neighbour, so it is a few percent below 1 for an isometry.
    lengths, apart : array (m,)
        Of these pairs: the lengths of the paths, and the distances of the codes.
    """
    starts = np.linspace(0, len(points) - 1, min(PATHS, len(points))).astype(np.int64)
    lengths = dijkstra(graph_of(points), directed=False, indices=starts)
    apart = np.linalg.norm(codes[starts, None] - codes, axis=2)
    joined = np.isfinite(lengths) & (lengths > 0)
    lengths, apart = lengths[joined], apart[joined]
    if len(lengths) < 2 or not apart.std() > 0:
        return 0.0, 0.0, lengths, apart
    correlation = float(np.corrcoef(lengths, apart)[0, 1])
    return correlation, float(np.median(apart / lengths)), lengths, apart


class Kept(NamedTuple):
    """What codes keep of known distances: two correlations, and the ratio of their lengths."""

    pearson: float
    spearman: float
    scale: float


def kept(codes: Array, flat: Array) -> Kept:
    """Compare distances of codes (n, d) with those of places (n, k) on the flat sheet."""
    i, j = np.random.default_rng(0).integers(0, len(flat), (2, PAIRS))
    here, there = (np.linalg.norm(x[i] - x[j], axis=1) for x in (codes, flat))
    return Kept(
        pearson=float(np.corrcoef(here, there)[0, 1]),
        spearman=float(spearmanr(here, there).statistic),
        scale=float(here @ there / (there @ there)),
    )


def intrinsic_dimension(points: Array, count: int = 2 * NEIGHBOURS) -> float:
    """Estimate how many dimensions the data have, by maximum likelihood (Levina and Bickel).

    Around a point of a d-dimensional sheet, the number of others grows with the d-th power of the
    distance. Points that are there twice count once.
    """
    points = np.unique(points, axis=0)
    count = min(count, len(points) - 1)
    if count < 3:
        return float("nan")
    distances = cKDTree(points).query(points, k=count + 1)[0][:, 1:]
    logarithms = np.log(distances[:, -1:] / distances[:, :-1])
    return float((count - 2) / logarithms.sum(1).mean())  # averaged as MacKay and Ghahramani do


def lost_by_pca(points: Array, dimensions: int) -> float:
    """Return the share of variance that the best flat sheet of as many dimensions loses."""
    kept = PCA(dimensions, svd_solver="covariance_eigh").fit(points).explained_variance_ratio_
    return float(max(0.0, 1 - kept.sum()))


def trust(points: Array, codes: Array) -> tuple[float, float]:
    """Return trustworthiness and continuity of 5 neighbours, or fewer where points are few.

    The former falls when codes are neighbours whose points are none, the latter when points are
    neighbours whose codes are none.
    """
    count = max(1, min(NEAREST, (len(points) - 1) // 2))
    return (
        float(trustworthiness(points, codes, n_neighbors=count)),
        float(trustworthiness(codes, points, n_neighbors=count)),
    )
