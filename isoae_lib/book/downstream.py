"""Sections 4.3 and A.2.1: Tables 2 and 7, Figures 7 and 8, and densities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from isoae_lib.book.style import bare, label, plain
from isoae_lib.book.tables import measured, narrow, ranked
from isoae_lib.paper import sections
from isoae_lib.paper.baseline_records import Accuracies, Numbers
from isoae_lib.paper.claims.downstream import CLASSIFIERS, PRINTED
from isoae_lib.paper.claims.rule import Table, attempted, mean_and_deviation, stand_ins, values
from isoae_lib.paper.data import images
from isoae_lib.paper.density import inner, on_manifold, unevenness
from isoae_lib.paper.printed import table_2, table_7
from isoae_lib.paper.runs import Run
from isoae_lib.paper.terms import may_be_shown

TABLE_2, TABLE_7 = sections.SECTIONS["classification"], sections.SECTIONS["generalization"]
NOTHING = "not run"
TABLE_7_COLUMNS = {  # metric -> shown as, digits
    "error_per_pixel": ("error x 1000", 2),
    "error_norm": ("norm", 2),
    "frechet_rebuilt": ("Frechet, own features", 2),
    "fid": ("FID", 1),
}
Pca = Mapping[str, Mapping[str, Mapping[int, Numbers]]]  # source -> data set -> d -> what it scores
SAMPLED = {"frechet_samples": "one Gaussian", "frechet_mixture": "ten Gaussians"}


def _row(
    runs: Table,
    experiment: str,
    methods: Mapping[str, str],
    metric: str,
    digits: int,
    percent: bool,
) -> dict[str, str]:
    """Return printed name -> mean and deviation over seeds, the best three marked.

    Shares are shown in percent, and the highest is best; of all else the lowest.
    """
    scale = 100 if percent else 1
    found = {shown: scale * values(runs, experiment, key, metric) for shown, key in methods.items()}
    cells = {
        shown: mean_and_deviation(v, digits) if len(v) else NOTHING for shown, v in found.items()
    }
    means = {shown: float(v.mean()) for shown, v in found.items() if len(v)}
    return ranked(cells, means, highest=percent)


def accuracy_table(
    classifier: str,
    sources: Mapping[str, Table],
    known: Mapping[str, Mapping[tuple[str, int], Accuracies]],
    suffix: str = "",
) -> pd.DataFrame:
    """Half of Table 2, in percent: as printed, and from each source of runs.

    Parameters
    ----------
    classifier : str
        "svm" or "knn".
    sources : mapping
        What a row is called -> runs.
    known : mapping
        What a row is called -> (data set, d) -> accuracies without an autoencoder, whose mean
        over the splits is shown.
    suffix : str
        "_standardised" for scaled features, which the paper does not print.
    """
    rows: dict[tuple[str, int, str], dict[str, str]] = {}
    printed = table_2(classifier)
    for data, d in [*printed, *product(TABLE_2.added_data, sections.LATENTS)]:
        if not suffix and (numbers := printed.get((data, d))):
            cells = {m: f"{100 * v:.1f}" for m, v in numbers.items()}
            row = ranked(cells, numbers, highest=True)
            rows[images.DATA_SETS[data].title, d, "paper"] = row
        rows |= _of_sources(data, d, classifier + suffix, sources, known, 1, percent=True)
    return _table_2(rows, CLASSIFIERS[classifier], "PCA", "pixels")


def error_table(sources: Mapping[str, Table], pca: Pca) -> pd.DataFrame:
    """Show the root-mean-square error of a pixel of test images, for the runs of Table 2 and PCA.

    PCA has as many dimensions as the codes.
    """
    metric = "test_rmse"
    known = {
        source: {
            (data, d): {"PCA": {metric: [numbers[metric]]}}
            for data, sizes in by_data.items()
            for d, numbers in sizes.items()
            if metric in numbers
        }
        for source, by_data in pca.items()
    }
    rows: dict[tuple[str, int, str], dict[str, str]] = {}
    for data, d in product(TABLE_2.all_data, sections.LATENTS):
        rows |= _of_sources(data, d, metric, sources, known, 3, percent=False)
    return _table_2(rows, "error per pixel", "PCA")


def _of_sources(
    data: str,
    d: int,
    metric: str,
    sources: Mapping[str, Table],
    known: Mapping[str, Mapping[tuple[str, int], Accuracies]],
    digits: int,
    percent: bool,
) -> dict[tuple[str, int, str], dict[str, str]]:
    """Return the rows of Table 2 for one data set and d, one from each source of runs."""
    title, scale = images.DATA_SETS[data].title, 100 if percent else 1
    methods = {m: f"{m},latent={d}" for m in TABLE_2.methods}
    ours = {}
    for source, runs in sources.items():
        experiment = _anywhere(runs, f"classification/{data}", methods.values())
        without = known.get(source, {}).get((experiment.split("/")[1], d), {})
        if without or any((experiment, m) in runs for m in methods.values()):
            ours[title, d, source] = _row(runs, experiment, methods, metric, digits, percent) | {
                name: f"{scale * np.mean(v[metric]):.{digits}f}" for name, v in without.items()
            }
    return ours or {(title, d, "here"): dict.fromkeys(methods, NOTHING)}


def _table_2(
    rows: Mapping[tuple[str, int, str], Mapping[str, str]], shown: str, *beside: str
) -> pd.DataFrame:
    """Return rows as a table: autoencoders first, then what stands beside them."""
    frame = pd.DataFrame.from_dict(rows, orient="index")
    frame = frame.reindex(columns=[*TABLE_2.methods, *beside]).fillna("–")
    return narrow(frame.rename_axis(["data", "d", "from"]).rename_axis(shown, axis=1))


def _anywhere(runs: Table, experiment: str, methods: Iterable[str]) -> str:
    """Return an experiment or its stand-in: the one with all methods, with some, or the first."""
    names, near = tuple(methods), stand_ins(experiment)
    some = [e for e in near if any((e, m) in runs for m in names)]
    return [*attempted(runs, [experiment], names), *some, experiment][0]


def generalization_table(
    data: str,
    sources: Mapping[str, Table],
    pca: Pca,
) -> pd.DataFrame:
    """Table 7 for one data set: a row for each method; as printed, and from each source of runs.

    Lower is better. The paper's FID and the Frechet distance in this project's own features never
    share a name. The last row is PCA with as many dimensions as the codes.
    """
    methods = {m: m for m in TABLE_7.methods}
    columns: dict[tuple[str, str], dict[str, str]] = {}
    for distance in ("L2", "FID"):
        printed = table_7().get((data, distance), {})
        cells = {m: f"{v:g}" for m, v in printed.items()}
        columns["paper", distance] = ranked(cells, printed, highest=False)
    for source, runs in sources.items():
        experiment = _anywhere(runs, f"generalization/{data}", methods)
        there = [run for m in methods for run in runs.get((experiment, m), [])]
        for metric, (shown, digits) in TABLE_7_COLUMNS.items():
            if any(metric in run.metrics for run in there):
                row = _row(runs, experiment, methods, metric, digits, percent=False)
                scored = pca.get(source, {}).get(experiment.split("/")[1], {})
                linear = [f"{n[metric]:.{digits}f}" for n in scored.values() if metric in n]
                columns[source, shown] = row | {"PCA": (*linear, "–")[0]}
    if all(source == "paper" for source, _ in columns):
        columns["here", f"{NOTHING} at this scale"] = dict.fromkeys(methods, "–")
    frame = pd.DataFrame(columns, index=[*methods, "PCA"]).fillna("–")
    return frame.rename(index=table_7_name).rename_axis(images.DATA_SETS[data].title)


def table_7_name(method: str) -> str:
    """Return a method's name as Table 7 prints it."""
    return {"I-AE-without-L_iso": "L_piso", "I-AE": "L_piso + L_iso"}.get(method, plain(method))


