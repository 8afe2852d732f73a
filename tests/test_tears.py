"""Planted slits and folds are counted exactly, on an even grid of points."""

from __future__ import annotations

import numpy as np
import pytest

from isoae_lib.paper.data.surfaces import surface
from isoae_lib.paper.metrics import tears

N = 12  # points a side
SHEET = surface("s-shape")  # its chart is flat


@pytest.fixture
def chart():
    """An even grid, shaken a little, so that each cell has one diagonal and nothing is a tie."""
    even = np.stack(np.meshgrid(np.arange(N), np.arange(N), indexing="ij"), -1).reshape(-1, 2)
    return even + np.random.default_rng(0).uniform(-0.02, 0.02, even.shape)


EDGES = 2 * N * (N - 1) + (N - 1) ** 2
FACES = 2 * (N - 1) ** 2


def test_a_flat_map_has_neither(chart):
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for codes in (chart, 3 * chart @ turn + 5, chart * [-1, 1]):
        assert tears.torn_share(codes, chart, SHEET) == 0
        assert tears.folded_share(codes, chart) == 0


@pytest.mark.parametrize("column", [1, 6, 9])
def test_a_slit_is_counted_exactly(chart, column):
    """Between two columns of points: the edge of each row, and the diagonal of each cell."""
    codes = chart + np.outer(np.arange(N * N) // N >= column, [9.0, 0.0])
    assert tears.torn_share(codes, chart, SHEET) == (2 * N - 1) / EDGES


def test_neighbours_count_as_torn_from_twice_the_median_on(chart):
    for gap, expected in ((0.9, 0), (1.2, N), (3.0, 2 * N - 1)):  # diagonals are longer to begin
        codes = chart + np.outer(np.arange(N * N) // N >= 6, [gap, 0.0])
        assert tears.torn_share(codes, chart, SHEET) == expected / EDGES


@pytest.mark.parametrize("column", [3, 7])
def test_a_fold_is_counted_exactly(chart, column):
    codes = chart.copy()
    codes[:, 0] = -np.abs(np.round(chart[:, 0]) - column)
    assert tears.folded_share(codes, chart) == 2 * (N - 1) * min(column, N - 1 - column) / FACES


def test_edges_across_a_hole_join_no_neighbours(chart):
    around = chart[(np.abs(chart - (N - 1) / 2) > 2.6).any(axis=1)]
    assert len(around) == N * N - 36
    joined = around[tears.triangles(around)]
    sides = np.linalg.norm(joined - np.roll(joined, 1, axis=1), axis=2)
    assert sides.max() < 3 < 7  # the hole's width
