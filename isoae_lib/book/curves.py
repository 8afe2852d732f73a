"""What changes with the number of steps, the width of the networks or the size of the data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from isoae_lib.book.style import COLOURS, INKS, MARKERS, label, plain, two_in_a_row
from isoae_lib.paper import sections
from isoae_lib.paper.baseline_records import Accuracies, Numbers
from isoae_lib.paper.claims.downstream import CLASSIFIERS
from isoae_lib.paper.claims.rule import Table, values
from isoae_lib.paper.claims.surfaces import RIVALS
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.runs import Run

IN_THE_PLANE = {"crowding": "crowding", "knn_accuracy": "5-NN accuracy", "rmse": "error per pixel"}
ALONG = {
    "steps": "steps",
    "width_factor": "share of the printed width",
    "size": "size of the surface (1: as published)",
}
APART = 1.4  # the least ratio of neighbouring ticks
OWN = f"{sections.OWN},steps=20000"  # with fewer steps than the paper


def varied(runs: Table, experiment: str, method: str, field: str) -> list[Run]:
    """Return the runs that differ from a method's first in one setting, or in their seed alone."""
    group = runs.get((experiment, method), [])
    same = {} if not group else {"seed": group[0].spec.seed, field: getattr(group[0].spec, field)}
    return [
        run
        for (where, _), others in runs.items()
        for run in others
        if where == experiment and group and replace(run.spec, **same) == group[0].spec
    ]


def _line(axes: Axes, runs: Sequence[Run], field: str, metric: str, **look: object) -> None:
    """Draw a metric against a setting: a line through the means, a point for each run."""
    at = np.array([getattr(run.spec, field) for run in runs])
    numbers = np.array([run.metrics[metric] for run in runs])
    places = np.unique(at)
    means = [numbers[at == place].mean() for place in places]
    axes.plot(places, means, ms=5, **look)  # type: ignore[arg-type]
    axes.plot(at, numbers, **(look | {"ls": "", "label": None}), ms=3, alpha=0.5)  # type: ignore[arg-type]
    axes.set(xscale="log", xlabel=ALONG[field])
    ticks: list[float] = []  # those that would be written over each other are left out
    for place in sorted({place for line in axes.lines for place in np.asarray(line.get_xdata())}):
        if not ticks or place > APART * ticks[-1]:
            ticks.append(place)
    axes.set_xticks(ticks, [f"{tick:,g}" for tick in ticks], minor=False)
    axes.minorticks_off()


def _look(method: str) -> dict[str, object]:
    return {"color": COLOURS[method], "marker": MARKERS[method], "label": label(method)}


