"""What a page shows in words and columns: comparisons, verdicts, provenance."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable, Mapping
from fractions import Fraction

import numpy as np
import pandas as pd
from IPython.display import HTML
from pandas.io.formats.style import Styler

from isoae_lib.book.figures import label
from isoae_lib.core import notation
from isoae_lib.paper import sections
from isoae_lib.paper.claims.rule import Outcome, Table, data_title, mean_and_deviation, values
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.printed import table_1
from isoae_lib.paper.runs import Run, published


def plain(method: str) -> str:
    """Return a method's printed name where formulas are not set."""
    return label(method).replace("$L_{piso}$", "L_piso")


def edge_ratio_comparison(published: Table, here: Table, preset: str) -> Styler:
    """Table 1 three times: as printed, from the published runs, and from this build.

    The lowest of each row is bold.
    """
    methods = [m for m in sections.SECTIONS["3d"].methods if m != "I-AE-without-L_piso"]
    printed = table_1()
    rows: dict[tuple[str, str], dict[str, str]] = {}
    best: dict[tuple[str, str], str] = {}
    for data, surface in SURFACES.items():
        if data in printed:
            row = (surface.title, "paper")
            rows[row] = {
                m: f"{printed[data][m]:.2f}" if m in printed[data] else "–" for m in methods
            }
            best[row] = min(printed[data], key=printed[data].__getitem__)
        for source, runs in (("published run", published), (f"this build ({preset})", here)):
            row = (surface.title, source)
            found = {m: values(runs, f"3d/{data}", m, "edge_ratio_std") for m in methods}
            rows[row] = {m: _as_printed(v) for m, v in found.items()}
            if all(len(v) for v in found.values()):
                best[row] = min(methods, key=lambda m: found[m].mean())
    frame = pd.DataFrame.from_dict(rows, orient="index").rename(columns=label)

    def bold(row: pd.Series) -> list[str]:
        lowest = best.get(row.name)  # type: ignore[call-overload]
        return ["font-weight: bold" if name == lowest else "" for name in row.index]

    shown = frame.style.apply(bold, axis=1).set_uuid("table-1")
    return shown.set_table_attributes('class="dataframe"')  # looks like the other tables


def _as_printed(numbers: np.ndarray) -> str:
    """Format a cell of Table 1: two decimals as in print, three where two would show one digit."""
    if not len(numbers):
        return "–"
    return mean_and_deviation(numbers, 3 if numbers.mean() < 0.05 else 2)


def rivals_otherwise(runs: Table, data: str) -> pd.DataFrame:
    """Show Table 1's number of the rivals at other settings (decision 14), below that of I-AE."""
    own = sections.spec(f"3d/{data}/I-AE", "published")
    rows = {("I-AE", f"weight {own.weight:g}"): "I-AE"}
    for method, (field, (weaker, stronger)) in sections.SECTIONS["3d"].otherwise.items():
        for value in (weaker, as_above := getattr(own, field), stronger):
            name = method if value == as_above else f"{method},{field}={value}"
            rows[method, f"{field} {value:g}"] = name
    found = {row: values(runs, f"3d/{data}", name, "edge_ratio_std") for row, name in rows.items()}
    shown = {
        row: {"std": mean_and_deviation(v, 3), "seeds": len(v)}
        for row, v in found.items()
        if len(v)
    }
    return pd.DataFrame.from_dict(shown, orient="index")


