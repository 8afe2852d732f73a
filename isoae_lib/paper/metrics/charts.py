"""What the stored codes of a surface say beside its chart: no network is needed for it."""

from __future__ import annotations

import numpy as np
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import cKDTree

from isoae_lib.core.arrays import Array

NEIGHBOURS = 10  # the radius of so many neighbours measures a density


def beside_chart(codes: Array, chart: Array) -> dict[str, float]:
    """Compare codes (n, 2) with the chart (n, 2), which is isometric where a surface can be flat.

    Returns
    -------
    dict
        `rigid_residual`: what is left after the best rotation, reflection and shift, over the
        chart's size; 0 if both agree up to a rigid motion. `density_error`: of the radius that
        holds `NEIGHBOURS` neighbours in the codes, over that in the chart, the root-mean-square
        distance from 1; 0 if the density of the sample is kept.
    """
    ours, theirs = codes - codes.mean(0), chart - chart.mean(0)
    turn, _ = orthogonal_procrustes(ours, theirs)
    radius, true = (cKDTree(p).query(p, k=NEIGHBOURS + 1)[0][:, -1] for p in (codes, chart))
    return {
        "rigid_residual": float(np.linalg.norm(ours @ turn - theirs) / np.linalg.norm(theirs)),
        "density_error": float(np.sqrt(np.square(radius / true - 1).mean())),
    }
