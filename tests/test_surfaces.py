"""The surfaces against their differential geometry."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from isoae_lib.curves import beside, curve
from isoae_lib.errors import InputError
from isoae_lib.surfaces import SPHERE_RADIUS, SURFACES, surface


def differential(s, chart, step=1e-6):
    columns = [
        (s.embed(chart + step * e) - s.embed(chart - step * e)) / (2 * step) for e in np.eye(2)
    ]
    return np.stack(columns, axis=2)


@pytest.mark.parametrize("name", ["s-shape", "swiss-roll"])
def test_developable_charts_are_isometries(name):
    s = surface(name)
    _, chart = s.sample(500, 0)
    J = differential(s, chart)
    assert np.abs(J.transpose(0, 2, 1) @ J - np.eye(2)).max() < 1e-7


@pytest.mark.parametrize("name", SURFACES)
def test_points_are_uniform_in_area_and_the_area_is_right(name):
    s = surface(name)
    _, chart = s.sample(4000, 1)
    if s.developable:
        low, high = chart.min(0), chart.max(0)
        assert np.prod(high - low) == pytest.approx(s.area, rel=2e-3)
        for coordinate, a, b in zip(chart.T, low, high):
            assert stats.kstest(coordinate, stats.uniform(a, b - a).cdf).pvalue > 1e-3
    else:
        points = s.embed(chart)
        height = points[:, 2]
        assert stats.kstest(height, stats.uniform(-0.5, 0.6).cdf).pvalue > 1e-3
        assert s.area == pytest.approx(2 * np.pi * 0.5 * 0.6)


@pytest.mark.parametrize("name", SURFACES)
def test_surfaces_fit_the_unit_cube(name):
    points, _ = surface(name).sample(5000, 2)
    assert np.abs(points).max() <= 0.5 + 1e-12
    assert np.abs(points).max() > 0.45


def test_sphere_lies_on_the_sphere_and_measures_great_circles():
    s = surface("open-sphere")
    points, chart = s.sample(300, 0)
    assert np.allclose(np.linalg.norm(points, axis=1), SPHERE_RADIUS)
    cosine = (points[:150] * points[150:]).sum(1) / SPHERE_RADIUS**2
    assert np.allclose(s.distances(chart[:150], chart[150:]), SPHERE_RADIUS * np.arccos(cosine))
    pole = np.zeros_like(chart)
    assert np.allclose(s.distances(pole, chart), np.linalg.norm(chart, axis=1))


def test_same_seed_same_points_other_seed_others():
    s = surface("s-shape")
    assert np.array_equal(s.sample(9, 0)[0], s.sample(9, 0)[0])
    assert not np.array_equal(s.sample(9, 0)[0], s.sample(9, 1)[0])


def test_bad_requests_get_a_sentence():
    with pytest.raises(InputError, match="did you mean swiss-roll"):
        surface("swis-roll")
    with pytest.raises(InputError, match="at least 1"):
        surface("s-shape").sample(0, 0)


def test_curve_is_even_in_arc_length_and_offsets_are_normal():
    points, length = curve(201)
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.std() / steps.mean() < 1e-3
    assert length[-1, 0] == pytest.approx(7.6404, abs=1e-3)  # one period of a sine
    moved = beside(points, np.full(201, 0.2))
    assert np.allclose(np.linalg.norm(moved - points, axis=1), 0.2)
