"""Section 3's tools against closed forms, each with a control that must fail."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isoae_lib.core import isometry
from isoae_lib.paper import theory
from isoae_lib.paper.data.surfaces import surface

EYE = torch.eye(2).double()


@given(st.integers(1, 6), st.data())
def test_orthonormal_columns(rows, data):
    columns = data.draw(st.integers(1, rows))
    A = theory.orthonormal(rows, columns, torch.Generator().manual_seed(rows))
    torch.testing.assert_close(A.T @ A, torch.eye(columns).double())


@given(st.integers(2, 5), st.integers(1, 4))
def test_lengths_give_the_gram_matrix_back(rows, columns):
    rng = torch.Generator().manual_seed(rows)
    A = torch.randn(rows, columns, generator=rng).double()
    u = isometry.unit_vectors(40, columns, A, rng)
    gram = theory.gram_from_lengths(u, (u @ A.T).norm(dim=1))
    torch.testing.assert_close(gram, A.T @ A)


def test_each_counterexample_violates_the_hypothesis_it_names_and_no_other():
    sizes = {"A'A = I": (16 / 9, 0, 0, 4 / 3), "BB' = I": (0, 1, 0, 1), "BA = I": (0, 0, 2, 2)}
    for name, (A, B) in theory.lemma_2_counterexamples().items():
        found = theory.identities(A, B)
        assert list(found) == ["|A'A - I|", "|BB' - I|", "|BA - I|", "|B - A'|"]
        assert list(found.values()) == pytest.approx(sizes[name], abs=1e-12)


@pytest.mark.parametrize("name", theory.PROJECTIONS)
def test_a_projection_stays_where_it_is_and_is_the_closest(name, rng):
    p = theory.PROJECTIONS[name]
    points = torch.randn(200, 3, generator=rng).double()
    images = torch.stack([p(x) for x in points])
    torch.testing.assert_close(torch.stack([p(x) for x in images]), images)
    distances = torch.cdist(points, images)
    assert (distances.diagonal() <= distances.amin(dim=1) + 1e-9).all()
    assert theory.lemma_3_error(name, points[:20]) < 1e-10


def test_a_map_that_is_no_projection_is_noticed(monkeypatch, rng):
    monkeypatch.setitem(theory.PROJECTIONS, "sphere", lambda x: x / x.norm() + 0.1 * x[0] ** 2)
    assert theory.lemma_3_error("sphere", torch.randn(5, 3, generator=rng).double()) > 1e-3


@pytest.mark.parametrize("name", ["cylinder", "sphere", "torus"])
def test_central_differences_converge_with_the_square_of_the_step(name):
    x = torch.tensor([0.9, 0.7, 0.4]).double()
    coarse, fine = theory.finite_difference_errors(name, x, torch.tensor([0.02, 0.01]).double())
    assert float(coarse / fine) == pytest.approx(4, rel=0.02)


def test_the_s_decoder_is_the_surface_and_its_encoder_drops_points_onto_it(rng):
    points, chart = surface("s-shape").sample(400, 0)
    f, g = theory.SDecoder(), theory.SEncoder()
    z, x = torch.tensor(chart), torch.tensor(points)
    torch.testing.assert_close(f(z), x)
    torch.testing.assert_close(g(x), z)
    A = theory.jacobians(f, z)
    normal = torch.linalg.cross(A[:, :, 0], A[:, :, 1])
    away = torch.rand(400, 1, generator=rng).double() * 0.1 - 0.05
    torch.testing.assert_close(g(x + away * normal), z)


def test_the_exact_departure_of_known_singular_values():
    """For diag(a, a) it is (a - 1)^2; in general the mean over the circle of u."""
    assert theory.exact_departure(0.7 * EYE[None]).item() == pytest.approx(0.09)
    M = torch.tensor([[2.0, 0], [0, 0.5], [0, 0]]).double()
    angle = torch.linspace(0, 2 * torch.pi, 100_001).double()[:-1]
    u = torch.stack([angle.cos(), angle.sin()])
    expected = ((M @ u).norm(dim=0) - 1).square().mean()
    torch.testing.assert_close(theory.exact_departure(M[None]), expected)


def test_a_linear_isometric_autoencoder_is_pca_and_a_plain_one_is_not(rng):
    x = torch.randn(300, 4, generator=rng).double() * torch.tensor([2.0, 1.5, 0.3, 0.2])
    x = x - x.mean(0)
    axes = torch.linalg.svd(x, full_matrices=False)[2][:2]
    A, B = theory.fit_linear(x, 0.1)
    torch.testing.assert_close(A @ B, axes.T @ axes, rtol=0, atol=1e-3)
    torch.testing.assert_close(B, A.T, rtol=0, atol=1e-3)
    A, _ = theory.fit_linear(x, 0.0)
    assert (A.T @ A - EYE).norm() > 0.1
