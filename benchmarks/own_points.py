"""Surfaces with known distances that the paper does not have, for benchmarks and tests.

Each takes a number of points n and a seed, and returns points (n, D) and their places (n, 2) on the
flat sheet. Both are arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def turned(points: NDArray, dimensions: int, seed: int = 0) -> NDArray:
    """Turn points into a space of more dimensions by a random rotation."""
    axes = np.linalg.qr(np.random.default_rng(seed).normal(size=(dimensions, dimensions)))[0]
    return np.pad(points, ((0, 0), (0, dimensions - points.shape[1]))) @ axes.T


def cone(n: int, seed: int) -> tuple[NDArray, NDArray]:
    """The side of a cone in space, whose flat pattern is 3/8 of a ring."""
    rng = np.random.default_rng(seed)
    r = np.sqrt(rng.uniform(0.3**2, 1, n))  # from the tip, even in area
    angle = rng.uniform(0, 0.75 * np.pi, n)
    flat = np.stack([r * np.cos(angle), r * np.sin(angle)], 1)
    half = 0.5  # the radius of a turn, per length of the side: the side goes around 3/4 of it
    around = angle / half
    height = r * np.sqrt(1 - half**2)
    return np.stack([half * r * np.cos(around), half * r * np.sin(around), height], 1), flat


def torus(
    n: int, seed: int, dimensions: int = 10, axes: int | None = None
) -> tuple[NDArray, NDArray]:
    """A patch of a flat torus, which lies in four dimensions, turned into more by seed `axes`."""
    flat = np.random.default_rng(seed).uniform(0, (4, 3), (n, 2))
    u, v = flat.T
    sheet = np.stack([np.cos(u), np.sin(u), np.cos(v), np.sin(v)], 1)
    return turned(sheet, dimensions, seed if axes is None else axes), flat


def cylinder(n: int, seed: int) -> tuple[NDArray, NDArray]:
    """A piece of a cylinder, three quarters around, turned into ten dimensions."""
    flat = np.random.default_rng(seed).uniform(0, (1.5 * np.pi, 2), (n, 2))
    u, v = flat.T
    return turned(np.stack([np.cos(u), np.sin(u), v], 1), 10, seed), flat


def gutter(n: int, seed: int) -> tuple[NDArray, NDArray]:
    """A half cylinder in space, which a small network unrolls in a second."""
    flat = np.random.default_rng(seed).uniform(0, (np.pi, 2), (n, 2))
    u, v = flat.T
    return np.stack([np.cos(u), np.sin(u), v], 1), flat


def wave(n: int, seed: int) -> tuple[NDArray, NDArray]:
    """A sheet that is bent into a wave, with lengths kept."""
    flat = np.random.default_rng(seed).uniform(0, (2 * np.pi, 1.5), (n, 2))
    s, v = flat.T  # angle of the tangent: cos s, so x' = cos(cos s), y' = sin(cos s)
    fine = np.linspace(0, 2 * np.pi, 4001)
    steps = np.stack([np.cos(np.cos(fine)), np.sin(np.cos(fine))])
    sums = np.cumsum((steps[:, 1:] + steps[:, :-1]) / 2, axis=1) * (fine[1] - fine[0])
    x, y = (np.interp(s, fine, np.concatenate([[0], row])) for row in sums)
    return np.stack([x, v, y], 1), flat


def cap(n: int, seed: int, angle: float = 1.0) -> tuple[NDArray, NDArray]:
    """The cap of a unit sphere within `angle` of the pole; its chart keeps distances from there."""
    rng = np.random.default_rng(seed)
    theta = np.arccos(rng.uniform(np.cos(angle), 1, n))
    turn = rng.uniform(0, 2 * np.pi, n)
    flat = theta[:, None] * np.stack([np.cos(turn), np.sin(turn)], 1)
    return np.stack(
        [np.sin(theta) * np.cos(turn), np.sin(theta) * np.sin(turn), np.cos(theta)], 1
    ), flat


FLAT = {"cone": cone, "torus": torus, "cylinder": cylinder, "wave": wave}
