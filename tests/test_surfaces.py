"""The surfaces against their differential geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.spatial import ConvexHull

from isoae_lib.errors import InputError
from isoae_lib.paper.data.curves import SPAN, beside, curve
from isoae_lib.paper.data.surfaces import (
    ROLL_ANGLES,
    ROLL_HEIGHT,
    ROLL_HOLE,
    ROLL_RADIUS,
    SPHERE_RADIUS,
    SPHERE_TOP,
    SURFACES,
    surface,
)

DEVELOPABLE = [name for name, s in SURFACES.items() if s.developable]
HOLED = "swiss-roll-hole"
WHOLE = [name for name in SURFACES if name != HOLED]


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


@pytest.mark.parametrize("name", sorted({*DEVELOPABLE} & {*WHOLE}))
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


@pytest.mark.parametrize("name", WHOLE)
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


def test_the_roll_with_a_hole_is_the_roll_without_a_part_of_it():
    roll, holed = surface("swiss-roll"), surface(HOLED)
    sides = ROLL_HOLE[1] - ROLL_HOLE[0]
    assert holed.area == pytest.approx(roll.area - sides.prod())
    points, chart = holed.sample(4000, 1)
    assert np.array_equal(points, roll.embed(chart))
    assert not ((ROLL_HOLE[0] < chart) & (chart < ROLL_HOLE[1])).all(1).any()
    middle = chart[(ROLL_HOLE[0, 0] < chart[:, 0]) & (chart[:, 0] < ROLL_HOLE[1, 0])]
    for part, share in (
        (middle, sides[0] * (ROLL_HEIGHT - sides[1]) / holed.area),
        (middle[middle[:, 1] < ROLL_HOLE[0, 1]], sides[0] * ROLL_HOLE[0, 1] / holed.area),
        (chart[chart[:, 0] < ROLL_HOLE[0, 0]], ROLL_HOLE[0, 0] * ROLL_HEIGHT / holed.area),
    ):
        deviation = np.sqrt(share * (1 - share) / len(chart))
        assert abs(len(part) / len(chart) - share) < 3 * deviation


def perimeter_ways(a, b):
    """The two ways from a to b around the convex hull of both and the hole."""
    corners = np.stack(np.meshgrid(*ROLL_HOLE.T), axis=-1).reshape(-1, 2)
    hull = ConvexHull(np.stack([a, b, *corners])).vertices.tolist()
    start = hull.index(0)
    ring = np.stack([a, b, *corners])[[*hull[start:], *hull[: start + 1]]]
    legs = np.linalg.norm(np.diff(ring, axis=0), axis=1)
    half = [*hull[start:], *hull[:start]].index(1)
    return legs[:half].sum(), legs[half:].sum()


def test_distances_go_around_the_hole_the_shorter_way():
    """The shortest way around a convex hole runs along the convex hull."""
    s = surface(HOLED)
    _, chart = s.sample(800, 0)
    a, b = chart[:400], chart[400:]
    on_the_way = a[:, None] + np.linspace(0, 1, 4001)[:, None] * (b - a)[:, None]
    crosses = ((ROLL_HOLE[0] < on_the_way) & (on_the_way < ROLL_HOLE[1])).all(2).any(1)
    straight = np.hypot(*(a - b).T)
    around = [min(perimeter_ways(*ends)) for ends in zip(a[crosses], b[crosses])]
    found = s.distances(a, b)
    assert 50 < crosses.sum() < 350
    assert np.allclose(found[~crosses], straight[~crosses])
    assert np.allclose(found[crosses], around) and (found > straight)[crosses].all()
    assert np.allclose(found, s.distances(b, a))


def test_distances_around_the_hole_between_points_that_lie_level_or_on_its_edge():
    (left, low), (right, high) = ROLL_HOLE
    middle, s = (low + high) / 2, surface(HOLED)
    a = np.array([[left - 0.1, middle], [left, middle], [left - 0.1, low], [left, low]])
    b = np.array([[right + 0.1, middle], [right, middle], [right + 0.1, low], [left, low]])
    over = 2 * np.hypot(0.1, middle - low) + right - left
    expected = [over, high - low + right - left, right - left + 0.2, 0]
    assert s.distances(a, b) == pytest.approx(expected)


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


@pytest.mark.parametrize("name", SURFACES)
def test_a_resized_surface_is_the_surface_enlarged(name):
    own, large = surface(name), surface(name).resized(2.5)
    (points, chart), (enlarged, its_chart) = own.sample(100, 0), large.sample(100, 0)
    assert np.allclose(enlarged, 2.5 * points) and np.allclose(its_chart, 2.5 * chart)
    assert np.allclose(enlarged, large.embed(its_chart))
    true = own.distances(chart[:50], chart[50:])
    assert np.allclose(large.distances(its_chart[:50], its_chart[50:]), 2.5 * true)
    assert large.area == pytest.approx(6.25 * own.area)
    same = own.resized(1.0)
    assert np.array_equal(same.sample(100, 0)[0], points)


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
    with pytest.raises(InputError, match="known: s-shape, swiss-roll, open-sphere, swiss"):
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
