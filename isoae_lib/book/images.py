"""Sections 4.2 and 4.4: embeddings of images, losses against lambda, the settings compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.style import COLOURS, bare, in_rows, label, two_in_a_row
from isoae_lib.book.tables import measured, narrow
from isoae_lib.core import notation
from isoae_lib.core.arrays import Array
from isoae_lib.paper import sections
from isoae_lib.paper.baseline_records import Numbers
from isoae_lib.paper.claims.images import FIGURE_6 as SWEPT_DATA
from isoae_lib.paper.claims.images import WEIGHED, weights_of
from isoae_lib.paper.claims.rule import Table, data_title
from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.metrics.plane import POSES, chosen
from isoae_lib.paper.runs import Run

SHOWN = 6000  # points of an embedding in a figure: more hide each other
Row = Mapping[str, tuple[Array, NDArray]]  # method -> codes (n, 2), classes (n,)
Classic = Callable[[str], tuple[Row, Any]]  # data set -> embeddings without a network, numbers
FIGURE_5 = {  # title -> experiment
    f"{DATA_SETS[data].title}, {network}": f"{section}/{data}"
    for section, network in sections.FIGURE_5_NETWORKS.items()
    for data in sections.SECTIONS[section].all_data
}
FIGURE_6 = {data_title(experiment): experiment for experiment in SWEPT_DATA}
PLANE_METRICS = {  # printed name -> metric, digits
    "crowding": ("crowding", 2),
    "variation of rotations": ("ring_variation", 2),
    "closed rings": ("closed_rings", 2),
    "silhouette": ("silhouette", 2),
    "5-NN accuracy": ("knn_accuracy", 2),
    "trustworthiness": ("trustworthiness", 2),
    "continuity": ("continuity", 2),
    "condition of df": ("condition_median", 1),
    "error per pixel": ("rmse", 3),
}


def codes_of(runs: Table, experiment: str) -> Row:
    """Return the codes of every autoencoder of Figure 5 of an experiment, first seed."""
    first = {
        m: runs[experiment, m][0] for m in sections.FIGURE_5_METHODS if (experiment, m) in runs
    }
    return {method: (run.codes, run.labels) for method, run in first.items()}


def plane_numbers(
    runs: Table,
    experiments: Mapping[str, str],
    others: Mapping[tuple[str, str], Mapping[str, float]],
) -> pd.DataFrame:
    """Show what Figure 5 says in numbers: a row for each experiment and method.

    Parameters
    ----------
    experiments : mapping
        Title of a group of rows -> where its runs are.
    others : mapping
        (Title, method) -> metrics of embeddings that no run made; below the others.
    """
    rows = {
        (title, method): (runs, experiment, method)
        for title, experiment in experiments.items()
        for method in sections.FIGURE_5_METHODS
    }
    below = {
        row: {
            shown: f"{metrics[m]:.{digits}f}" if m in metrics else "–"
            for shown, (m, digits) in PLANE_METRICS.items()
        }
        for row, metrics in others.items()
    }
    ours = measured(rows, PLANE_METRICS).replace("diverged", "–")
    frame = pd.concat([ours, pd.DataFrame.from_dict(below, orient="index")])
    return narrow(frame.loc[:, (frame != "–").any()])


def figure_5_numbers(
    runs: Table, experiments: Mapping[str, str], data: str, classic: Mapping[str, Numbers]
) -> pd.DataFrame:
    """Show Figure 5 in numbers on one data set.

    Parameters
    ----------
    experiments : mapping
        Title -> where runs are, on any data set.
    classic : mapping
        Method -> metrics of embeddings that no run made.
    """
    here = {title: name for title, name in experiments.items() if name.endswith(f"/{data}")}
    title = DATA_SETS[data].title
    return plane_numbers(runs, here, {(title, method): n for method, n in classic.items()})


def class_colours(count: int) -> list[tuple[float, float, float]]:
    """Return one colour a class: seaborn's colour-blind ten, or twenty along the colour circle."""
    return sns.color_palette("colorblind", 10) if count <= 10 else sns.husl_palette(count, l=0.6)


