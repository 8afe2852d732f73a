"""The three surfaces in R^3 of section 4.1 and one more, each with the exact chart behind it.

Each fits the unit cube (decision 6). The scale matters: L_rec grows with its square, L_iso and
L_piso do not see it, so it sets what lambda_iso = 0.01 means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from isoae_lib.core.arrays import Array
from isoae_lib.errors import InputError, choose

S_RADIUS, S_HEIGHT = 0.25, 0.5  # of the S shape's two arcs; its width
ROLL_ANGLES = (1.5 * np.pi, 4.5 * np.pi)  # the spiral's first and last angle
ROLL_RADIUS, ROLL_HEIGHT = 0.5, 0.75  # the outermost; the width
SPHERE_RADIUS, SPHERE_TOP = 0.5, 0.1  # the cap above this height is missing, 40 % of the area


@dataclass(frozen=True)
class Surface:
    """A surface with a global parameterization.

    Attributes
    ----------
    name, title : str
        Identifier and printed name.
    sample_chart : callable
        (n, rng) -> chart coordinates (n, 2), uniform in the surface's area.
    embed : callable
        Chart coordinates (n, 2) -> points (n, 3).
    distances : callable
        Two arrays of chart coordinates (n, 2) -> distances along the surface (n,).
    area : float
        Area of the surface.
    developable : bool
        Whether the chart is an isometry, so that a perfect I-AE exists. Its distances are those of
        the plane, unless there is a hole between two points.
    """

    name: str
    title: str
    sample_chart: Callable[[int, np.random.Generator], Array]
    embed: Callable[[Array], Array]
    distances: Callable[[Array, Array], Array]
    area: float
    developable: bool

    def sample(self, n: int, seed: int) -> tuple[Array, Array]:
        """Draw n points (n, 3), and their chart coordinates (n, 2), uniformly in area.

        Raises
        ------
        InputError
            If n is not positive.
        """
        if n < 1:
            raise InputError(f"{self.title}: {n} points were asked for; ask for at least 1.")
        chart = self.sample_chart(n, np.random.default_rng(seed))
        return self.embed(chart), chart

    def resized(self, size: float) -> Surface:
        """Return this surface, `size` times as large; its chart grows with it."""
        return replace(
            self,
            sample_chart=lambda n, rng: size * self.sample_chart(n, rng),
            embed=lambda chart: size * self.embed(chart / size),
            distances=lambda a, b: size * self.distances(a / size, b / size),
            area=size**2 * self.area,
        )


def _planar(a: Array, b: Array) -> Array:
    return np.linalg.norm(a - b, axis=1)


def _s_embed(chart: Array) -> Array:
    """(r sin t, y, r sign(t) (cos t - 1)) with t = length / r: unit speed, hence an isometry."""
    t = chart[:, 0] / S_RADIUS
    y = chart[:, 1] - S_HEIGHT / 2
    return np.stack([S_RADIUS * np.sin(t), y, S_RADIUS * np.sign(t) * (np.cos(t) - 1)], axis=1)


def _s_chart(n: int, rng: np.random.Generator) -> Array:
    half = 1.5 * np.pi * S_RADIUS
    return np.stack([rng.uniform(-half, half, n), rng.uniform(0, S_HEIGHT, n)], axis=1)


def _spiral_length(theta: Array) -> Array:
    """Arc length of the spiral r = theta from 0: (theta sqrt(1 + theta^2) + asinh theta) / 2."""
    return (theta * np.sqrt(1 + theta**2) + np.arcsinh(theta)) / 2


ROLL_PITCH = ROLL_RADIUS / ROLL_ANGLES[1]  # a of r = a theta
ROLL_START, ROLL_END = ROLL_PITCH * _spiral_length(np.array(ROLL_ANGLES))


def _roll_embed(chart: Array) -> Array:
    """Chart (arc length, height) -> r = a theta rolled up, theta found by Newton's method."""
    target = (ROLL_START + chart[:, 0]) / ROLL_PITCH
    theta = np.sqrt(2 * target)
    for _ in range(6):
        theta = theta - (_spiral_length(theta) - target) / np.sqrt(1 + theta**2)
    r = ROLL_PITCH * theta
    return np.stack([r * np.cos(theta), chart[:, 1] - ROLL_HEIGHT / 2, r * np.sin(theta)], axis=1)


def _roll_chart(n: int, rng: np.random.Generator) -> Array:
    length = ROLL_END - ROLL_START
    return np.stack([rng.uniform(0, length, n), rng.uniform(0, ROLL_HEIGHT, n)], axis=1)


