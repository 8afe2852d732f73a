"""Figures to turn and to touch are seen everywhere, and the book's need no network."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from isoae_lib.book import interactive, surfaces
from isoae_lib.paper import runs
from isoae_lib.paper.specs import RunSpec


def array_of(packed):
    """An array as plotly packs it."""
    numbers = np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
    return numbers.reshape([int(n) for n in packed.get("shape", "-1").split(",")])


def turning(tmp_path):
    spec = RunSpec(data="s-shape", method="AE", points=60, steps=2, batch=20, width=8, depth=1)
    run = runs.get(spec, store=tmp_path)
    return surfaces.turning_surfaces({"AE": run, "I-AE": run})


def touched(_):
    codes = np.random.default_rng(0).normal(size=(60, 2))
    pixels, labels = np.zeros((60, 28, 28), np.uint8), np.arange(60) % 3
    return interactive.hover(codes, pixels, labels, ("a", "</script>", "c"))


@pytest.mark.parametrize("make", [turning, touched])
def test_every_reader_gets_a_form_it_can_show(make, tmp_path):
    open_before = plt.get_fignums()
    forms = make(tmp_path)
    assert plt.get_fignums() == open_before, (
        "a still picture that stays open is shown a second time"
    )
    plot = forms["application/vnd.plotly.v1+json"]  # JupyterLab and VS Code
    assert plot["data"] and plot["layout"]
    html = forms["text/html"]
    before = html.partition("<script>")[0]  # what is seen where no script runs
    assert re.search(r'<img alt="[^"]+"[^>]* src="data:image/png;base64,iVBOR', before)
    assert html.count("<script") == html.count("</script") == 1
    drawn = re.search(r"figure = (\{.*\});\n", html)[1]
    assert len(json.loads(drawn)["data"]) == len(plot["data"])
    assert "src=" not in html.replace(before, "") and "//" not in re.sub(r'"[^"]*"', "", html)


def test_a_point_shows_its_own_image(monkeypatch):
    """Image k is all of brightness k, and lies at (k, 0); sixteen of the sixty are drawn."""
    monkeypatch.setattr(interactive, "HOVERED", 16)
    k = np.arange(60)
    pixels = np.broadcast_to(k[:, None, None], (60, 4, 4)).astype(np.uint8)
    forms = interactive.hover(np.stack([k, 0 * k], axis=1), pixels, k % 3, ("a", "b", "c"))
    png = re.search(r'const sheet = "data:image/png;base64,([^"]+)"', forms["text/html"])[1]
    tiles = np.asarray(Image.open(io.BytesIO(base64.b64decode(png)))).reshape(4, 4, 4, 4)
    shown = tiles[:, 0, :, 0].ravel()  # in rows, dark on light
    traces = forms["application/vnd.plotly.v1+json"]["data"]
    assert sum(len(array_of(trace["x"])) for trace in traces) == 16
    for number, trace in enumerate(traces):
        x = array_of(trace["x"])
        assert np.array_equal(255 - shown[array_of(trace["customdata"])], x)
        assert (x % 3 == number).all() and trace["name"] == "abc"[number]


def test_the_points_of_a_run_show_their_images_or_a_sentence_says_that_they_are_missing(tmp_path):
    spec = RunSpec(
        data="mnist-5k", method="AE", points=200, steps=2, batch=20, network="FC-NN",
        width_factor=1 / 16,
    )  # fmt: skip
    run = runs.get(spec, store=tmp_path)
    few = replace(run, codes=run.codes[:50], labels=run.labels[:50])  # as a published record
    traces = interactive.hover_over(few, list("0123456789"))["application/vnd.plotly.v1+json"]
    assert sum(len(array_of(trace["x"])) for trace in traces["data"]) == 50
    other = replace(run, record=run.record | {"data": {"sha256": "of others"}})
    assert interactive.hover_over(other, ())["text/markdown"].endswith("have the images.")
