"""A report is right about maps whose faults are known."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from own_points import cap, gutter, turned
from torch import nn

from isoae_lib import IsometricAutoencoder
from isoae_lib.core import faithfulness
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.report import report_on


class Map(nn.Module):
    """A function of columns as a network in double precision."""

    def __init__(self, function):
        super().__init__()
        self.function = function
        self.nothing = nn.Parameter(torch.zeros((), dtype=torch.float64))

    def forward(self, x):
        return torch.stack(self.function(*x.unbind(1)), 1) + 0 * self.nothing


def model_of(encode, decode):
    return Autoencoder(Map(encode), Map(decode))


def angle(x, y, z):
    return torch.atan2(y, x), z


def rolled(u, v):
    return u.cos(), u.sin(), v


UNROLL = model_of(angle, rolled)
FLAT = model_of(lambda x, y, z: (x, y), lambda u, v: (u, v, 0 * u))


def sheet(n=1000, seed=0):
    return np.pad(np.random.default_rng(seed).uniform(0, 1, (n, 2)), ((0, 0), (0, 1)))


def closed_cylinder(n=1000):
    u, v = np.random.default_rng(0).uniform((-np.pi, 0), (np.pi, 2), (n, 2)).T
    return np.stack([np.cos(u), np.sin(u), v], 1)


def ring(n=1000):
    u = np.random.default_rng(0).uniform(0, 2 * np.pi, n)
    r = np.sqrt(np.random.default_rng(1).uniform(0.7**2, 1, n))
    return np.stack([r * np.cos(u), r * np.sin(u), 0 * u], 1)


def test_an_isometry_is_trusted_and_has_the_ideal_numbers():
    report = report_on(UNROLL, gutter(1000, 0)[0])
    assert report.trusted, report.reasons
    for value in (report.lost, report.a_isometry, report.b_isometry, report.b_transposed):
        assert value == pytest.approx(0, abs=1e-9)
    for value in (report.singular_low, report.singular_high, report.edge_ratio_mean):
        assert value == pytest.approx(1, abs=0.01)
    assert report.edge_ratio_std < 0.01 and report.cuts == report.folds == 0
    assert report.trustworthiness > 0.999 and report.continuity > 0.999 and report.pieces == 1
    assert report.path_correlation > 0.995 and 0.9 < report.path_ratio < 1
    assert report.wanted_dimensions == pytest.approx(2, abs=0.3)
    assert report.lost_by_pca > 0.05
    assert "may be trusted" in str(report)


FAULTS = {
    "lengths": (
        model_of(lambda x, y, z: (x / 2, y / 2), lambda u, v: (2 * u, 2 * v, 0 * u)), sheet(),
        "small steps come out 2.00 to 2.00",
    ),
    "a cut": (UNROLL, closed_cylinder(), "are cut apart"),
    "a fold": (
        model_of(lambda x, y, z: (torch.atan2(y, x).abs(), z), rolled),
        closed_cylinder(), "lie over one another",
    ),
    "two pieces": (FLAT, sheet() + np.outer(np.arange(1000) % 2, [5, 0, 0]), "2 pieces"),
    "a hole": (FLAT, ring(), "there may be a hole"),
    "noise": (
        model_of(lambda *x: x[:2], lambda u, v: (u, v, *[0 * u] * 8)),
        np.random.default_rng(0).normal(size=(1000, 10)), "80% of the variance is not on the sheet",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_named(fault):
    model, points, says = FAULTS[fault]
    report = report_on(model, points)
    assert not report.trusted
    assert says in " ".join(report.reasons), report.reasons
    assert "Do not trust" in str(report) and says in str(report)
    if fault != "noise":
        assert len(report.reasons) == (2 if fault == "a fold" else 1), report.reasons


def test_noise_wants_more_dimensions():
    model, points, _ = FAULTS["noise"]
    report = report_on(model, points)
    assert report.wanted_dimensions > 6
    assert "give n_components more" in " ".join(report.reasons)


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_the_dimension_is_that_of_the_sheet_wherever_it_lies(d):
    points = turned(np.random.default_rng(d).uniform(0, 1, (2000, d)), 8)
    assert faithfulness.intrinsic_dimension(points) == pytest.approx(d, abs=0.2 * d)
    twice = np.repeat(points, 2, axis=0)
    assert faithfulness.intrinsic_dimension(twice) == faithfulness.intrinsic_dimension(points)


def test_distortion_is_that_of_the_two_maps():
    """f doubles lengths along one axis of two; g halves them there."""
    model = model_of(lambda x, y, z: (x / 2, y), lambda u, v: (2 * u, v, 0 * u))
    assert faithfulness.distortion(model, sheet(50)) == pytest.approx(1 / 2 + 0.25 / 2)


def test_a_report_prints_plots_and_has_a_page_and_numbers():
    report = report_on(UNROLL, gutter(300, 0)[0], unit=3.0)
    figure = report.plot()
    assert [axes.get_title() for axes in figure.axes[:3]] == [
        "codes", "singular values of A", "distance of codes",
    ]  # fmt: skip
    shown = figure.axes[0].collections[0].get_offsets()
    assert np.ptp(shown[:, 0]) == pytest.approx(3 * np.pi, rel=0.05)
    page = report.html()
    assert page.count("<tr>") == len(report.rows()) + 1 and "data:image/png" in page
    assert "may be trusted" in report._repr_html_()
    assert json.loads(json.dumps(report.numbers()))["points"] == 300


def test_without_matplotlib_a_page_has_no_figure(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    report = report_on(UNROLL, gutter(300, 0)[0])
    with pytest.raises(ValueError, match=r"isoae-lib\[plot\]"):
        report.plot()
    assert "<img" not in report.html()


def moebius(n=1500):
    u, v = np.random.default_rng(0).uniform((0, -0.4), (2 * np.pi, 0.4), (n, 2)).T
    r = 1 + v * np.cos(u / 2)
    return np.stack([r * np.cos(u), r * np.sin(u), v * np.sin(u / 2)], 1)


def two_blobs(n=1000):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 3)) * 0.1 + np.array([[0], [3.0]])[rng.integers(0, 2, n)]


CONTROLS = {
    "a Moebius band": moebius(),
    "a sphere": cap(1500, 0, angle=np.pi)[0],
    "pure noise": np.random.default_rng(0).normal(size=(1000, 10)),
    "two blobs": two_blobs(),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTROLS)
def test_a_fit_of_what_no_plane_holds_is_not_trusted(name):
    points = CONTROLS[name]
    model = IsometricAutoencoder(hidden=(128,) * 3, steps=1000, batch_size=100, random_state=0)
    report = model.fit(points).diagnose(points)
    assert not report.trusted, str(report)
    said = {"pure noise": "not on the sheet", "two blobs": "2 pieces"}
    assert said.get(name, "") in " ".join(report.reasons)


@pytest.mark.slow
def test_a_fit_of_what_a_plane_holds_is_trusted():
    points = gutter(1500, 0)[0]
    model = IsometricAutoencoder(hidden=(128,) * 3, steps=1000, batch_size=100, random_state=0)
    report = model.fit(points).diagnose(points)
    assert report.trusted, str(report)
