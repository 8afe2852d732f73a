"""How well an embedding keeps distances along a surface: what the field measures.

No number here sees the embedding's scale. Of more than `AT_MOST` points, the first are taken.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist, squareform
from scipy.stats import entropy, spearmanr
from sklearn.neighbors import NearestNeighbors

from isoae_lib.core.arrays import Array
from isoae_lib.paper.data.surfaces import SURFACES, Surface
from isoae_lib.paper.metrics.tears import folded_share, torn_share

AT_MOST = 1000  # time and memory grow with its square
NEIGHBOURS = 10
SIGMAS = (0.01, 0.1, 1.0)  # as in the papers that use this divergence


def geodesics(chart: Array, surface: Surface) -> Array:
    """Return the distances (n, n) along a surface between all points with a chart (n, 2)."""
    i, j = np.triu_indices(len(chart), 1)
    return squareform(surface.distances(chart[i], chart[j]))


def knn_recall(true: Array, flat: Array) -> float:
    """Return the share of the `NEIGHBOURS` nearest on the surface that are nearest in the plane.

    Parameters
    ----------
    true, flat : array (n, n)
        Distances along the surface, and in the plane.
    """
    near, found = (
        NearestNeighbors(n_neighbors=NEIGHBOURS, metric="precomputed").fit(each).kneighbors_graph()
        for each in (true, flat)
    )
    return float(near.multiply(found).sum() / near.sum())


def rank_correlation(true: Array, flat: Array) -> float:
    """Return Spearman's correlation of distances (n, n) on the surface and in the plane."""
    upper = np.triu_indices(len(true), 1)
    return float(spearmanr(true[upper], flat[upper]).statistic)


def density_divergence(true: Array, flat: Array, sigma: float) -> float:
    """Return KL_sigma: the Kullback-Leibler divergence of the densities at the points.

    The density at x is proportional to the sum of exp(-d(x, y)^2 / sigma) over all y, where the
    longest distance d is 1 (Moor et al., Topological Autoencoders, 2020).
    """
    return float(entropy(*(np.exp(-((d / d.max()) ** 2) / sigma).sum(1) for d in (true, flat))))


def surface_numbers(codes: Array, chart: Array, data: str) -> dict[str, float]:
    """Return the numbers of an embedding (n, 2) of a surface: cuts, folds, and those above.

    Parameters
    ----------
    codes, chart : array (n, 2)
        The points' places in the plane and on the surface.
    data : str
        The name of the surface.
    """
    surface = SURFACES[data]
    true, flat = geodesics(chart[:AT_MOST], surface), squareform(pdist(codes[:AT_MOST]))
    return {
        "torn_share": torn_share(codes, chart, surface),
        "folded_share": folded_share(codes, chart),
        "knn_recall": knn_recall(true, flat),
        "rank_correlation": rank_correlation(true, flat),
        **{f"kl_{sigma:g}": density_divergence(true, flat, sigma) for sigma in SIGMAS},
    }
