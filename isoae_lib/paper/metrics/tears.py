"""Cuts and folds of an embedding of a surface, which Table 1's number does not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from isoae_lib.core.arrays import Array
from isoae_lib.paper.data.surfaces import Surface
from isoae_lib.paper.metrics.surfaces import circumradius

TORN = 2.0  # neighbours further apart than this, in units of the median stretch, are torn apart
WIDE = 3.0  # triangles with a circle this many medians wide span a gap: they join no neighbours


def triangles(chart: Array) -> NDArray[np.intp]:
    """Return the triangles (m, 3) of neighbouring points on a surface: Delaunay's of the chart."""
    corners = Delaunay(chart).simplices
    width = circumradius(chart[corners])
    return corners[width < WIDE * np.median(width)]


def torn_share(codes: Array, chart: Array, surface: Surface) -> float:
    """Return the share of neighbours on a surface that lie far from each other in the plane.

    Their distance there, over that along the surface, is more than `TORN` times the median's.

    Parameters
    ----------
    codes, chart : array (n, 2)
        The points' places in the plane and on the surface.
    """
    corners = triangles(chart)
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]))
    i, j = np.unique(pairs, axis=0).T
    stretch = np.linalg.norm(codes[i] - codes[j], axis=1) / surface.distances(chart[i], chart[j])
    return float((stretch > TORN * np.median(stretch)).mean())


def folded_share(codes: Array, chart: Array) -> float:
    """Return the share of triangles on a surface that lie face down in the plane.

    Up is where most of them look.
    """
    a, b, c = codes[triangles(chart).T]
    u, v = b - a, c - a
    up = float((u[:, 0] * v[:, 1] > u[:, 1] * v[:, 0]).mean())
    return min(up, 1 - up)
