"""The Frechet distance against closed forms, scipy's square root and its own invariances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm

from isoae_lib.errors import InputError
from isoae_lib.paper.metrics.frechet import between_gaussians, frechet_distance


def covariance(rng, k, rank=None):
    root = rng.normal(size=(k, rank or k))
    return root @ root.T


def test_gaussians_on_a_line():
    """(m - n)^2 + (s - t)^2 for deviations s and t."""
    found = between_gaussians(
        np.array([1.0]), np.array([[4.0]]), np.array([3.5]), np.array([[9.0]])
    )
    assert found == pytest.approx(2.5**2 + 1)


@given(st.integers(1, 6), st.integers(0, 99))
def test_covariances_that_share_their_axes(k, seed):
    """The sum of (s_i - t_i)^2 over the axes, whatever their directions."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(k, k)))[0]
    s, t, shift = rng.uniform(0, 3, k), rng.uniform(0, 3, k), rng.normal(size=k)
    found = between_gaussians(shift, axes * s**2 @ axes.T, np.zeros(k), axes * t**2 @ axes.T)
    assert found == pytest.approx(np.square(shift).sum() + np.square(s - t).sum(), abs=1e-6)


@given(st.integers(2, 8), st.integers(0, 99))
def test_against_the_square_root_of_scipy(k, seed):
    rng = np.random.default_rng(seed)
    a, b = covariance(rng, k), covariance(rng, k)
    shift = rng.normal(size=k)
    slow = shift @ shift + np.trace(a + b - 2 * sqrtm(a @ b).real)
    assert between_gaussians(shift, a, np.zeros(k), b) == pytest.approx(slow, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("rank", [1, 3])
def test_singular_covariances_do_no_harm(rank):
    rng = np.random.default_rng(0)
    a = covariance(rng, 50, rank)
    zero = np.zeros(50)
    assert between_gaussians(zero, a, zero, a) == pytest.approx(0, abs=1e-5)
    assert between_gaussians(zero, a, zero, 0 * a) == pytest.approx(np.trace(a))
    b = covariance(rng, 50)
    there, back = between_gaussians(zero, a, zero, b), between_gaussians(zero, b, zero, a)
    assert there == pytest.approx(back, rel=1e-6) and there > 0


def test_samples_shifted_and_turned():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 4)), 2 * rng.normal(size=(200, 4)) + 1
    shift = np.array([1.0, 2.0, 0.0, 0.0])
    assert frechet_distance(x, x[::-1]) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x, x + shift) == pytest.approx(5)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    assert frechet_distance(x @ turn, y @ turn) == pytest.approx(frechet_distance(x, y))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([[0.0, 1.0]], [[0.0, 1.0], [1.0, 2.0]], "two rows"),
        ([[0.0, 1.0], [1.0, np.nan]], [[0.0, 1.0], [1.0, 2.0]], "first sample"),
        ([[0.0, 1.0], [1.0, 2.0]], [[0.0], [1.0]], "second sample"),
    ],
)
def test_bad_samples_get_a_sentence(x, y, message):
    with pytest.raises(InputError, match=message):
        frechet_distance(x, y)
