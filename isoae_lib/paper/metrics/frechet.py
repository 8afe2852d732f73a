"""The Frechet distance of two samples, as the FID uses it."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from isoae_lib.core.arrays import Array, checked
from isoae_lib.errors import InputError


def frechet_distance(x: ArrayLike, y: ArrayLike) -> float:
    """Return the Frechet distance of the Gaussians fitted to two samples (n, k) and (m, k).

    Raises
    ------
    InputError
        If the samples are not finite, differ in k or have fewer than two rows.
    """
    x = np.asarray(x, dtype=np.float64)
    a, b = checked("the first sample", x, x.shape[-1]), checked("the second sample", y, x.shape[-1])
    if min(len(a), len(b)) < 2:
        raise InputError("a Frechet distance needs two samples of two rows or more.")
    return between_gaussians(a.mean(0), np.cov(a.T), b.mean(0), np.cov(b.T))


def between_gaussians(mean_a: Array, S_a: Array, mean_b: Array, S_b: Array) -> float:
    """Return |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)).

    The last trace is that of the root of S_a^(1/2) S_b S_a^(1/2), which is symmetric: so singular
    covariances do no harm.
    """
    S_a, S_b = np.atleast_2d(S_a), np.atleast_2d(S_b)
    values, vectors = np.linalg.eigh(S_a)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ S_b @ root), 0)).sum()
    shift = np.square(mean_a - mean_b).sum()
    return float(max(0.0, shift + np.trace(S_a) + np.trace(S_b) - 2 * cross))
