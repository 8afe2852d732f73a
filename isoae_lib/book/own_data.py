"""The chapter on one's own data: its three data sets, what is published of them, its figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.style import COLOURS, REFERENCE, bare
from isoae_lib.core.report import Report
from isoae_lib.files import ROOT

FOLDER = ROOT / "data" / "own"
MAPS = ("I-AE", "PCA", "U-MAP", "t-SNE")
NEW = 5  # every fifth row is not fitted


class Points(NamedTuple):
    """Points, what each is, and the names of their columns."""

    x: NDArray
    labels: NDArray
    columns: list[str]

    @property
    def new(self) -> NDArray[np.bool_]:
        """Which rows are kept out of the fits."""
        return np.arange(len(self.x)) % NEW == 0


def digits() -> Points:
    """Return scikit-learn's 1,797 handwritten digits: 8 x 8 pixels from 0 to 16."""
    from sklearn.datasets import load_digits

    found = load_digits()
    return Points(found.data, found.target, list(found.feature_names))


def table() -> Points:
    """Return scikit-learn's 569 breast tumours: 30 measures of cells, benign (1) or not (0)."""
    from sklearn.datasets import load_breast_cancer

    found = load_breast_cancer()
    return Points(found.data, found.target, [str(name) for name in found.feature_names])


def hole() -> Points:
    """Return points of scikit-learn's S curve with a hole in its middle.

    The labels (n, 2) are their places on the flat sheet: the distance along the S, and across.
    """
    from sklearn.datasets import make_s_curve

    points, along = make_s_curve(4000, random_state=0)
    flat = np.stack([along, points[:, 1]], 1)
    outside = (np.abs(flat - (0, 1)) > (1.5, 0.5)).any(1)
    return Points(points[outside], flat[outside], ["x", "y", "z"])


DATA_SETS = {"digits": digits, "table": table, "hole": hole}


@dataclass(frozen=True)
class Published:
    """What `benchmarks/own_data.py` wrote for one data set.

    Attributes
    ----------
    numbers : dict
        Settings, times, the report, and how each map compares.
    arrays : dict
        Codes of each map, distances from the sheet, and what figures draw.
    """

    numbers: dict[str, Any]
    arrays: dict[str, NDArray]

    @property
    def report(self) -> Report:
        """The report of the fit."""
        return Report(**self.numbers["report"])

    def compared(self) -> pd.DataFrame:
        """Return how each map compares, a row each."""
        return pd.DataFrame(self.numbers["maps"]).T.rename(columns={
            "trustworthiness": "trustworthiness", "continuity": "continuity",
            "spearman": "distances (Spearman)", "accuracy": "5 neighbours' class",
        })  # fmt: skip

    def sweep(self, name: str) -> pd.DataFrame:
        """Return a sweep over "weight" or "n_components", a row for each value."""
        return pd.DataFrame(self.numbers["sweeps"][name]).set_index(name)


@cache
def published(name: str) -> Published:
    """Return what is published of a data set: "digits", "table" or "hole"."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return Published(json.loads(text), dict(arrays))


def side_by_side(name: str, colours: NDArray, cmap: str = "tab10") -> Figure:
    """Draw the four maps of a data set; a point has the colour of what it is."""
    codes = published(name).arrays
    figure, panels = plt.subplots(1, len(MAPS), figsize=(10.5, 2.9))
    for axes, kind in zip(panels, MAPS, strict=True):
        axes.scatter(*codes[kind].T, c=colours, s=4, cmap=cmap)
        axes.set(title=kind, aspect="equal", adjustable="datalim")
        bare(axes)
    return figure


def pictures(rows: Mapping[str, NDArray], high: float = 16) -> Figure:
    """Draw rows of images, each row under its name; every image is 8 x 8."""
    longest = max(map(len, rows.values()))
    figure, panels = plt.subplots(
        len(rows), longest, figsize=(0.8 * longest, 0.95 * len(rows)), squeeze=False
    )
    for line, (name, images) in zip(panels, rows.items(), strict=True):
        for axes, image in zip(line, images):
            axes.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=high)
        for axes in line:
            bare(axes)
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    return figure


def choices(weights: pd.DataFrame, dimensions: pd.DataFrame) -> Figure:
    """Draw the score against the weight, and the variance lost against the dimension."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3))
    left.semilogx(weights.index, weights["score"], "-o", color=COLOURS["I-AE"])
    left.set(xlabel="weight", ylabel="score on new points")
    right.plot(dimensions.index, dimensions["lost"], "-o", color=COLOURS["I-AE"], label="I-AE")
    right.plot(dimensions.index, dimensions["lost_by_pca"], "-P", color=COLOURS["PCA"], label="PCA")
    right.set(xlabel="n_components", ylabel="variance lost", ylim=(0, None))
    right.legend()
    return figure


def distances(name: str, true: NDArray) -> Figure:
    """Draw distances of codes against true ones, for each map; an isometry is the dotted line."""
    codes = published(name).arrays
    i, j = np.random.default_rng(0).integers(0, len(true), (2, 1500))
    apart = np.linalg.norm(true[i] - true[j], axis=1)
    figure, panels = plt.subplots(1, len(MAPS), figsize=(10.5, 2.7))
    for axes, kind in zip(panels, MAPS, strict=True):
        axes.plot(apart, np.linalg.norm(codes[kind][i] - codes[kind][j], axis=1), ".", ms=2,
                  color=COLOURS[kind])  # fmt: skip
        axes.set(title=kind, xlabel="on the flat sheet")
        axes.axline((0, 0), slope=1, **REFERENCE)
    panels[0].set_ylabel("of the codes")
    return figure
