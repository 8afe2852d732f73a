"""Densities on a learned manifold (the paper's future work): P(f(z)) = P(z) for an isometry f."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gaussian_kde

from isoae_lib.core.arrays import Array
from isoae_lib.paper.runs import Run

BORDER = 0.15  # of the chart's extent: there a kernel estimate loses mass over the edge


def on_manifold(run: Run, corrected: bool) -> Array:
    """Return the density at each training point f(z) of a surface, from one fitted to the codes.

    Parameters
    ----------
    run : Run
        Of a surface.
    corrected : bool
        Whether P(z) is divided by the area factor sqrt(det df'df), the product of the singular
        values, as any decoder but an isometry needs.
    """
    density = gaussian_kde(run.codes.T)(run.codes.T)
    return density / np.maximum(run.singular_values.prod(axis=1), 1e-12) if corrected else density


def inner(run: Run) -> NDArray[np.bool_]:
    """Tell which points lie so far inside that a kernel estimate is not cut off by the border."""
    low, high = run.chart.min(0), run.chart.max(0)
    share = (run.chart - low) / (high - low)
    return ((share > BORDER) & (share < 1 - BORDER)).all(axis=1)


def unevenness(density: Array) -> float:
    """Return the deviation of densities over their mean: 0 for points uniform in area."""
    return float(density.std() / density.mean())
