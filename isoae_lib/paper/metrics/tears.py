"""Cuts and folds of an embedding of a surface, which Table 1's number does not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay

from isoae_lib.core.arrays import Array
from isoae_lib.paper.data.surfaces import Surface
from isoae_lib.paper.metrics.surfaces import circumradius

TORN = 2.0  # times the median stretch: neighbours that are stretched more count as torn apart
WIDE = 3.0  # times the median circumradius: wider triangles span a gap, and join no neighbours


def triangles(chart: Array) -> NDArray[np.intp]:
    """Return the triangles (m, 3) of neighbouring points on a surface: Delaunay's of the chart."""
    corners = Delaunay(chart).simplices
    width = circumradius(chart[corners])
    return corners[width < WIDE * np.median(width)]


def torn_pairs(
    codes: Array, chart: Array, surface: Surface
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Return the pairs of neighbours on a surface, and which of them the plane tears apart.

    The stretch of a pair is its distance in the plane over that along the surface. Torn pairs are
    stretched more than `TORN` times as much as the median.

    Parameters
    ----------
    codes, chart : array (n, 2)
        The points' places in the plane and on the surface.

    Returns
    -------
    pairs : array (m, 2)
        Indices of points.
    torn : bool array (m,)
    """
    corners = triangles(chart)
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]))
    pairs = np.unique(pairs, axis=0)
    i, j = pairs.T
    stretch = np.linalg.norm(codes[i] - codes[j], axis=1) / surface.distances(chart[i], chart[j])
    return pairs, stretch > TORN * np.median(stretch)


def torn_share(codes: Array, chart: Array, surface: Surface) -> float:
    """Return the share of neighbours on a surface that the plane tears apart (`torn_pairs`)."""
    return float(torn_pairs(codes, chart, surface)[1].mean())


def folded_share(codes: Array, chart: Array) -> float:
    """Return the share of triangles on a surface that lie face down in the plane.

    Those that are fewer are down: a mirror image has no fold.
    """
    a, b, c = codes[triangles(chart).T]
    u, v = b - a, c - a
    up = float((u[:, 0] * v[:, 1] > u[:, 1] * v[:, 0]).mean())
    return min(up, 1 - up)
