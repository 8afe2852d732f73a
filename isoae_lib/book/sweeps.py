"""The runs that settings of rivals are chosen from, and the choice (decision 14)."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from isoae_lib.book.style import plain
from isoae_lib.book.tables import Columns
from isoae_lib.paper import choice, sections
from isoae_lib.paper.claims.rule import Table
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.specs import RunSpec

# section -> what its table shows
IN_THE_PLANE: Columns = {
    "RMSE": ("rmse", 4),
    "singular value of df": ("singular_value_median", 2),
    "crowding": ("crowding", 2),
    "5-NN accuracy": ("knn_accuracy", 3),
}
SHOWN: Mapping[str, Columns] = {
    "3d": {"std of edge ratios": ("edge_ratio_std", 4), "error": ("rmse", 4)},
    "visualization-FC": IN_THE_PLANE,
    "visualization-CNN": IN_THE_PLANE,
    "classification": {"linear SVM": ("svm", 4), "5-NN": ("knn", 4), "RMSE": ("test_rmse", 4)},
}


def sweep(runs: Table, section: str) -> pd.DataFrame:
    """Show the published runs of a section's sweep; of equally good ones the lowest is chosen.

    A diverged run has no numbers, and is never chosen.
    """
    known = sections.SECTIONS[section]
    rows = {}
    for method, names in known.sweep_runs().items():
        experiment = f"{section}/{known.data_sets[0]}"
        found = {n: runs[experiment, n][0].metrics for n in names if (experiment, n) in runs}
        best = choice.best(found, section)
        for name, numbers in found.items():
            method, *_, setting, _ = name.split(",")
            at = sections.spec(f"{experiment}/{name}", "published")
            rows[_where(at), plain(method), setting.replace("=", " ")] = {
                shown: round(numbers[metric], digits) if numbers else None
                for shown, (metric, digits) in SHOWN[section].items()
            } | {"": "chosen" if name == best else ""}
    return pd.DataFrame.from_dict(rows, orient="index")


def _where(spec: RunSpec) -> str:
    if not spec.of_images:
        return SURFACES[spec.data].title
    return f"d = {spec.latent}" if spec.latent > 2 else spec.network
