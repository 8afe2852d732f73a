"""The planar curve of Figure 1: its points, and the projection onto it."""

from __future__ import annotations

import numpy as np

from isoae_lib.core.arrays import Array

SPAN = 2 * np.pi  # the curve is one period of a sine


def curve(n: int) -> tuple[Array, Array]:
    """Return n points (n, 2) of y = sin x, evenly spaced in arc length, and that length (n, 1)."""
    dense = np.linspace(0, SPAN, 20_001)
    points = np.stack([dense - SPAN / 2, np.sin(dense)], axis=1)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps)])
    even = np.linspace(0, length[-1], n)
    parameter = np.interp(even, length, dense)
    return np.stack([parameter - SPAN / 2, np.sin(parameter)], axis=1), even[:, None]


def beside(points: Array, offsets: Array | float) -> Array:
    """Move every point (n, 2) of a curve along its normal by its offset (n,), or by one for all."""
    tangent = np.gradient(points, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    return points + np.expand_dims(offsets, -1) * normal