IMAGE_METRICS = {  # shown as -> metric, digits
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


def embedding_numbers(
    runs: Table,
    experiments: Mapping[str, str],
    others: Mapping[tuple[str, str], Mapping[str, float]],
) -> pd.DataFrame:
    """Show what Figure 5 says in numbers: a row for each experiment and method.

    Parameters
    ----------
    experiments : mapping
        Title of a group of rows -> the experiment, `section/data`.
    others : mapping
        (Title, method) -> metrics of embeddings that no run made; below the others.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for title, experiment in experiments.items():
        for method in sections.FIGURE_5_METHODS:
            found = {s: values(runs, experiment, method, m) for s, (m, _) in IMAGE_METRICS.items()}
            rows[title, method] = {
                shown: mean_and_deviation(found[shown], digits).replace("diverged", "–")
                for shown, (_, digits) in IMAGE_METRICS.items()
            }
    for row, metrics in others.items():
        rows[row] = {
            shown: f"{metrics[m]:.{digits}f}" if m in metrics else "–"
            for shown, (m, digits) in IMAGE_METRICS.items()
        }
    frame = pd.DataFrame.from_dict(rows, orient="index")
    return narrow(frame.loc[:, (frame != "–").any()])


def narrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of means and deviations that fits a page: without spaces around ±."""
    return frame.replace(" ± ", "±", regex=True)


def scales(sources: Mapping[str, Table], *wanted: str) -> pd.DataFrame:
    """Show how large the runs of some sections on images are: a row for each experiment and source.

    "share of the width" is the factor for the printed number of channels or units.
    """
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for source, runs in sources.items():
        for (experiment, _), (run, *_) in runs.items():
            spec = run.spec
            if experiment.partition("/")[0] not in wanted:
                continue
            title = f"{data_title(experiment)}, {spec.network}", source
            if title in rows:
                continue
            every = [r for (e, _), group in runs.items() if e == experiment for r in group]
            rows[title] = {
                "share of the width": str(Fraction(spec.width_factor)),
                "images": f"{spec.points:,}",
                "steps": f"{spec.steps:,}",
                "batch": str(spec.batch),
                "epochs": f"{spec.steps * spec.batch / spec.points:.1f}",
                "rate": f"{spec.rate:g}",
                "L_rec": spec.reduction,
                "seeds": str(len({r.spec.seed for r in every})),
                "official data": "yes" if run.record["data"]["official"] else "no: a copy",
            }
    return pd.DataFrame.from_dict(rows, orient="index").sort_index()


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
        title: {
            "RMSE": run.metrics.get("rmse"),
            "L_iso": run.record["losses"].get("L_iso"),
            "L_piso": run.record["losses"].get("L_piso"),
            **_isometry_and_spread(run),
        }
        for title, method in choices.items()
        for run in runs.get((experiment, method), [])[:1]
    }
    return pd.DataFrame.from_dict(rows, orient="index").round(3)


def _isometry_and_spread(run: Run) -> dict[str, float | None]:
    """Return what shows the strength of a regularizer in the plane."""
    names = {
        "singular value of df": "singular_value_median",
        "crowding": "crowding",
        "5-NN accuracy": "knn_accuracy",
    }
    return {shown: run.metrics.get(metric) for shown, metric in names.items()}


def sweep(runs: Table, section: str) -> pd.DataFrame:
    """Show the runs that the rivals' settings are chosen from, and the choice (decision 14)."""
    network = sections.FIGURE_5_NETWORKS[section]
    rows: dict[tuple[str, str, str], dict[str, float | str | None]] = {}
    for method, names in sections.SECTIONS[section].sweep_runs().items():
        found = {
            name: runs[key][0] for name in names if (key := (f"{section}/mnist", name)) in runs
        }
        accuracy = {name: run.metrics.get("knn_accuracy", 0) for name, run in found.items()}
        for name, run in found.items():
            setting = name.split(",")[1].replace("=", " ")
            rows[network, method, setting] = {
                "RMSE": run.metrics.get("rmse"),
                **_isometry_and_spread(run),
                "": "chosen" if name == max(accuracy, key=accuracy.__getitem__) else "",
            }
    digits = {"RMSE": 4, "singular value of df": 2, "crowding": 2, "5-NN accuracy": 3}
    return pd.DataFrame.from_dict(rows, orient="index").round(digits)


def network_summary(name: str, latent: int, width: float) -> pd.DataFrame:
    """Show a network's layers, with parameters and multiply-adds for one image."""
    rows = notation.summary(name, latent, width)
    frame = pd.DataFrame(
        {
            "part": [row.part for row in rows],
            "layer": [row.layer for row in rows],
            "output": [" x ".join(map(str, row.shape)) for row in rows],
            "parameters": [row.parameters for row in rows],
            "multiply-adds": [row.multiply_adds for row in rows],
        }
    )
    counts = ["parameters", "multiply-adds"]
    frame.loc[len(frame)] = ["", "together", "", *frame[counts].sum()]
    frame[counts] = frame[counts].map("{:,}".format)
    return frame.set_index("part")


