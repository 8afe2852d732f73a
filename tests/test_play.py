"""Figures to play with show what the records say, in each position of their controls."""

from __future__ import annotations

import base64
import json
import re
import zlib

import numpy as np
import pytest
from scipy.spatial.distance import pdist
from test_interactive import array_of

from isoae_lib.book import packed, sliders, turning
from isoae_lib.paper import runs
from isoae_lib.paper.claims.images import FIGURE_6, WEIGHED
from isoae_lib.paper.claims.rule import table
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.metrics.plane import chosen
from isoae_lib.paper.planes import rounded


def read(array):
    """An array as `packed.js` reads it."""
    whole = np.frombuffer(zlib.decompress(base64.b64decode(array["packed"])), "<i2")
    whole = whole.reshape(array["shape"])
    for axis in range(whole.ndim)[-2:]:
        whole = np.cumsum(whole, axis=axis, dtype=np.int16)
    return array["step"] * whole


def data_of(forms):
    """The controls and the states that a figure's script gets."""
    text = re.search(r"stepped\(plot, figure, (\{.*\})\);", forms["text/html"])[1]
    return json.loads(text)


def points_of(trace):
    return np.stack([read(trace["x"]), read(trace["y"])], axis=1)


@pytest.mark.parametrize("shape", [(7,), (4, 5), (2, 3, 4)])
def test_a_packed_array_is_what_it_was(shape):
    values = np.random.default_rng(0).normal(size=shape)
    values.flat[:2] = -9, 9  # neighbours as far apart as two bytes can say: their difference wraps
    assert np.abs(read(packed.packed(rounded(values))) - values).max() < 9 / 32767
    assert read(packed.packed(rounded(values, 0.5))) == pytest.approx(np.rint(2 * values) / 2)


@pytest.fixture(scope="module")
def published():
    return {kind: table(runs.published(kind)) for kind in ("runs", "curves", "weights")}


def test_readers_without_our_script_see_the_first_position_or_a_picture(published):
    forms = sliders.figure_1(published["curves"])
    data = data_of(forms)
    start = data["states"][",".join(str(control["start"]) for control in data["controls"])]
    first = forms["application/vnd.plotly.v1+json"]["data"][0]["x"]
    assert array_of(first) == pytest.approx(read(start["traces"][0]["x"]))
    assert '<img alt="' in forms["text/html"].partition("<script>")[0]


def test_each_position_of_figure_1_is_the_run_of_that_weight_and_length(published):
    data = data_of(sliders.figure_1(published["curves"]))
    weights, steps = (control["values"] for control in data["controls"])
    assert len(data["states"]) == len(weights) * len(steps) == 24
    for at, state in data["states"].items():
        i, j = map(int, at.split(","))
        name = f"weight={weights[i]},steps={steps[j].replace(',', '')}"
        (run,) = published["curves"]["toy/curve", f"I-AE,schedule=constant,{name}"]
        learned = run.figure("learned_curve")[:: sliders.EVERY]
        assert np.abs(points_of(state["traces"][0]) - learned).max() < 1e-3, at
        assert f"{run.metrics['spacing_variation']:.3f}" in state["says"]


def test_each_position_of_figure_6_has_its_codes_up_to_size_and_a_turn(published):
    data = data_of(sliders.figure_6(published["runs"], FIGURE_6))
    assert data["controls"][0]["values"] == [f"{weight:g}" for weight in WEIGHED]
    for k, method in enumerate(WEIGHED.values()):
        for trace, experiment in zip(data["states"][str(k)]["traces"], FIGURE_6, strict=True):
            codes = published["runs"][experiment, method][0].codes
            true = pdist(codes[chosen(len(codes), sliders.SHOWN)])
            shown = pdist(points_of(trace))
            assert np.abs(shown / shown.mean() - true / true.mean()).max() < 5e-3


def test_each_surface_and_method_has_its_own_codes_and_areas(published):
    drawn = published["runs"] | published["weights"]
    data = data_of(turning.surface_and_plane(drawn))
    surfaces, methods = (control["values"] for control in data["controls"])
    assert len(data["states"]) == len(surfaces) * len(methods)
    kept = 0
    for at, state in data["states"].items():
        i, j = map(int, at.split(","))
        method = {"I-AE without L_piso": "I-AE-without-L_piso"}.get(methods[j], methods[j])
        run = drawn[f"3d/{list(SURFACES)[i]}", method][0]
        solid, data_points, plane = state["traces"]
        some = chosen(len(run.codes), turning.SHOWN)
        true, shown = pdist(run.codes[some]), pdist(points_of(plane))
        assert np.abs(shown - true).max() < 0.005 * true.max()
        assert np.abs(read(data_points["z"]) - run.points[some, 2]).max() <= turning.STEP
        if "z" in solid:
            kept += 1
            decoded = run.figure("decoded_surface")[:: turning.EVERY, :: turning.EVERY, 2]
            assert np.abs(read(solid["z"]) - decoded).max() <= 2 * turning.STEP
        if (list(SURFACES)[i], method) == ("s-shape", "I-AE"):
            assert np.abs(read(plane["marker"]["color"])).mean() < 0.1, "areas are kept, in log2"
    assert kept
