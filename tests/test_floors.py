"""The least spread of edge ratios of maps of the open sphere, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from isoae_lib.paper import floors
from isoae_lib.paper.data.surfaces import SPHERE_RADIUS, surface
from isoae_lib.paper.metrics.surfaces import ratios_over, std_of


@pytest.mark.parametrize("degrees", [30, 90, 101.5])
def test_the_spread_of_the_conformal_map_is_its_closed_form(degrees):
    """It stretches alike in every direction: |df u| = 1 / (1 + t^2) at distance 2 t."""
    squared = np.tan(np.radians(degrees) / 2) ** 2
    mean, mean_square = np.log1p(squared) / squared, 1 / (1 + squared)
    closed = np.sqrt(mean_square / mean**2 - 1)
    assert floors.known_map("conformal", np.radians(degrees)) == pytest.approx(closed, rel=1e-3)


def test_an_isometry_has_no_spread_and_scale_plays_no_part():
    theta = torch.linspace(0, 1e-4, 20, dtype=torch.float64)  # a cap so small that it is flat
    assert abs(floors.of_rings(theta, theta)) < 1e-12
    wide = torch.linspace(0, 1.5, 200, dtype=torch.float64)
    one, twice = floors.of_rings(wide, wide), floors.of_rings(wide, 2 * wide)
    assert float(one) == pytest.approx(float(twice))


def test_the_floor_of_the_open_sphere():
    uncut, theta, r, turn = floors.best_rings()
    assert uncut == pytest.approx(0.1254, rel=0.01) and turn == 1 and r[0] == 0
    assert uncut < min(map(floors.known_map, floors.KNOWN))
    assert (np.diff(r) > 0).all() and theta[-1] == pytest.approx(floors.CAP)


def test_a_slit_lowers_the_floor():
    cut, _, r, turn = floors.best_rings(slit=True)
    assert cut == pytest.approx(0.0707, rel=0.01)
    assert 0.6 < turn < 0.7 and r[0] > 0  # the cap opens, and so does its pole


@pytest.mark.parametrize(("degrees", "floor"), [(60, 0.045), (90, 0.100), (120, 0.170)])
def test_larger_caps_have_higher_floors(degrees, floor):
    assert floors.best_rings(np.radians(degrees))[0] == pytest.approx(floor, rel=0.015)


def test_the_floor_on_the_grid_of_table_1():
    """The best map, its inverse as the decoder, on 2,000 points and decision 7's grid."""
    sphere = surface("open-sphere")
    _, chart = sphere.sample(2000, 0)
    least, theta, r, _ = floors.best_rings()
    angle = np.linalg.norm(chart, axis=1) / SPHERE_RADIUS
    codes = chart * (np.interp(angle, theta, r) / angle)[:, None]

    def decode(z):
        radius = np.linalg.norm(z, axis=1) / SPHERE_RADIUS
        turned = np.interp(radius, r, theta) / np.maximum(radius, 1e-12)
        return sphere.embed(z * turned[:, None])

    found = std_of(ratios_over(decode, codes))
    assert found == pytest.approx(0.12, abs=0.003)
    assert found < least  # the rim, where most is lost, is not all covered


@pytest.mark.slow
def test_a_mesh_without_symmetry_finds_the_same_floor():
    """It converges with the square of its mesh width; with a slit it goes below the rings'."""
    coarse, fine = (floors.best_mesh(n, n + n // 3) for n in (9, 15))
    limit = (fine * 15**2 - coarse * 9**2) / (15**2 - 9**2)
    assert limit == pytest.approx(floors.best_rings()[0], rel=0.01)
    assert floors.best_mesh(9, 12, slit=True) < floors.best_rings(slit=True)[0]
