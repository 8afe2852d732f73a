"""How an embedding of a surface stretches it in every direction: Tissot's ellipses."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from isoae_lib.core.arrays import Array
from isoae_lib.paper.data.surfaces import Surface

NEAR = 12  # neighbours, from which a differential is estimated
STEP = 1e-5  # of the chart, of central differences


def surface_metric(chart: Array, surface: Surface) -> Array:
    """Return the metric (n, 2, 2) of a surface in its chart; the identity where that is flat."""
    steps = STEP * np.eye(2)
    columns = [(surface.embed(chart + s) - surface.embed(chart - s)) / (2 * STEP) for s in steps]
    E = np.stack(columns, axis=2)
    return E.transpose(0, 2, 1) @ E


def embedding_differentials(codes: Array, chart: Array, surface: Surface) -> Array:
    """Estimate how an embedding moves in the plane for a small step on the surface, at each point.

    Least squares over each point's neighbours on the surface. No decoder is needed, so that t-SNE
    has differentials, too.

    Parameters
    ----------
    codes, chart : array (n, 2)
        The points' places in the plane and on the surface.

    Returns
    -------
    array (n, 2, 2)
        K, with the steps in an orthonormal frame of the surface. The circle of radius 1 on the
        surface becomes the ellipse K u, |u| = 1. The pullback metric of the inverse is (KK')^-1.
    """
    near = cKDTree(chart).query(chart, k=min(NEAR, len(chart) - 1) + 1)[1][:, 1:]
    frame = np.linalg.cholesky(surface_metric(chart, surface))
    on_surface = (chart[near] - chart[:, None]) @ frame
    in_plane = codes[near] - codes[:, None]
    return (np.linalg.pinv(on_surface) @ in_plane).transpose(0, 2, 1)
