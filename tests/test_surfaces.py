"""The surfaces against their differential geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from isoae_lib.errors import InputError
from isoae_lib.paper.data.curves import SPAN, beside, curve
from isoae_lib.paper.data.surfaces import (
    ROLL_ANGLES,
    ROLL_HEIGHT,
    ROLL_RADIUS,
    SPHERE_RADIUS,
    SPHERE_TOP,
    SURFACES,
    surface,
)

DEVELOPABLE = [name for name, s in SURFACES.items() if s.developable]


def differential(s, chart, step=1e-6):
    columns = [
        (s.embed(chart + step * e) - s.embed(chart - step * e)) / (2 * step) for e in np.eye(2)
    ]
    return np.stack(columns, axis=2)


@pytest.mark.parametrize("name", DEVELOPABLE)
def test_developable_charts_are_isometries(name):
    s = surface(name)
    _, chart = s.sample(500, 0)
    J = differential(s, chart)
    assert np.abs(J.transpose(0, 2, 1) @ J - np.eye(2)).max() < 1e-7


def test_two_surfaces_are_developable_and_the_sphere_is_not():
    assert {"s-shape", "swiss-roll"} <= set(DEVELOPABLE) and "open-sphere" not in DEVELOPABLE


@pytest.mark.parametrize("name", DEVELOPABLE)
def test_chart_distances_are_those_of_the_plane(name):
    s = surface(name)
    _, chart = s.sample(50, 0)
    assert np.allclose(s.distances(chart[:25], chart[25:]), np.hypot(*(chart[:25] - chart[25:]).T))


def test_the_swiss_roll_is_an_archimedean_spiral_of_the_stated_length():
    pitch = ROLL_RADIUS / ROLL_ANGLES[1]
    length, _ = integrate.quad(lambda t: pitch * np.hypot(1, t), *ROLL_ANGLES)
    s = surface("swiss-roll")
    assert s.area == pytest.approx(length * ROLL_HEIGHT)
    x, _, z = s.embed(np.stack([np.linspace(0, length, 400), np.zeros(400)], axis=1)).T
    turn = np.unwrap(np.arctan2(z, x))
    assert turn[-1] - turn[0] == pytest.approx(ROLL_ANGLES[1] - ROLL_ANGLES[0])
    assert np.allclose(np.hypot(x, z), pitch * (turn - turn[0] + ROLL_ANGLES[0]))


@pytest.mark.parametrize("name", SURFACES)
def test_points_are_uniform_in_area(name):
    s = surface(name)
    points, chart = s.sample(4000, 1)
    if s.developable:
        coordinates, low, high = chart, chart.min(0), chart.max(0)
        assert np.prod(high - low) == pytest.approx(s.area, rel=2e-3)
    else:  # Archimedes: height and longitude are uniform and independent
        coordinates = np.stack([points[:, 2], np.arctan2(points[:, 1], points[:, 0])], axis=1)
        low, high = np.array([[-SPHERE_RADIUS, -np.pi], [SPHERE_TOP, np.pi]])
    for coordinate, a, b in zip(coordinates.T, low, high):
        assert stats.kstest(coordinate, stats.uniform(a, b - a).cdf).pvalue > 1e-3
    assert abs(stats.spearmanr(coordinates).statistic) < 0.05


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_fit_the_unit_cube(name):
    points, _ = surface(name).sample(5000, 2)
    assert np.abs(points).max() <= 0.5 + 1e-12
    assert np.abs(points).max() > 0.45


def test_the_sphere_lies_on_the_sphere_and_measures_great_circles():
    s = surface("open-sphere")
    points, chart = s.sample(300, 0)
    assert np.allclose(np.linalg.norm(points, axis=1), SPHERE_RADIUS)
    assert points[:, 2].max() <= SPHERE_TOP
    assert s.area == pytest.approx(0.6 * 4 * np.pi * SPHERE_RADIUS**2)
    cosine = (points[:150] * points[150:]).sum(1) / SPHERE_RADIUS**2
    assert np.allclose(s.distances(chart[:150], chart[150:]), SPHERE_RADIUS * np.arccos(cosine))
    pole = np.zeros_like(chart)
    assert np.allclose(s.distances(pole, chart), np.linalg.norm(chart, axis=1))


@given(st.sampled_from(sorted(SURFACES)), st.integers(1, 60), st.integers(0, 2**32))
def test_points_are_the_embedded_chart_and_the_seed_decides_them(name, n, seed):
    s = surface(name)
    points, chart = s.sample(n, seed)
    assert points.shape == (n, 3) and chart.shape == (n, 2)
    assert np.array_equal(points, s.embed(chart))
    assert np.array_equal(points, s.sample(n, seed)[0])
    assert not np.array_equal(points, s.sample(n, seed + 1)[0])


def test_an_unknown_surface_gets_a_sentence_with_the_close_match():
    with pytest.raises(InputError, match="unknown surface 'swis-roll': did you mean swiss-roll"):
        surface("swis-roll")
    with pytest.raises(InputError, match="known: s-shape, swiss-roll, open-sphere"):
        surface("zzz")


@pytest.mark.parametrize("n", [0, -3])
@pytest.mark.parametrize("name", SURFACES)
def test_no_points_get_a_sentence(name, n):
    with pytest.raises(InputError, match=f"{n} points .* at least 1"):
        surface(name).sample(n, 0)


def test_the_curve_is_even_in_arc_length_and_offsets_are_normal():
    points, length = curve(201)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.std() / steps.mean() < 1e-3
    exact, _ = integrate.quad(lambda x: np.hypot(1, np.cos(x)), 0, SPAN)
    assert length[-1, 0] == pytest.approx(exact, rel=1e-6)
    offsets = np.linspace(-0.2, 0.2, 201)
    moved = beside(points, offsets) - points
    assert np.allclose(np.linalg.norm(moved, axis=1), np.abs(offsets))
    assert np.abs((moved * np.gradient(points, axis=0)).sum(1)).max() < 1e-12
