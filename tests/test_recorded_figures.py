"""A record keeps what its figures draw: arrays that say what the networks themselves would."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from make_golden import TINY
from matplotlib.colors import to_rgba
from test_interactive import array_of

from isoae_lib.book import style
from isoae_lib.book import surfaces as pages
from isoae_lib.core.diagnostics import decoder_map, differentials, encoder_map, project
from isoae_lib.errors import InputError
from isoae_lib.paper import runs
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.metrics import plane, rounding, surfaces
from isoae_lib.paper.specs import RunSpec

SURFACE = RunSpec(data="s-shape", method="AE", **TINY | {"steps": 60, "points": 200})
CURVE = RunSpec(data="curve", method="AE", points=16, latent=1, steps=50, width=16, depth=2)
IMAGES = RunSpec(
    data="mnist-5k", method="AE", points=200, steps=200, batch=50, rate=3e-3, network="FC-NN",
    width_factor=1 / 16,
)  # fmt: skip
SPECS = {"surface": SURFACE, "curve": CURVE, "images": IMAGES}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    store = tmp_path_factory.mktemp("trained")
    return {name: runs.get(spec, store=store) for name, spec in SPECS.items()}


def test_a_surface_keeps_what_its_networks_say(trained):
    run = trained["surface"]
    decode = decoder_map(run.model)
    decoded = surfaces.decoded_box(decode, encoder_map(run.model)(run.points))
    assert run.figure("decoded_surface") == pytest.approx(decoded, abs=2e-3)
    far = surfaces.far_from(SURFACES["s-shape"], decoded)
    assert (run.figure("far_from_surface") == far).all() and 0 < far.mean() < 1
    A, B = differentials(run.model, run.points)
    for name, matrices in (("decoder", A), ("encoder", B)):
        assert run.figure(f"{name}_differentials") == pytest.approx(matrices, rel=2e-3, abs=2e-3)
    sigma, encoder_sigma = (np.linalg.svd(each, compute_uv=False) for each in (A, B))
    assert run.figure("singular_values") == pytest.approx(sigma, rel=2e-3, abs=1e-3)
    assert run.figure("encoder_singular_values") == pytest.approx(encoder_sigma, rel=2e-3, abs=1e-3)


def test_the_histogram_counts_every_edge_once(trained):
    run = trained["surface"]
    ratios = surfaces.ratios_over(decoder_map(run.model), encoder_map(run.model)(run.points))
    counts = run.figure("edge_ratio_histogram")
    assert counts.sum() == len(ratios) and counts[-1] == (ratios > 3).sum()
    low, high = surfaces.RATIO_BINS[300], surfaces.RATIO_BINS[310]
    assert counts[300:310].sum() == ((low <= ratios) & (ratios < high)).sum() > 0


def test_a_curve_keeps_where_its_figure_begins_and_ends(trained):
    run = trained["curve"]
    learned, ends = run.figure("learned_curve"), run.figure("projected_below")
    assert learned == pytest.approx(project(run.model, curve(len(learned))[0]), abs=1e-5)
    start = beside(curve(len(ends))[0], -0.2)
    assert ends == pytest.approx(project(run.model, start), abs=1e-5)
    codes = encoder_map(run.model)(curve(len(learned))[0])
    assert run.figure("codes_along_curve") == pytest.approx(codes, abs=1e-5)


def test_the_plane_is_decoded_where_its_axes_say(trained):
    run = trained["images"]
    assert np.array_equal(run.labels, run.data.truth)
    (x, y), images = run.figure("plane_axes"), run.figure("decoded_plane")
    assert images.shape == (len(x), len(y), 784) and images.dtype == np.uint8
    for i, j in ((0, 0), (3, 17), (23, 5)):
        decoded = decoder_map(run.model)(np.array([[x[i], y[j]]], float))
        error = images[i, j] - rounding.as_bytes(decoded[0]).astype(int)
        assert np.abs(error).max() <= 1
    assert np.abs(images[0, 23].astype(int) - images[23, 0]).max() > 50  # they tell the axes apart
    inside = [(low <= run.codes[:, k]) & (run.codes[:, k] <= high)
              for k, (low, high) in enumerate(((x[0], x[-1]), (y[0], y[-1])))]  # fmt: skip
    assert np.mean(inside, axis=1) == pytest.approx(0.99, abs=0.03)


def test_the_recorded_metric_is_the_length_of_a_small_step(trained):
    run = trained["images"]
    (x, y), metric = run.figure("plane_axes"), run.figure("plane_metric")
    decode = decoder_map(run.model.double())
    for (i, j), u in (((4, 9), (1.0, 0.0)), ((20, 2), (0.0, 1.0)), ((11, 12), (0.6, -0.8))):
        z, step = np.array([[x[i], y[j]]], float), 1e-4 * np.array(u)
        length = np.linalg.norm(decode(z + step) - decode(z - step)) / 2e-4
        assert np.sqrt(u @ metric[i, j] @ u) == pytest.approx(length, rel=1e-2)


@pytest.mark.parametrize(("pixels", "side"), [(784, 24), (16_384, 7), (49_152, 4)])
def test_larger_images_have_a_coarser_grid(pixels, side, monkeypatch):
    made = lambda model, z: (np.zeros((len(z), pixels)), np.ones((len(z), 1, 2)))  # noqa: E731
    monkeypatch.setattr(plane, "decoder_differentials", made)
    found = plane.decoded_plane(None, np.random.default_rng(0).normal(size=(50, 2)), pixels)
    assert found["decoded_plane"].shape == (side, side, pixels)
    assert found["decoded_plane"].size <= plane.PLANE_BYTES


def test_figures_are_drawn_without_weights(trained, monkeypatch, tmp_path):
    """As of a published record; and in the same places as with them."""
    monkeypatch.setitem(runs.PUBLISHED, "runs", tmp_path)
    for name, run in trained.items():
        runs.publish(run, f"section/{name}/AE")
    known = {run.spec.data: run for _, run in runs.published()}
    surface, toy = ({"AE": known[data]} for data in ("s-shape", "curve"))
    pages.turning_surfaces(surface)
    drawn = [
        pages.projections(toy), pages.code_along_curve(toy), pages.decoder_surfaces(surface),
        pages.edge_histograms({"S shape": surface}), pages.singular_values({"S": surface}),
    ]  # fmt: skip
    histogram = drawn[3].axes[0].lines[0].get_ydata()
    ratios = surfaces.ratios_over(
        decoder_map(trained["surface"].model),
        encoder_map(trained["surface"].model)(surface["AE"].points),
    )
    wanted = np.histogram(ratios, np.linspace(0, 3, 91))[0]
    assert histogram == pytest.approx(pages.HIGH * wanted / wanted.max(), abs=0.02)
    plt.close("all")


def test_the_best_uncut_map_has_even_ratios_where_nothing_else_is_said(trained):
    by_title = {title: {"AE": trained["surface"]} for title in ("flat", "curved")}
    figure = pages.edge_histograms(by_title, {"curved": np.array([0.5, 0.5, 1.5])})
    for axes, peaks in zip(figure.axes, ({1.0: 1}, {0.5: 1, 1.5: 0.5}), strict=True):
        best = axes.lines[1]
        heights = (best.get_ydata() + 1) / pages.HIGH
        drawn = {
            round(float(x) - 1 / 60, 2): pytest.approx(h)
            for x, h in zip(best.get_xdata(), heights, strict=True)
            if h > 1e-9
        }
        assert drawn == peaks
    plt.close("all")


def test_where_a_record_keeps_no_singular_values_codes_give_them(trained):
    """Of the true chart, rolled up, and of its half: the differential has 1 and 2."""
    run = trained["surface"]
    assert np.array_equal(run.singular_values, run.figure("singular_values").astype(float))
    chart = run.chart @ np.array([[0.6, -0.8], [0.8, 0.6]])
    older = replace(run, codes=chart * [1, 0.5], record=run.record | {"files": {}})
    assert older.singular_values == pytest.approx(np.tile([2.0, 1.0], (len(chart), 1)), rel=1e-6)


def test_figures_leave_out_what_diverged_and_say_what_a_record_lacks(trained):
    run = trained["surface"]
    diverged = replace(run, record=run.record | {"status": "diverged", "files": {}})
    older = replace(run, record=run.record | {"files": {}})
    figure = pages.edge_histograms({"S shape": {"AE": run, "CAE": diverged}})
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["AE", "best uncut map"]
    with pytest.raises(InputError, match=r"keeps no .*: train the run again"):
        pages.edge_histograms({"S shape": {"AE": older}})
    kept = pages.keeping({"s-shape": {"AE": run, "CAE": older}, "swiss-roll": {"AE": older}},
                         "edge_ratio_histogram")  # fmt: skip
    assert kept == {"S shape": {"AE": run}}
    with pytest.raises(InputError, match="keeps no decoded_surface"):
        pages.decoder_surfaces({"AE": replace(older, folder=run.folder.parent)})
    plt.close("all")


def test_a_record_with_networks_instead_of_figures_decodes_its_surface_again(trained):
    run = trained["surface"]
    again = replace(run, record=run.record | {"files": {}})
    decoded, far = pages.decoded_surface(again)
    assert np.abs(decoded - run.figure("decoded_surface")).max() < 1e-3 * np.ptp(decoded)
    assert (far != run.figure("far_from_surface")).mean() < 1e-3


def test_arrows_lead_from_beside_the_curve_to_where_points_are_projected(trained):
    run = trained["curve"]
    figure = pages.projections({"AE": run})
    arrows = [a for a in figure.axes[0].collections if hasattr(a, "U")]
    for name, offset, each in zip(("above", "below"), (0.2, -0.2), arrows, strict=True):
        starts = beside(curve(len(each.X))[0], offset)
        assert np.column_stack([each.X, each.Y]) == pytest.approx(starts)
        ends = starts + np.column_stack([each.U, each.V])
        assert ends == pytest.approx(run.figure(f"projected_{name}"), abs=1e-5)
    plt.close(figure)


def test_a_code_along_the_curve_rises_whatever_its_direction():
    length = curve(50)[1]
    runs_ = {m: SimpleNamespace(figure=lambda _, s=slope: 3 + s * length)
             for m, slope in (("I-AE", -2.0), ("CAE", 0.5))}  # fmt: skip
    figure = pages.code_along_curve(runs_)
    for line, slope in zip(figure.axes[0].lines, (2.0, 0.5, 1.0), strict=True):
        assert line.get_ydata() == pytest.approx(slope * length[:, 0])
    plt.close(figure)


def test_a_point_has_the_colour_of_its_first_chart_coordinate_wherever_it_is_drawn(trained):
    run = trained["surface"]
    row = pages.embedding_row(SURFACES["s-shape"], run.points, run.chart, {"AE": run.codes})
    solid, flat = (axes.collections[0] for axes in row.axes)
    for points in (solid, flat):
        assert np.array_equal(points.get_array(), run.chart[:, 0])
    assert np.array_equal(flat.get_offsets(), run.codes)
    plt.close(row)


def test_what_is_far_from_the_true_surface_is_marked_still_and_turning(trained):
    run = trained["surface"]
    decoded, far = run.figure("decoded_surface").astype(float), run.figure("far_from_surface")
    still = pages.decoder_surfaces({"AE": run})
    faces = still.axes[0].collections[0].get_facecolor()
    assert (faces[:, 0] > faces[:, 1] + 0.05).sum() == far[:-1, :-1].sum()  # the rest is grey
    turning = pages.turning_surfaces({"AE": run})["application/vnd.plotly.v1+json"]["data"][0]
    assert tuple(turning["colorscale"][-1]) == (turning["cmax"], pages.FAR) and not turning["cmin"]
    assert np.array_equal(array_of(turning["surfacecolor"]), far[::2, ::2])
    assert array_of(turning["z"]) == pytest.approx(decoded[::2, ::2, 2], abs=1e-3)
    plt.close("all")


def test_a_box_spans_the_values_of_the_method_whose_colour_it_has(trained):
    run = trained["surface"]
    twice = SimpleNamespace(record=run.record, singular_values=2 * run.singular_values)
    figure = pages.singular_values({"S": {"AE": run, "CAE": twice}})
    for box, method, factor in zip(figure.axes[0].patches, ("AE", "CAE"), (1, 2), strict=True):
        assert box.get_facecolor() == to_rgba(style.COLOURS[method])
        middle = np.quantile(factor * run.figure("singular_values").astype(float), (0.25, 0.75))
        heights = box.get_path().vertices[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx(middle, rel=1e-2)
    plt.close(figure)