def sampling_table(runs: Table, experiments: Mapping[str, str]) -> pd.DataFrame:
    """Show the Frechet distance of decoded samples, by method; experiments by their titles."""
    methods = {table_7_name(m): m for m in TABLE_7.methods}
    rows = {
        (title, shown): _row(runs, experiment, methods, metric, 2, percent=False)
        for title, experiment in experiments.items()
        for metric, shown in SAMPLED.items()
    }
    return narrow(pd.DataFrame.from_dict(rows, orient="index").T)


def split_table(runs: Table) -> pd.DataFrame:
    """Show COIL-20's accuracies for both ways to split it, of the paper's methods."""
    rows = {
        (split, d, metric): _row(
            runs, "classification/coil20",
            {m: f"{m},latent={d}{suffix}" for m in PRINTED}, metric, 1,
            percent=True,
        )
        for split, suffix in (("stratified", ""), ("random", ",split=random"))
        for d in sections.LATENTS
        for metric in CLASSIFIERS
    }  # fmt: skip
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["split", "d", "classifier"])


def data_table(runs: Table, experiments: Mapping[str, str]) -> pd.DataFrame:
    """Show what runs of Table 7 learned from, and two numbers to judge theirs by.

    These are the error of the mean training image, and the accuracy of the classifier whose
    features the Frechet distance uses; experiments by their titles.
    """
    numbers = {
        "error of the mean image": ("mean_image_error", 2),
        "accuracy of the classifier": ("classifier_accuracy", 3),
    }
    rows = {title: (runs, experiment, "AE") for title, experiment in experiments.items()}
    first = [runs[experiment, "AE"][0] for experiment in experiments.values()]
    frame = measured(rows, numbers).replace(" ±.*", "", regex=True)
    frame.insert(0, "training images", [f"{run.spec.points:,}" for run in first])
    frame.insert(1, "official data", [run.record["data"]["official"] for run in first])
    return frame.replace({True: "yes", False: "no: a copy"})


