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
from IPython.display import Markdown
from matplotlib.figure import Figure
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KNeighborsClassifier

from isoae_lib.book.speed import benchmark
from isoae_lib.book.style import COLOURS, REFERENCE, bare, two_in_a_row
from isoae_lib.book.tables import ranked
from isoae_lib.core.report import Report
from isoae_lib.files import ROOT

FOLDER = ROOT / "data" / "own"
MAPS = ("I-AE", "PCA", "U-MAP", "t-SNE")
COMPARED = {  # what is measured -> as it is printed
    "trustworthiness": "neighbours kept", "spearman": "distances", "accuracy": "class"
}  # fmt: skip
NEW = 5  # every fifth row is not fitted
MARGIN = 0.99  # least correlation of the small fit that each build makes
LEAST, OFF = 0.999, 0.02  # a sheet is found where distances correlate so, and have this scale


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


DATA_SETS = {"hole": hole, "digits": digits, "table": table}
TITLES = {"hole": "sheet with a hole", "digits": "digits", "table": "tumours"}


def half_cylinder(turns: float = 0.5) -> tuple[NDArray, NDArray]:
    """Return points (n, 3) of a cylinder's side, and their places (n, 2) on the flat sheet.

    Parameters
    ----------
    turns : float
        How far the side goes around: 1 closes it.
    """
    flat = np.random.default_rng(0).uniform(0, (2 * np.pi * turns, 2), (500, 2))
    around, along = flat.T
    return np.stack([np.cos(around), np.sin(around), along], 1), flat


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

    def sweep(self, name: str) -> pd.DataFrame:
        """Return a sweep over "weight" or "n_components", a row for each value."""
        return pd.DataFrame(self.numbers["sweeps"][name]).set_index(name)


@cache
def published(name: str) -> Published:
    """Return what is published of a data set: "digits", "table" or "hole"."""
    text = (FOLDER / f"{name}.json").read_text(encoding="utf-8")
    with np.load(FOLDER / f"{name}.npz") as arrays:
        return Published(json.loads(text), dict(arrays))


def answer() -> pd.DataFrame:
    """Return how the four maps of each data set compare; the first three of each are marked."""
    found = {}
    for name, title in TITLES.items():
        maps = pd.DataFrame(published(name).numbers["maps"]).T
        marked = {
            shown: ranked(maps[key].map("{:.3f}".format).to_dict(), maps[key].to_dict(), True)
            for key, shown in COMPARED.items()
            if key in maps
        }
        found[title] = pd.DataFrame(marked)
    return pd.concat(found).fillna("–")


def said(reports: Mapping[str, Report]) -> Markdown:
    """Return what reports, by title, say of distances in the plane."""
    lines = []
    for title, report in reports.items():
        lines += [f"- **{title}**: {report.verdict}", *(f"    - {r}" for r in report.reasons)]
    return Markdown("\n".join(lines))


def side_by_side(name: str, colours: NDArray, cmap: str, *, named: bool = False) -> Figure:
    """Draw the four maps of a data set; a point has the colour of what it is.

    Where these are classes, `named` writes the class of each into the middle of its points.
    """
    codes = published(name).arrays
    figure, panels = two_in_a_row(len(MAPS), 3.2)
    for axes, kind in zip(panels, MAPS, strict=True):
        x, y = codes[kind].T
        axes.scatter(x, y, c=colours, s=4, cmap=cmap)
        for label in np.unique(colours) if named else ():
            middle = np.median(codes[kind][colours == label], axis=0)
            axes.annotate(
                label, middle, ha="center", va="center", weight="bold",
                bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "none", "alpha": 0.75},
            )  # fmt: skip
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
    figure, (left, right) = plt.subplots(1, 2, figsize=(7.2, 3))
    left.semilogx(weights.index, weights["score"], "-o", color=COLOURS["I-AE"])
    left.set(xlabel="weight", ylabel="score on new points")
    right.plot(dimensions.index, dimensions["lost"], "-o", color=COLOURS["I-AE"], label="I-AE")
    right.plot(dimensions.index, dimensions["lost_by_pca"], "-P", color=COLOURS["PCA"], label="PCA")
    right.set(xlabel="n_components", ylabel="variance lost", ylim=(0, None))
    right.set_xscale("log", base=2)
    right.set_xticks(dimensions.index, [f"{number:g}" for number in dimensions.index])
    right.legend()
    return figure


def distances(name: str, true: NDArray) -> Figure:
    """Draw distances of codes against true ones, for each map; an isometry is the dotted line."""
    codes = published(name).arrays
    i, j = np.random.default_rng(0).integers(0, len(true), (2, 1500))
    apart = np.linalg.norm(true[i] - true[j], axis=1)
    figure, panels = two_in_a_row(len(MAPS), 2)
    for axes, kind in zip(panels, MAPS, strict=True):
        axes.plot(apart, np.linalg.norm(codes[kind][i] - codes[kind][j], axis=1), ".", ms=2,
                  color=COLOURS[kind])  # fmt: skip
        axes.set_title(kind)
        axes.axline((0, 0), slope=1, **REFERENCE)
    figure.supxlabel("distance on the flat sheet")
    figure.supylabel("distance of the codes")
    return figure


def rebuilt(x: NDArray) -> dict[str, NDArray]:
    """Return some digits, and what their codes are decoded to."""
    found = published("digits").arrays["rebuilt"]
    return {"digit": x[: len(found)], "rebuilt": found}


def walk(x: NDArray) -> dict[str, NDArray]:
    """Return pictures from one digit to another: between their codes, and between their pixels."""
    arrays = published("digits").arrays
    start, end = x[arrays["between_rows"]]
    way = np.linspace(0, 1, len(arrays["between"]))[:, None]
    return {"codes": arrays["between"], "pixels": start + way * (end - start)}


