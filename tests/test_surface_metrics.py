"""The numbers of section 4.1 on maps whose answer is known."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from isoae_lib.core import diagnostics
from isoae_lib.core.networks import Autoencoder, fully_connected
from isoae_lib.errors import InputError
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.surfaces import ROLL_HOLE, SURFACES, surface
from isoae_lib.paper.metrics import curves
from isoae_lib.paper.metrics import surfaces as ev
from isoae_lib.paper.theory import jacobians


@pytest.fixture
def codes():
    return np.random.default_rng(0).uniform(0, 1, (800, 2)) * [3, 1]


def test_a_rigid_map_has_no_spread_and_a_scale_is_taken_out(codes):
    turn = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0][:, :2]
    grid = ev.covered_grid(codes)
    for scale in (1.0, 7.0):
        ratios = ev.edge_ratios(lambda z, s=scale: s * z @ turn.T + 2, grid)
        assert ratios.mean() == pytest.approx(1)
        assert ratios.std() < 1e-12


def test_a_linear_stretch_has_the_spread_of_its_three_edge_lengths(codes):
    grid = ev.covered_grid(codes)
    ratios = ev.edge_ratios(lambda z: z * [2.0, 1.0], grid)
    inside = grid.inside
    counts = [
        (inside[1:] & inside[:-1]).sum(),
        (inside[:, 1:] & inside[:, :-1]).sum(),
        (inside[1:, 1:] & inside[:-1, :-1]).sum(),
    ]
    lengths = np.repeat([2.0, 1.0, np.sqrt(2.5)], counts)
    assert ratios.std() == pytest.approx(lengths.std() / lengths.mean())


def test_the_grid_leaves_out_a_hole_and_the_corners_outside():
    rng = np.random.default_rng(0)
    angle, radius = rng.uniform(0, 2 * np.pi, 4000), np.sqrt(rng.uniform(1, 4, 4000))
    ring = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    grid = ev.covered_grid(ring)
    distance = np.linalg.norm(grid.points[grid.inside], axis=1)
    assert distance.min() > 0.9 and distance.max() <= 2
    area = grid.inside.sum() * grid.spacing**2
    assert area == pytest.approx(3 * np.pi, rel=0.05)
    hull = ev.covered_grid(ring, reach=1e6)
    assert np.linalg.norm(hull.points[hull.inside], axis=1).min() < 0.2


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (np.zeros((50, 2)), "line or a point"),
        (np.stack([np.arange(50.0), np.arange(50.0) * 0], axis=1), "line or a point"),
        (np.zeros((50, 3)), r"shape \(50, 3\)"),
        (np.full((50, 2), np.nan), "NaN"),
    ],
)
def test_bad_codes_get_a_sentence(bad, message):
    with pytest.raises(InputError, match=message):
        ev.covered_grid(bad)


def test_differentials_equal_full_jacobians():
    model = fully_connected(3, 2, width=16, depth=2).double()
    x = np.random.default_rng(0).normal(size=(6, 3))
    A, B = diagnostics.differentials(model, x)
    with torch.no_grad():
        z = model.encoder(torch.tensor(x))
        y = model.decoder(z)
    assert np.allclose(A, jacobians(model.decoder, z).detach())
    assert np.allclose(B, jacobians(model.encoder, y).detach())


def test_differentials_of_a_linear_stretch_have_their_closed_forms():
    """A = diag(2, 1/2) over a row of zeros, and B its pseudo-inverse."""
    model = Autoencoder(torch.nn.Linear(3, 2, bias=False), torch.nn.Linear(2, 3, bias=False))
    model.decoder.weight.data = torch.tensor([[2.0, 0.0], [0.0, 0.5], [0.0, 0.0]])
    model.encoder.weight.data = torch.linalg.pinv(model.decoder.weight.data)
    s = surface("s-shape")
    _, chart = s.sample(400, 0)
    points = np.column_stack([chart, np.zeros(400)])
    found, _ = ev.measure_surface(model, points, chart, s)
    expected = {
        "singular_value_p05": 0.5, "singular_value_p95": 2.0,
        "ATA_error": np.hypot(3, 0.75), "BBT_error": np.hypot(3, 0.75), "BA_error": 0.0,
        "pinv_error": np.hypot(1.5, 1.5), "pinv_error_rescaled": np.hypot(1.5, 1.5), "rmse": 0.0,
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-5)


def test_a_rescaled_error_sees_the_shape_of_the_differentials_alone():
    """The scale of the plane is undone, and the best of many scales is found."""
    rng = np.random.default_rng(0)
    A, noise = rng.normal(size=(2, 50, 3, 2))
    B = A.transpose(0, 2, 1)
    assert ev.rescaled_pinv_error(7 * A, B / 7) == pytest.approx(0, abs=1e-12)
    B = 2 * B + 0.5 * noise.transpose(0, 2, 1)
    errors = [ev.rescaled_pinv_error(c * A, B / c) for c in (1, 5)]
    assert errors[0] == pytest.approx(errors[1])
    scales = np.linspace(0.5, 1, 1001)[:, None, None, None]
    every = ((scales * B - A.transpose(0, 2, 1) / scales) ** 2).sum((1, 2, 3))
    best = scales[every.argmin()]
    least = np.median(np.linalg.norm(best * B - A.transpose(0, 2, 1) / best, axis=(1, 2)))
    assert errors[0] == pytest.approx(least, rel=1e-3)


@pytest.mark.parametrize("name", SURFACES)
def test_exact_codes_correlate_perfectly_where_that_is_possible(name):
    s = surface(name)
    _, chart = s.sample(1000, 0)
    turned = chart @ np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    correlation = ev.distance_correlation(turned, chart, s)
    possible = s.developable and name != "swiss-roll-hole"  # around a hole it is further
    assert correlation == pytest.approx(1) if possible else 0.9 < correlation < 0.999
    shuffled = np.random.default_rng(1).permutation(chart)
    assert abs(ev.distance_correlation(shuffled, chart, s)) < 0.1


def test_the_grid_over_a_chart_leaves_the_hole_open():
    s = surface("swiss-roll-hole")
    _, chart = s.sample(2000, 0)
    grid = ev.covered_grid(chart)
    middle = np.linalg.norm(grid.points - ROLL_HOLE.mean(0), axis=2).argmin()
    assert not grid.inside.flat[middle]
    assert grid.inside.sum() * grid.spacing**2 == pytest.approx(s.area, rel=0.1)
    assert ev.ratios_over(s.embed, chart).std() < 0.01


def extra_area(decode, codes, s):
    decoded = ev.decoded_box(decode, codes)
    return ev.extra_area(decoded, ev.far_from(s, decoded), s)


def test_the_exact_surface_has_no_extra_parts_and_a_flap_has():
    s = surface("s-shape")
    _, chart = s.sample(2000, 0)
    assert extra_area(s.embed, chart, s) == 0

    def flapped(z):
        return s.embed(z) + np.where(z[:, :1] > 0.9, 1, 0) * [0, 0, 5.0]

    assert extra_area(flapped, chart, s) > 0.1


@pytest.mark.parametrize("angle", [0.0, 0.3, 0.7, 2.0, 4.0])
@pytest.mark.parametrize("mirror", [1, -1])
def test_figure_4s_box_lies_along_the_codes(angle, mirror):
    """Codes in a rectangle, turned: the corners of the box are those of the rectangle."""
    corners = np.array([[0, 0], [0, 1], [3, 0], [3, 1]]) * [1.0, mirror]
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    box = ev.decoded_box(lambda z: z, corners @ turn)
    found = box[[0, 0, -1, -1], [0, -1, 0, -1]] @ turn.T * [1, mirror]
    assert sorted(map(tuple, found.round(6) + 0.0)) == [(0, 0), (0, 1), (3, 0), (3, 1)]


def test_extra_parts_do_not_see_a_rotation_of_the_latent_space():
    s = surface("s-shape")
    _, chart = s.sample(2000, 0)
    angle = 0.7
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    assert extra_area(lambda z: s.embed(z @ turn.T), chart @ turn, s) < 0.01


def test_spacing_variation_has_its_closed_forms():
    assert curves.spacing_variation(np.arange(9.0)[:, None]) == 0
    assert curves.spacing_variation(np.array([[0.0], [1.0], [4.0]])) == pytest.approx(0.5)


def test_what_moves_nothing_is_as_uneven_as_the_walk_beside_the_curve():
    model = Autoencoder(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    for layer in (model.encoder, model.decoder):
        layer.weight.data, layer.bias.data = torch.eye(2), torch.zeros(2)
    found, _ = curves.measure_curve(model, curve(16)[0])
    above = curves.spacing_variation(beside(curve(751)[0], 0.2))
    expected = {
        "spacing_variation": 0, "spacing_variation_above": above,
        "spacing_variation_below": above, "rmse": 0,
    }  # fmt: skip
    assert above > 0.05
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_an_array_that_nobody_may_write_to_is_mapped_part_by_part(n, monkeypatch):
    monkeypatch.setattr(diagnostics, "AT_ONCE", 3)
    model = fully_connected(3, 2, width=4, depth=1).eval()
    x = np.random.default_rng(0).random((n, 3))
    x.flags.writeable = False
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("error")
        codes = diagnostics.encoder_map(model)(x)
        whole = model.encoder(torch.tensor(x, dtype=torch.float32))
    np.testing.assert_allclose(codes, whole.double().numpy(), rtol=1e-5, atol=1e-7)


def test_extra_area_is_that_of_the_cells_that_begin_far_away():
    """A flat grid of cells of area 1/2; the last row and column begin none."""
    s = surface("s-shape")
    x, y = np.meshgrid(np.arange(5.0), 0.5 * np.arange(4), indexing="ij")
    far = np.zeros((5, 4), bool)
    far[1, 2] = far[2, 0] = far[0, 3] = far[4, 1] = True
    found = ev.extra_area(np.stack([x, y, 0 * x], axis=-1), far, s)
    assert found == pytest.approx(2 * 0.5 / s.area)


def test_far_begins_at_a_tenth_of_the_data_s_radius():
    """Of the open sphere: its mean height is -0.2, and |x|^2 is 1/4 everywhere."""
    s, limit = surface("open-sphere"), 0.1 * np.sqrt(0.25 - 0.2**2)
    points, _ = s.sample(200, 7)
    inner = points[points[:, 2] < 0]
    for share, expected in ((0.9, False), (1.05, True), (-0.9, False), (-1.05, True)):
        moved = inner * (1 + share * limit / 0.5)
        assert (ev.far_from(s, moved) == expected).all()


def test_each_spread_has_its_own_grid(monkeypatch):
    """Spacings of 1, 1/2 and 2 medians in the alpha shape, and of 1 in the whole hull."""
    monkeypatch.setattr(ev, "ratios_over", lambda _, codes, fineness=1.0, reach=4.0: np.array(
        [fineness, reach]))  # fmt: skip
    model = fully_connected(3, 2, width=8, depth=1)
    s = surface("s-shape")
    found, _ = ev.measure_surface(model, *s.sample(50, 0), s)
    grids = {"": (1, 4), "_fine": (0.5, 4), "_coarse": (2, 4), "_convex": (1, 1e6)}
    for name, grid in grids.items():
        assert found[f"edge_ratio_std{name}"] == pytest.approx(np.std(grid))


def test_shares_of_singular_values_and_medians_of_errors(monkeypatch):
    """Of scalings by 0, 1, ..., 100, and encoders that scale by as much."""
    scales = np.arange(101.0)[:, None, None]
    A, B = scales * np.eye(3, 2), scales * np.eye(2, 3)
    monkeypatch.setattr(ev, "differentials", lambda *_: (A, B))
    s = surface("s-shape")
    found, _ = ev.measure_surface(fully_connected(3, 2, width=8, depth=1), *s.sample(50, 0), s)
    expected = {
        "singular_value_p05": 5, "singular_value_p95": 95, "pinv_error": 0,
        **dict.fromkeys(("ATA_error", "BBT_error", "BA_error"), (50**2 - 1) * 2**0.5),
    }  # fmt: skip
    assert {name: found[name] for name in expected} == pytest.approx(expected)