def in_the_plane(runs: Table, experiment: str, pca: Numbers) -> Figure:
    """Figure 5 in numbers while training goes on; a level line is what PCA has in the plane."""
    figure, grid = two_in_a_row(len(IN_THE_PLANE), 2.7)
    for method in sections.FIGURE_5_METHODS:
        found = varied(runs, experiment, method, "steps")
        for axes, (metric, name) in zip(grid, IN_THE_PLANE.items(), strict=True):
            _line(axes, found, "steps", metric, **_look(method))
            axes.set_ylabel(name)
            axes.tick_params(axis="x", labelrotation=40)
    for axes, metric in zip(grid, IN_THE_PLANE, strict=True):
        axes.axhline(pca[metric], color=COLOURS["PCA"], ls="--", lw=1, label="PCA")
    figure.legend(*grid[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure


def table_2(
    runs: Table,
    data: str,
    compared: Mapping[int, Iterable[str]],
    field: str,
    known: Mapping[tuple[str, int], Accuracies],
) -> Figure:
    """Table 2's accuracies against steps or the width, one panel per d and classifier.

    Parameters
    ----------
    compared : mapping
        d -> the methods that are drawn.
    field : str
        "steps" or "width_factor".
    known : mapping
        (data set, d) -> accuracies without an autoencoder; a level line is PCA's.
    """
    panels = [(d, metric) for d in compared for metric in CLASSIFIERS]
    figure, grid = two_in_a_row(len(panels), 2.8)
    for axes, (d, metric) in zip(grid, panels, strict=True):
        for method in compared[d]:
            found = varied(runs, f"classification/{data}", f"{method},latent={d}", field)
            if found:
                _line(axes, found, field, metric, **_look(method))
        linear = float(np.mean(known[data, d]["PCA"][metric]))
        axes.axhline(linear, color=COLOURS["PCA"], ls="--", lw=1, label="PCA")
        axes.set(title=f"d = {d}", ylabel=f"{CLASSIFIERS[metric]} accuracy")
        axes.tick_params(axis="x", labelrotation=40)
    entries = {t: h for axes in grid for h, t in zip(*axes.get_legend_handles_labels())}
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=6)
    return figure


def own_protocol(runs: Table) -> Figure:
    """I-AE on the surfaces as the paper trains it, beside the published runs with eased weights.

    Above: the standard deviation of edge ratios against the number of steps; a star is a published
    run. Below: the S shape in other units of length.
    """
    figure, (above, below) = plt.subplots(2, 1, figsize=(7.2, 6))
    for data, colour, marker in zip(sections.OF_PAPER, INKS, "osD", strict=True):
        experiment = f"3d/{data}"
        found = varied(runs, experiment, OWN, "steps")
        look = {"color": colour, "label": SURFACES[data].title}
        _line(above, found, "steps", "edge_ratio_std", marker=marker, **look)
        for run in runs.get((experiment, "I-AE"), []):
            std = run.metrics["edge_ratio_std"]
            above.plot(run.spec.steps, std, "*", color=colour, ms=9, zorder=3)
    above.set(yscale="log", ylabel="std of edge ratios")
    above.plot([], [], "k*", ms=9, label="eased, published")
    figure.legend(loc="outside upper center", ncols=4)
    _line(below, varied(runs, "3d/s-shape", OWN, "size"), "size", "edge_ratio_std", **_look("I-AE"))
    below.set(yscale="log", ylabel="std of edge ratios", title="S shape")
    return figure


def first_along(runs: Table, data: str, compared: Mapping[int, Iterable[str]], field: str) -> str:
    """Say at how many places of `table_2`'s figure I-AE has the highest accuracy of those drawn."""
    first = places = 0
    for (d, methods), metric in product(compared.items(), CLASSIFIERS):
        means: dict[float, dict[str, float]] = {}
        for method in methods:
            found = varied(runs, f"classification/{data}", f"{method},latent={d}", field)
            for at in {getattr(run.spec, field) for run in found}:
                same = [run.metrics[metric] for run in found if getattr(run.spec, field) == at]
                means.setdefault(at, {})[method] = float(np.mean(same))
        whole = [each for each in means.values() if set(each) == set(methods)]
        first += sum(max(each, key=each.__getitem__) == "I-AE" for each in whole)
        places += len(whole)
    return f"I-AE is first in {first} of {places} places."


def own_protocol_says(runs: Table) -> str:
    """Say whether I-AE, trained in the paper's own way, still has the lowest number of Table 1."""
    lines = []
    for data in sections.OF_PAPER:
        rivals = {m: values(runs, f"3d/{data}", m, "edge_ratio_std").mean() for m in RIVALS}
        best = min(rivals, key=rivals.__getitem__)
        last = max(varied(runs, f"3d/{data}", OWN, "steps"), key=lambda run: run.spec.steps)
        ours = last.metrics["edge_ratio_std"]
        compared = "lower" if ours < rivals[best] else "not lower"
        lines.append(
            f"{SURFACES[data].title}: {ours:.3f} after {last.spec.steps:,} steps, {compared} than "
            f"the best rival ({plain(best)}, {rivals[best]:.3f})."
        )
    return "\n".join(lines)
