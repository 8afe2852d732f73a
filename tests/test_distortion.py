"""What the page says of cuts, folds and floors is what the codes say."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from isoae_lib.book import distortion, surfaces
from isoae_lib.paper import baseline_records, floors, runs
from isoae_lib.paper.claims.rule import table
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.metrics.tears import torn_share

WITHOUT = "I-AE-without-L_piso"


@pytest.fixture(scope="module")
def published():
    return table(runs.published())


@pytest.fixture
def fan(published):
    """A published run on the sphere with codes that are slit along a meridian, up to an angle."""
    run = published["3d/open-sphere", "I-AE"][0]

    def slit_up_to(degrees):
        x, y = run.chart.T
        turn, radius = np.arctan2(y, x), np.hypot(x, y)
        from_pole = np.radians(degrees) / 2  # times the sphere's radius, 1/2
        half = np.sign(turn) * np.minimum(np.abs(turn), np.pi)
        opened = np.where(radius > from_pole, half * (1 - 0.4 * (1 - from_pole / radius)), half)
        codes = radius[:, None] * np.stack([np.cos(opened), np.sin(opened)], axis=1)
        return replace(run, codes=codes)

    return slit_up_to


@pytest.mark.parametrize("degrees", [5, 60])
def test_a_slit_is_seen_to_its_end(fan, degrees):
    assert degrees - 1 < distortion._cut_up_to(fan(degrees)) < degrees + 20


def test_an_uncut_map_is_cut_up_to_its_rim(fan):
    assert distortion._cut_up_to(fan(120)) == pytest.approx(np.degrees(floors.CAP))


def test_the_page_explains_the_numbers_of_its_runs(published, fan, monkeypatch):
    monkeypatch.setattr(floors, "cap_with_floor", lambda spread: np.radians(75))
    monkeypatch.setattr(floors, "on_the_book_s_grid", lambda: np.array([0.9, 1.1]))  # std 0.1

    def scored(run, std, correlation):
        numbers = {"edge_ratio_std": std, "distance_correlation": correlation}
        return replace(run, record=run.record | {"metrics": numbers})

    without = [scored(fan(5), 0.06, 0.81), scored(fan(120), 0.09, 0.95), scored(fan(5), 0.12, 0.9)]
    runs_ = {
        ("3d/open-sphere", WITHOUT): without,
        ("3d/open-sphere", "I-AE"): [scored(fan(120), 0.1, 0.97)],
    }
    said = distortion.what_the_floor_says(runs_).data
    assert "2 of 3 seeds" in said and "Of these, 1 are slit" in said
    assert "correlate 0.81 with the true ones, those of I-AE 0.97" in said
    assert "the paper's 0.07" in said and "75° instead of our 102°" in said


def test_shares_are_in_percent_and_classic_embeddings_stand_beside(published, monkeypatch):
    few = {key: group for key, group in published.items() if key[1] in ("I-AE", "AE")}
    numbers = iter([{"torn_share": 0.01, "folded_share": 0.2}, {"torn_share": 0.03}] * 99)
    monkeypatch.setattr(baseline_records, "numbers_of_run", lambda run: next(numbers))
    two = {key: group[:2] for key, group in few.items()}
    rows = distortion.rows_of_codes(two)
    shown = distortion.cuts_and_folds(rows)
    assert shown.loc["I-AE", "S shape, torn"] == "2.0 ± 1.4"
    assert shown.loc["I-AE", "S shape, folded"] == "diverged"
    known = baseline_records.published_on_surfaces()
    percent = 100 * np.mean([seed["torn_share"] for seed in known["s-shape"]["PCA"]])
    assert shown.loc["PCA", "S shape, torn"].startswith(f"{percent:.1f} ±")


def test_every_surface_has_its_classic_embeddings():
    for data, methods in baseline_records.published_on_surfaces().items():
        assert set(methods) == {"U-MAP", "t-SNE", "LLE", "PCA"}
        assert {len(seeds) for seeds in methods.values()} == {3}
        assert data in SURFACES


def test_what_is_published_of_pca_is_found_again():
    _, chart = SURFACES["s-shape"].sample(2000, 1)
    points = SURFACES["s-shape"].embed(chart)
    centred = points - points.mean(0)
    codes = centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T
    kept = baseline_records.published_on_surfaces()["s-shape"]["PCA"][1]
    assert kept["torn_share"] == pytest.approx(
        torn_share(codes, chart, SURFACES["s-shape"]), abs=1e-6
    )


def test_ellipses_are_round_and_alike_for_an_isometry_and_turn_with_a_stretch():
    _, chart = SURFACES["s-shape"].sample(800, 0)
    axes = plt.figure().add_subplot()
    even = distortion.ellipses(axes, chart, chart, "s-shape")
    assert even._widths == pytest.approx(even._heights) and np.ptp(even._widths) < 1e-6
    assert np.asarray(even.get_array()) == pytest.approx(1)
    tilted = distortion.ellipses(axes, chart @ np.array([[2.0, 0], [2, 1]]), chart, "s-shape")
    U, sigma, _ = np.linalg.svd(np.array([[2.0, 2], [0, 1]]))
    assert tilted._widths / tilted._heights == pytest.approx(sigma[0] / sigma[1], rel=1e-6)
    angle = np.degrees(np.arctan2(*U[::-1, 0]))
    assert np.degrees(tilted._angles) % 180 == pytest.approx(angle % 180, abs=1e-3)
    inside = {tuple(code) for code in np.round(chart @ np.array([[2.0, 0], [2, 1]]), 9)}
    assert all(tuple(np.round(code, 9)) in inside for code in tilted.get_offsets())
    plt.close("all")


def test_a_row_of_distortion_per_surface_that_all_methods_have(published):
    figure = distortion.distortion_maps(published, ("I-AE", "CAE"))
    assert [axes.get_ylabel() for axes in figure.axes if axes.get_ylabel()] == [
        SURFACES[s].title for s in SURFACES if ("3d/" + s, "I-AE") in published
    ]
    assert all(axes.collections for axes in figure.axes[:4])
    plt.close("all")


def test_codes_are_turned_and_not_changed_otherwise():
    codes = np.random.default_rng(0).normal(size=(50, 2)) @ np.array([[3.0, 3], [-0.1, 0.1]]) + 5
    along = distortion.along_axes(codes)
    assert np.cov(along.T)[0, 1] == pytest.approx(0, abs=1e-9) and along[:, 0].std() > 2
    assert np.linalg.norm(along[0] - along[1]) == pytest.approx(np.linalg.norm(codes[0] - codes[1]))


def test_records_without_a_metric_are_left_out(published):
    run = published["3d/s-shape", "AE"][0]
    newer = replace(run, record=run.record | {"metrics": {"new": 1.0}})
    there = {("3d/s-shape", "AE"): [run], ("3d/s-shape", "CAE"): [newer]}
    rows = surfaces.rows_of({"published": there})
    assert list(surfaces.having(rows, "new")) == [("published", "S shape", "CAE")]