def extremes(points: Points, count: int = 10) -> dict[str, NDArray]:
    """Return the new digits that are nearest to the sheet, and those that are furthest."""
    new = points.x[points.new]
    order = np.argsort(published("digits").arrays["far"][points.new])
    return {"nearest": new[order[:count]], "furthest": new[order[: -count - 1 : -1]]}


def new_points(points: Points) -> pd.DataFrame:
    """Return how often the five nearest fitted digits name the class of a new one."""
    fitted, new = ~points.new, points.new
    codes = {
        "I-AE, 2 numbers": published("digits").arrays["I-AE"],
        "PCA, 2 numbers": PCA(2).fit(points.x[fitted]).transform(points.x),
        "all pixels": points.x,
    }
    right = {
        name: KNeighborsClassifier(5).fit(x[fitted], points.labels[fitted]).score(
            x[new], points.labels[new])
        for name, x in codes.items()
    }  # fmt: skip
    return pd.DataFrame({"right class": right}).round(3)


def malignant(points: Points) -> pd.DataFrame:
    """Return how well distances, and the best column, tell new malignant tumours from benign ones.

    The number is the area under the ROC curve; the other side of a column counts as well. Sheet and
    plane are fitted to benign tumours alone.
    """
    fitted = points.x[~points.new & (points.labels == 1)]
    x = (points.x - fitted.mean(0)) / fitted.std(0)
    plane = PCA(2).fit((fitted - fitted.mean(0)) / fitted.std(0))
    off = np.linalg.norm(x - plane.inverse_transform(plane.transform(x)), axis=1)
    far = published("table").arrays["far_from_benign"]
    ill = points.labels[points.new] == 0
    columns = {
        name: max(area := roc_auc_score(ill, column), 1 - area)
        for name, column in zip(points.columns, points.x[points.new].T, strict=True)
    }
    best = max(columns, key=columns.__getitem__)
    areas = {
        "distance from the sheet of I-AE": roc_auc_score(ill, far[points.new]),
        "distance from the plane of PCA": roc_auc_score(ill, off[points.new]),
        f"the column '{best}' alone": columns[best],
    }
    return pd.DataFrame({"area under the ROC curve": areas}).round(3)


def beside() -> pd.DataFrame:
    """Return the published benchmark of maps, a row for each data set and map."""
    rows = pd.DataFrame(benchmark("own_maps")["rows"]).set_index(["data", "map"])
    shown = {
        "fit_seconds": ("fit, s", 1),
        "transform_seconds_per_100000": ("100,000 new points, s", 1),
        "trustworthiness": ("neighbours kept", 3),
        "spearman": ("distances", 3),
        "scale": ("scale", 2),
    }
    cells = {
        name: rows[key].map(lambda value, digits=digits: f"{value:,.{digits}f}")
        for key, (name, digits) in shown.items()
    }
    return pd.DataFrame(cells).replace("nan", "–")


def beside_where() -> str:
    """Return where the benchmark of maps was run, and how busy the machine was."""
    found = benchmark("own_maps")
    versions = ", ".join(f"{package} {number}" for package, number in found["versions"].items())
    return (
        f"Seconds that one core worked: {found['processor']}.\n{versions}.\n"
        f"Up to {found['load']:.0f} processes wanted a core at the same time."
    )


def seeds() -> pd.DataFrame:
    """Return what the defaults reach over seeds, a row for each surface that can be laid flat."""
    rows = pd.DataFrame(benchmark("own_seeds")["rows"]).dropna(subset="scale")
    right = (rows["correlation"] >= LEAST) & ((rows["scale"] - 1).abs() <= OFF)
    found = {}
    for surface, of in rows.groupby("surface", sort=False):
        low, high = of["scale"].min(), of["scale"].max()
        found[surface] = {
            "right": f"{right[of.index].sum()} of {len(of)}",
            "correlation, median": f"{of['correlation'].median():.5f}",
            "correlation, least": f"{of['correlation'].min():.3f}",
            "scale": f"{low:.3f} to {high:.3f}",
        }
    return pd.DataFrame(found).T


def on_a_cap() -> str:
    """Return how the spread of edge ratios on a sphere's cap compares with the least possible."""
    found = benchmark("own_seeds")
    rows = pd.DataFrame(found["rows"]).dropna(subset="std")
    over = rows["std"] / rows["floor"]
    return (
        f"A sphere's cap, {len(rows)} seeds: {over.min():.2f} to {over.max():.2f} of the floor.\n"
        f"All on {found['device']}, {found['points']:,} points each."
    )


def memory() -> pd.DataFrame:
    """Return the published memory of fits, a row for each size of a file."""
    rows = pd.DataFrame(benchmark("own_memory")["rows"])
    shown = {
        "file, GB": rows["gigabytes"].map("{:g}".format),
        "points": rows["points"].map("{:,}".format),
        "most memory, MB": rows["megabytes"],
    }
    return pd.DataFrame(shown).set_index("file, GB")


def provenance() -> pd.DataFrame:
    """Return the settings and the time of the published fits, a column for each."""
    facts = {}
    for name, title in TITLES.items():
        numbers = published(name).numbers
        facts[title] = {
            "points": f"{numbers['fitted']:,} of {numbers['points']:,}",
            "columns": numbers["columns"],
            **numbers["parameters"],
            "seconds of one core": numbers["cpu_seconds"]["I-AE"],
            "processor": numbers["engine"],
            "torch": numbers["torch"],
            "repeat": f"python benchmarks/own_data.py {name}",
        }
    return pd.DataFrame(facts)