def verdict_table(ledger: Iterable[Outcome]) -> HTML:
    """Show outcomes: what the paper says, the verdict with its rule, and both figures."""
    head = ("the paper says", "verdict", "ours", "paper")
    lines = ["<tr>" + "".join(f"<th>{name}</th>" for name in head) + "</tr>"]
    for outcome in ledger:
        claim = outcome.claim
        cells = [
            f"{html.escape(claim.says)} <small>(section {claim.section})</small>",
            f"<strong title='{html.escape(claim.rule, quote=True)}'>{outcome.verdict}</strong>",
            html.escape(outcome.ours),
            html.escape(claim.paper),
        ]
        lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return HTML(f"<div class='ledger'><table class='table'>{''.join(lines)}</table></div>")


def on_surfaces(runs: Table, metrics: Mapping[str, str]) -> pd.DataFrame:
    """Show metrics, shown as -> name, of every surface and method."""
    rows = {
        (surface.title, plain(m)): {
            title: mean_and_deviation(values(runs, f"3d/{data}", m, name))
            for title, name in metrics.items()
        }
        for data, surface in SURFACES.items()
        for m in sections.SECTIONS["3d"].methods
    }
    return pd.DataFrame.from_dict(rows, orient="index")


def provenance(
    named: Iterable[tuple[str, Run]], notebook: str, preset: str, **parameters: object
) -> HTML:
    """Show the card at a page's foot: runs, preset, time, device, code, the command to repeat.

    The command repeats the parameters of the notebook, all of them.
    """
    settings = "".join(f" --set {name}={value}" for name, value in parameters.items())
    return _card(list(named), preset, f"isoae notebook {notebook} --preset {preset}{settings}")


def published_provenance(*wanted: str, sweep: bool = False) -> HTML:
    """Show the same card for the published runs of sections, or for the sweep in them."""
    swept = sections.swept()
    found = [
        (name, run)
        for name, run in published()
        if name.partition("/")[0] in wanted and (name in swept) == sweep
    ]
    if not found:
        return HTML("<p>No run of this chapter is published yet.</p>")
    return _card(found, "published", "isoae train NAME --preset published --seed SEED")


def _distinct(facts: Iterable[str]) -> str:
    return "; ".join(sorted(set(facts)))


def _card(named: list[tuple[str, Run]], preset: str, repeat: str) -> HTML:
    runs = [run for _, run in named]
    records = [run.record for run in runs]
    diverged = [record for record in records if record["status"] != "finished"]
    unofficial = [run.spec.data for run in runs if not run.record["data"]["official"]]
    seconds: Counter[str] = Counter()
    for record in records:
        seconds[record["device"]] += record["seconds"]
    versions = [" ".join(f"{k} {v}" for k, v in r["versions"].items()) for r in records]
    facts = {
        "preset": preset,
        "training runs": f"{len(runs)}, of which {len(diverged)} diverged",
        "steps": _distinct(f"{run.spec.steps:,} of {run.spec.batch} points" for run in runs),
        "training time": _distinct(f"{s:,.0f} s on {where}" for where, s in seconds.items()),
        "versions": _distinct(versions),
        "commit": _distinct(record["commit"] for record in records),
        "repeat": f"<code>{repeat}</code>",
    }
    if unofficial:
        facts["not the official data"] = _distinct(unofficial)
    rows = "".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in facts.items())
    keys = "".join(
        f"<li><code>{run.spec.key}</code> {html.escape(name)}, seed {run.spec.seed}</li>"
        for name, run in named
    )
    return HTML(
        f"<div class='provenance'><table class='table'>{rows}</table>"
        f"<details><summary>keys and names of the runs</summary><ul>{keys}</ul></details></div>"
    )