ROLL_HOLE = np.array([[1 / 3, 1 / 4], [2 / 3, 3 / 4]]) * (ROLL_END - ROLL_START, ROLL_HEIGHT)


def _hole_chart(n: int, rng: np.random.Generator) -> Array:
    chart = _roll_chart(n, rng)
    while len(again := np.flatnonzero(((ROLL_HOLE[0] < chart) & (chart < ROLL_HOLE[1])).all(1))):
        chart[again] = _roll_chart(len(again), rng)
    return chart


def _around_hole(a: Array, b: Array) -> Array:
    """Return the lengths of the shortest paths in the chart that do not cross the hole.

    Such a path is straight, or goes straight to a corner of the hole, along its edges to the same
    or another corner, and straight on. So the paths of a graph go around the hole. An isometry of
    the chart leaves the hole open, and codes on either side of it are nearer to each other.
    """
    corners = np.stack(np.meshgrid(*ROLL_HOLE.T), axis=-1).reshape(-1, 2)
    first, last = ([_in_sight(ends, corner) for corner in corners] for ends in (a, b))
    along = np.abs(corners[:, None] - corners).sum(2)  # one edge of the hole, two edges or none
    ways = [first[i] + along[i, j] + last[j] for i, j in np.ndindex(4, 4)]
    return np.min([_in_sight(a, b), *ways], axis=0)


def _in_sight(a: Array, b: Array) -> Array:
    """Return the distances of a and b in the plane; infinity where the hole is between them."""
    step = np.where(b == a, 1e-300, b - a)
    low, high = ROLL_HOLE[0] + 1e-9, ROLL_HOLE[1] - 1e-9  # a path may touch the edges
    enters = np.minimum((low - a) / step, (high - a) / step).max(1)  # parts of the way to b
    leaves = np.maximum((low - a) / step, (high - a) / step).min(1)
    return np.where(np.maximum(enters, 0) < np.minimum(leaves, 1), np.inf, _planar(a, b))


def _sphere_embed(chart: Array) -> Array:
    """Azimuthal equidistant chart around the south pole: |chart| is the distance from it."""
    angle = np.linalg.norm(chart, axis=1) / SPHERE_RADIUS
    ratio = np.sinc(angle / np.pi)  # sin(angle) / angle
    height = -SPHERE_RADIUS * np.cos(angle)
    return np.stack([chart[:, 0] * ratio, chart[:, 1] * ratio, height], axis=1)


def _sphere_chart(n: int, rng: np.random.Generator) -> Array:
    """Height uniform in [-radius, top] is uniform in area (Archimedes)."""
    height = rng.uniform(-SPHERE_RADIUS, SPHERE_TOP, n)
    distance = SPHERE_RADIUS * np.arccos(-height / SPHERE_RADIUS)
    turn = rng.uniform(0, 2 * np.pi, n)
    return np.stack([distance * np.cos(turn), distance * np.sin(turn)], axis=1)


def _great_circle(a: Array, b: Array) -> Array:
    chord = np.linalg.norm(_sphere_embed(a) - _sphere_embed(b), axis=1)
    return 2 * SPHERE_RADIUS * np.arcsin(np.clip(chord / (2 * SPHERE_RADIUS), 0, 1))


SURFACES = {surface.name: surface for surface in (
    Surface(
        "s-shape", "S shape", _s_chart, _s_embed, _planar, 3 * np.pi * S_RADIUS * S_HEIGHT, True
    ),
    Surface(
        "swiss-roll", "Swiss roll", _roll_chart, _roll_embed, _planar,
        float(ROLL_END - ROLL_START) * ROLL_HEIGHT, True,
    ),
    Surface(
        "open-sphere", "Open sphere", _sphere_chart, _sphere_embed, _great_circle,
        2 * np.pi * SPHERE_RADIUS * (SPHERE_RADIUS + SPHERE_TOP), False,
    ),
    Surface(  # not in the paper
        "swiss-roll-hole", "Swiss roll with a hole", _hole_chart, _roll_embed, _around_hole,
        float((ROLL_END - ROLL_START) * ROLL_HEIGHT - np.prod(ROLL_HOLE[1] - ROLL_HOLE[0])), True,
    ),
)}  # fmt: skip


def surface(name: str) -> Surface:
    """Return the surface called `name`.

    Raises
    ------
    InputError
        If there is none; the message holds the close matches.
    """
    return SURFACES[choose("surface", name, SURFACES)]
