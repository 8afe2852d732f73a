"""What the field measures of an embedding, where the answer is known; and its ellipses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import pdist, squareform

from isoae_lib.paper.data.surfaces import SPHERE_RADIUS, SURFACES, surface
from isoae_lib.paper.metrics import distortion, geodesics

N = 400
FLAT = [name for name, s in SURFACES.items() if s.developable]
PERFECT = {"torn_share": 0, "folded_share": 0, "knn_recall": 1, "rank_correlation": 1} | {
    f"kl_{sigma:g}": 0 for sigma in geodesics.SIGMAS
}


def turned(plane, angle=0.7):
    return plane @ [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]


@pytest.mark.parametrize("name", ["s-shape", "swiss-roll"])
def test_an_isometry_is_perfect_at_any_scale(name):
    _, chart = surface(name).sample(N, 0)
    for codes in (chart, 100 * turned(chart) + 3, chart * [1, -1]):
        assert geodesics.surface_numbers(codes, chart, name) == pytest.approx(PERFECT, abs=1e-9)


def test_numbers_of_any_embedding_see_neither_scale_nor_rotation():
    _, chart = surface("open-sphere").sample(N, 0)
    codes = chart * [1, 2] + 0.3 * chart[:, ::-1] ** 2
    first = geodesics.surface_numbers(codes, chart, "open-sphere")
    again = geodesics.surface_numbers(0.01 * turned(codes), chart, "open-sphere")
    assert first == pytest.approx(again, abs=1e-9) and first["kl_0.1"] > 0
    assert 0.2 < first["knn_recall"] < 0.95


def test_a_random_order_is_no_better_than_chance():
    _, chart = surface("s-shape").sample(N, 0)
    shuffled = np.random.default_rng(1).permutation(chart)
    found = geodesics.surface_numbers(shuffled, chart, "s-shape")
    assert found["knn_recall"] == pytest.approx(geodesics.NEIGHBOURS / (N - 1), abs=0.012)
    assert abs(found["rank_correlation"]) < 0.03
    assert min(found["kl_0.01"], found["kl_0.1"]) > 0.01


def test_the_divergence_of_three_points_is_its_closed_form():
    """On a line at 0, 1, 2, and at the corners of an even triangle, where all densities agree."""
    line = squareform(pdist(np.array([[0.0], [1], [2]])))
    triangle = 1 - np.eye(3)
    for sigma in geodesics.SIGMAS:
        half, whole = np.exp(-0.25 / sigma), np.exp(-1 / sigma)
        p = np.array([1 + half + whole, 1 + 2 * half, 1 + half + whole])
        p /= p.sum()
        closed = float((p * np.log(3 * p)).sum())
        assert geodesics.density_divergence(line, triangle, sigma) == pytest.approx(closed)


def test_distances_are_those_along_the_surface():
    _, chart = surface("open-sphere").sample(60, 0)
    true = geodesics.geodesics(chart, surface("open-sphere"))
    pole = np.zeros_like(chart)
    assert (true == true.T).all() and true.max() <= np.pi * SPHERE_RADIUS
    at_pole = surface("open-sphere").distances(pole, chart)
    assert at_pole == pytest.approx(np.linalg.norm(chart, axis=1))
    assert (true <= at_pole[:, None] + at_pole + 1e-12).all()


def test_only_the_first_points_are_compared(monkeypatch):
    monkeypatch.setattr(geodesics, "AT_MOST", 50)
    _, chart = surface("s-shape").sample(N, 0)
    codes = np.concatenate([chart[:50], np.random.default_rng(0).normal(size=(N - 50, 2))])
    found = geodesics.surface_numbers(codes, chart, "s-shape")
    assert found["knn_recall"] == 1 and found["torn_share"] > 0.1


@pytest.mark.parametrize("name", FLAT)
def test_a_flat_chart_has_the_identity_as_metric(name):
    _, chart = surface(name).sample(50, 0)
    metric = distortion.surface_metric(chart, surface(name))
    assert metric == pytest.approx(np.broadcast_to(np.eye(2), (50, 2, 2)), abs=1e-6)


def test_a_linear_map_of_a_flat_chart_is_its_own_differential():
    _, chart = surface("swiss-roll").sample(N, 0)
    K = np.array([[2.0, 1.0], [0.0, 0.5]])
    found = distortion.embedding_differentials(chart @ K.T + 7, chart, surface("swiss-roll"))
    assert found == pytest.approx(np.broadcast_to(K, (N, 2, 2)), abs=1e-6)


def test_the_ellipses_of_the_azimuthal_map_have_their_closed_form():
    """Lengths are kept along meridians; along parallels they grow by theta / sin(theta)."""
    _, chart = surface("open-sphere").sample(N, 0)
    K = distortion.embedding_differentials(chart, chart, surface("open-sphere"))
    theta = np.linalg.norm(chart, axis=1) / SPHERE_RADIUS
    sigma = np.linalg.svd(K, compute_uv=False)
    assert sigma[:, 0] == pytest.approx(theta / np.sin(theta), rel=1e-4)
    assert sigma[:, 1] == pytest.approx(1, rel=1e-4)
    along = np.einsum("nij,nj->ni", K @ K.transpose(0, 2, 1), chart)
    assert along == pytest.approx(chart, rel=1e-3, abs=1e-4)  # the short axis is the meridian's
