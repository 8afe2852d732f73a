"""The result in one minute, on the first page: figures and numbers from published records."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from isoae_lib.book import style, surfaces, verdicts
from isoae_lib.book.distortion import along_axes
from isoae_lib.paper import claims, floors, printed, runs, sections
from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import Table, Verdict, mean_and_deviation, table, values
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.runs import Run

ROLL, METRIC = "swiss-roll", "edge_ratio_std"
WIDTH = 5.0  # inches of a figure that can be read on a phone


def fill(page: Path) -> None:
    """Replace the comments of a page by figures and numbers; its count of verdicts by a bar.

    The pictures go to the folder `images` beside the page.
    """
    style.use()
    known = {kind: list(runs.published(kind)) for kind in runs.PUBLISHED}
    published = table(known["runs"])
    folder, text = page.parent / "images", page.read_text(encoding="utf-8")
    for name, block in {
        "roll": _roll(published, folder),
        "table 1": _table_1(published, folder),
        "cost": cost(run for named in known.values() for _, run in named),
    }.items():
        text = text.replace(f"<!-- {name} -->\n", block)
    page.write_text(claims.with_count(text, _verdicts(folder)), encoding="utf-8")


def best_rival(published: Table, data: str) -> str:
    """Return the rival of I-AE with the least mean of Table 1's number on a surface."""
    rivals = [m for m in sections.SECTIONS["3d"].compared if m != "I-AE"]
    return min(rivals, key=lambda m: values(published, f"3d/{data}", m, METRIC).mean())


def _std(published: Table, data: str, method: str) -> str:
    return mean_and_deviation(values(published, f"3d/{data}", method, METRIC), 3)


def _roll(published: Table, folder: Path) -> str:
    rival, surface = best_rival(published, ROLL), SURFACES[ROLL]
    run, other = (published[f"3d/{ROLL}", method][0] for method in ("I-AE", rival))
    codes = {"the true sheet": run.chart, "I-AE": run.codes, rival: other.codes}
    codes = {name: along_axes(plane) for name, plane in codes.items()}
    figure = surfaces.embedding_row(surface, run.points, run.chart, codes, most=2, width=WIDTH)
    ours, theirs = (_std(published, ROLL, method) for method in ("I-AE", rival))
    return _figure(
        figure, folder, "roll",
        f"Four panels: the {surface.title} in space, coloured from one end to the other; the true "
        f"sheet, an even rectangle; the codes of I-AE, and those of {rival}. The spread of edge "
        f"ratios is {ours} for I-AE and {theirs} for {rival}.",
        f"The {surface.title}, its true sheet, and what two autoencoders make of it: I-AE, and "
        f"{rival}, the next in Table 1. The spread of edge ratios, which is 0 for an isometry, is "
        f"{ours} for I-AE, and {theirs} for {rival}.",
    )  # fmt: skip


def table_1(published: Table, floor: float) -> Figure:
    """Table 1's number of I-AE and its best rival, the paper's beside it, on each surface.

    `floor` is the least that is possible on surfaces that cannot be flattened.
    """
    known = printed.table_1()
    figure, panels = plt.subplots(len(known), 1, figsize=(WIDTH, 4.2), sharex=True)
    for axes, (data, numbers) in zip(panels, known.items(), strict=True):
        methods = ("I-AE", best_rival(published, data))
        for row, method in enumerate(methods):
            mean = values(published, f"3d/{data}", method, METRIC).mean()
            axes.barh(row, mean, color=style.COLOURS[method])
            axes.plot(numbers[method], row, "D", mfc="white", mec="black", label="paper")
            axes.text(1.02, row, _std(published, data, method), va="center",
                      transform=axes.get_yaxis_transform())  # fmt: skip
        if not SURFACES[data].developable:
            axes.axvline(floor, color="black", linestyle=":", label="floor: best map without a cut")
        axes.set_yticks(range(len(methods)), map(style.label, methods))
        axes.set_title(SURFACES[data].title, loc="left")
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
    axes.set_xlabel("spread of edge ratios (0: an isometry)")
    handles, labels = axes.get_legend_handles_labels()
    shown = {"published": Patch(color="#777777"), **dict(zip(labels, handles, strict=True))}
    figure.legend(shown.values(), shown, loc="outside lower center", ncols=2)
    return figure


def _table_1(published: Table, folder: Path) -> str:
    floor = floors.on_the_book_s_grid().std()
    numbers = "; ".join(
        f"{SURFACES[data].title}: "
        + ", ".join(
            f"{method} {_std(published, data, method)} (paper {row[method]:.2f})"
            for method in ("I-AE", best_rival(published, data))
        )
        for data, row in printed.table_1().items()
    )
    return _figure(
        table_1(published, floor), folder, "table-1",
        f"Bars, two for each surface. {numbers}. The floor of the open sphere is {floor:.3f}.",
        "How unevenly a decoder stretches the plane: Table 1's number for I-AE and its best rival, "
        "mean ± standard deviation over seeds. The open sphere cannot be flattened: no map of it "
        f"has less than {floor:.3f} without a cut.",
    )  # fmt: skip


def _verdicts(folder: Path) -> str:
    known = [Verdict(of["verdict"]) for of in committed.read()["claims"].values()]
    counts = ", ".join(f"{known.count(verdict)} {verdict}" for verdict in Verdict)
    return _figure(
        verdicts.bar(known), folder, "verdicts", f"Bars: {counts}.",
        f"The verdicts on {len(known)} claims. {{doc}}`The ledger <../notebooks/08_claims>` has "
        "each of them.",
    )  # fmt: skip


def cost(trained: Iterable[Run]) -> str:
    """Return what runs cost, by device: a table in Markdown."""
    rows = [
        {"device": run.record["device"].removeprefix("cuda, "), "runs": 1,
         "steps": run.spec.steps, "hours": run.record["seconds"] / 3600}
        for run in trained
    ]  # fmt: skip
    summed = pd.DataFrame(rows).groupby("device").sum()
    lines = [f"| {name} | {row.runs:,.0f} | {row.steps:,.0f} | {row.hours:.1f} |\n"
             for name, row in summed.iterrows()]  # fmt: skip
    return "| device | runs | steps | hours |\n| --- | --: | --: | --: |\n" + "".join(lines)


def _figure(figure: Figure, folder: Path, name: str, alt: str, caption: str) -> str:
    """Save a picture and close it; return the figure as Markdown."""
    folder.mkdir(exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=160)
    plt.close(figure)
    return (
        f"```{{figure}} images/{name}.png\n:name: in-one-minute-{name}\n:width: 480px\n"
        f":alt: {alt}\n\n{caption}\n```\n"
    )