def _panels(count: int, most: int) -> tuple[Figure, list[Axes]]:
    """Return a figure of so many square panels without ticks, in rows of equal length.

    Rows are as few as `most` panels in each allow.
    """
    per_row = -(-count // -(-count // most))
    figure, panels = in_rows(count, per_row, (7.6 / per_row, 7.6 / per_row + 0.4))
    for axes in panels:
        axes.set_aspect("equal", adjustable="datalim")
        bare(axes)
    return figure, panels


def _scatter(axes: Axes, codes: Array, labels: NDArray, colours: NDArray) -> None:
    some = chosen(len(codes), SHOWN)
    x, y = codes[some].T
    axes.scatter(x, y, c=colours[labels[some]], s=1.5, linewidths=0)


def row_of(runs: Table, experiment: str, classic: Classic) -> Row:
    """Return all embeddings of Figure 5 for one network: of runs, and those without a network."""
    others, _ = classic(experiment.split("/")[1])
    return {**codes_of(runs, experiment), **others}


def embeddings(runs: Table, experiment: str | None, classic: Classic) -> Figure | None:
    """Figure 5 for one network: an embedding for each method, coloured by class.

    Nothing without an experiment: a preset need not have all data sets.
    """
    if not experiment:
        return None
    row = row_of(runs, experiment, classic)
    classes = DATA_SETS[experiment.split("/")[1]].classes
    figure, panels = _panels(len(row), 4)
    colours = np.array(class_colours(len(classes)))
    for axes, (method, (codes, labels)) in zip(panels, row.items(), strict=True):
        _scatter(axes, codes, labels, colours)
        axes.set_title(label(method))
    if len(classes) <= 10:
        handles = [
            plt.Line2D([], [], marker="o", ls="", color=colour, label=name)
            for colour, name in zip(colours, classes, strict=False)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=5, handletextpad=0.1)
    return figure


def close_ups(
    runs: Table, experiment: str | None, classic: Classic, objects: Sequence[int]
) -> Figure | None:
    """Figure 5, last row: some objects of COIL-20, each view joined to the next rotation."""
    if not experiment:
        return None
    row = row_of(runs, experiment, classic)
    figure, panels = _panels(len(row), 4)
    colours = class_colours(20)
    for axes, (method, (codes, _)) in zip(panels, row.items(), strict=True):
        rings = codes.reshape(-1, POSES, 2)
        for k in objects:
            closed = np.concatenate([rings[k], rings[k][:1]])
            axes.plot(*closed.T, "-o", color=colours[k], ms=2, lw=0.6)
        axes.set_title(label(method))
    return figure


def weight_row(runs: Table, experiment: str | None) -> Figure | None:
    """Figure 6, top: embeddings of an experiment for growing lambda, of the first seed."""
    if not experiment:
        return None
    figure, panels = _panels(len(WEIGHED), 5)
    colours = np.array(class_colours(10))
    for axes, (weight, method) in zip(panels, WEIGHED.items(), strict=True):
        run = runs[experiment, method][0]
        _scatter(axes, run.codes, run.labels, colours)
        axes.set_title(rf"$\lambda_{{iso}} = {weight:g}$")
    return figure


def loss_curves(
    runs: Table, experiments: Sequence[str], pca: Mapping[str, Mapping[int, Numbers]]
) -> Figure:
    """Figure 6, bottom: I-AE's three losses against lambda, and its accuracy in the plane.

    One line for each experiment; bars span the seeds. L_iso and L_piso are on a logarithmic axis.
    A thin line is what PCA has in the plane, which `pca` knows by data set and d.
    """
    panels = {
        name: f"${name[0]}_{{{name[2:]}}}$" for name in ("L_rec", "L_iso", "L_piso")
    } | {"knn_accuracy": "5-NN accuracy"}  # fmt: skip
    figure, grid = two_in_a_row(len(panels), 2.5, sharex=True)
    at = np.arange(len(WEIGHED))
    for experiment, line in zip(experiments, ("-o", "--s"), strict=False):
        flat = pca.get(experiment.partition("/")[2], {}).get(2, {})
        for axes, (name, title) in zip(grid, panels.items(), strict=True):
            seeds = list(weights_of(runs, experiment, name).values())
            means = np.array([v.mean() for v in seeds])
            span = means - [v.min() for v in seeds], [v.max() for v in seeds] - means
            axes.errorbar(
                at, means, span, fmt=line, color=COLOURS["I-AE"],
                label=f"I-AE, {data_title(experiment)}", capsize=2,
            )  # fmt: skip
            if name in flat:
                axes.axhline(
                    flat[name], color=COLOURS["PCA"], linestyle=line[:-1], linewidth=1,
                    label=f"PCA, {data_title(experiment)}",
                )  # fmt: skip
            axes.set_xticks(at, [f"{w:g}" for w in WEIGHED], rotation=60)
            axes.set_title(title)
            axes.set_yscale("log" if name in ("L_iso", "L_piso") else "linear")
    for axes in grid[2:]:
        axes.set_xlabel(r"$\lambda_{iso}$")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure


def scales(sources: Mapping[str, Table], *wanted: str) -> pd.DataFrame:
    """Show how large the runs of some sections on images are: a row for each size and source.

    The runs of a sweep do not count. "share of the width" is the factor for the printed number of
    channels or units; d is named where a size is that of some latent codes only.
    """
    rows = {}
    swept = sections.swept()
    for source, runs in sources.items():
        sizes: dict[str, dict[tuple[float, ...], list[Run]]] = {}
        for (experiment, method), group in runs.items():
            if experiment.partition("/")[0] in wanted and f"{experiment}/{method}" not in swept:
                spec = group[0].spec
                size = spec.width_factor, spec.points, spec.steps, spec.batch
                sizes.setdefault(experiment, {}).setdefault(size, []).extend(group)
        for experiment, found in sizes.items():
            for group in found.values():
                title = f"{data_title(experiment)}, {group[0].spec.network}"
                if len(found) > 1:
                    title += f", d = {', '.join(map(str, sorted({r.spec.latent for r in group})))}"
                seeds = str(len({run.spec.seed for run in group}))
                rows[title, source] = _scale(group[0]) | {"seeds": seeds}
    return pd.DataFrame.from_dict(rows, orient="index").sort_index()


def _scale(run: Run) -> dict[str, str]:
    spec, data = run.spec, run.record["data"]
    return {
        "share of the width": str(Fraction(spec.width_factor)),
        "images": f"{spec.points:,}",
        "steps": f"{spec.steps:,}",
        "batch": str(spec.batch),
        "epochs": f"{spec.steps * spec.batch / spec.points:.1f}",
        "rate": f"{spec.rate:g}",
        "L_rec": spec.reduction,
        "official data": "yes" if data["official"] else "no: a copy",
    }


def ablations(runs: Table, experiment: str) -> pd.DataFrame:
    """Show what the choices of decisions 1, 2, 4 and 12 change: a row for each that was trained.

    Losses are the record's, over training images; RMSE, of a pixel, has one unit in all rows.
    """
    base = "I-AE,weight=0.075"
    choices = {"as above": base} | {
        f"{decision.split()[0]}: {setting}": f"{base},{setting}"
        for decision, setting in sections.ABLATIONS.items()
    }
    rows = {
        title: {name: run.record["losses"].get(name) for name in ("L_iso", "L_piso")}
        | _plane_of(run)
        for title, method in choices.items()
        for run in runs.get((experiment, method), [])[:1]
    }
    return pd.DataFrame.from_dict(rows, orient="index").round(3)


def _plane_of(run: Run) -> dict[str, float | str | None]:
    """Return what shows the strength of a regularizer in the plane."""
    names = {
        "RMSE": "rmse",
        "singular value of df": "singular_value_median",
        "crowding": "crowding",
        "5-NN accuracy": "knn_accuracy",
    }
    return {shown: run.metrics.get(metric) for shown, metric in names.items()}


def network_summary(name: str, latent: int, width: float) -> pd.DataFrame:
    """Show a network's layers, with parameters and multiply-adds for one image."""
    frame = pd.DataFrame(notation.summary(name, latent, width))
    counts = ["parameters", "multiply_adds"]
    frame["shape"] = [" x ".join(map(str, shape)) for shape in frame["shape"]]
    frame.loc[len(frame)] = {"part": "", "layer": "together", "shape": "", **frame[counts].sum()}
    frame[counts] = frame[counts].map("{:,}".format)
    printed = {"shape": "output", "multiply_adds": "multiply-adds"}
    return frame.rename(columns=printed).set_index("part")
