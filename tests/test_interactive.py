"""Figures to turn and to touch are seen everywhere, and the book's need no network."""

from __future__ import annotations

import json
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from isoae_lib.book import interactive, surfaces
from isoae_lib.paper import runs
from isoae_lib.paper.specs import RunSpec


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