def density_table(runs: Mapping[str, Run]) -> pd.DataFrame:
    """Show how uneven densities of codes are on a surface, as they are and with the area factor."""
    rows = {}
    for method, run in runs.items():
        inside = inner(run)
        rows[method] = {
            "P(z) as it is": unevenness(on_manifold(run, corrected=False)[inside]),
            "with the factor": unevenness(on_manifold(run, corrected=True)[inside]),
            "error of reconstructions (RMSE)": run.metrics["rmse"],
        }
    return pd.DataFrame(rows).T.map("{:.3f}".format)


def densities(runs: Mapping[str, Run]) -> Figure:
    """Densities on the chart of a surface, without a correction: an isometry needs none."""
    figure, grid = plt.subplots(len(runs), 1, figsize=(7, 2.1 * len(runs)), squeeze=False)
    for axes, (method, run) in zip(grid[:, 0], runs.items(), strict=True):
        found = on_manifold(run, corrected=False)
        mark = axes.scatter(*run.chart.T, c=found / found.mean(), s=4, vmin=0, vmax=2.5)
        axes.set(title=label(method), xlabel="along the curve", ylabel="across")
        axes.set_aspect("equal")
    figure.colorbar(mark, ax=grid[:, 0], label="P(z) over its mean")
    return figure


def kept_pictures(runs: Table, experiment: str, kind: str) -> dict[str, NDArray[np.uint8]]:
    """Return what an experiment's records keep, "rebuilt" or "mixture", by method; first seed.

    Nothing, if the terms of the data set forbid to show it.
    """
    shown = TABLE_7.methods if may_be_shown(experiment.split("/")[1]) else ()
    there = (m for m in shown if (experiment, m) in runs)
    return {method: runs[experiment, method][0].figure(kind) for method in there}


def pictures(rows: Mapping[str, NDArray[np.uint8]]) -> Figure:
    """Figures 7 and 8: one row of images for each method; images are vectors (n, D) of bytes.

    Without rows it is a sentence that says why.
    """
    if not rows:
        figure = plt.figure(figsize=(6, 0.8))
        figure.text(0.5, 0.2, "The terms of this data set forbid to publish pictures.", ha="center")
        return figure
    count = min(len(row) for row in rows.values())
    figure, grid = plt.subplots(
        len(rows), count, figsize=(0.95 * count + 1.3, 0.95 * len(rows)), squeeze=False
    )
    for axes_row, (title, row) in zip(grid, rows.items(), strict=True):
        for axes, vector in zip(axes_row, row, strict=False):
            axes.imshow(as_picture(vector), cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            bare(axes)
            axes.set_aspect("equal")
        axes_row[0].set_ylabel(table_7_name(title), rotation=0, ha="right", va="center")
    return figure


def figure_7(runs: Table, experiment: str | None, kind: str) -> Figure | None:
    """Figures 7 and 8 for one data set: what records keep, "rebuilt" or "mixture", by method.

    Test images stand above reconstructions, if this machine has them. Nothing without an
    experiment: a preset need not have all data sets.
    """
    if not experiment:
        return None
    tests = test_images(runs[experiment, "AE"][0]) if kind == "rebuilt" else {}
    return pictures(tests | kept_pictures(runs, experiment, kind))


def test_images(run: Run) -> dict[str, NDArray[np.uint8]]:
    """Return the first row of a run's figure: test images, if they may be shown and are here."""
    if may_be_shown(run.spec.data) and run.has_data:
        return {"test image": run.data.test[0]}
    return {}


def as_picture(vector: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey (H, W) or colour (H, W, 3) image from a vector."""
    side = round(len(vector) ** 0.5)
    if side * side == len(vector):
        return vector.reshape(side, side)
    side = round((len(vector) / 3) ** 0.5)
    return vector.reshape(3, side, side).transpose(1, 2, 0)
