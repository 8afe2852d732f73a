"""Tables of canaries: what this machine repeats of the published runs."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from isoae_lib.paper.canaries import Check

NUMBERS = {  # metric or loss -> as it is printed
    "edge_ratio_std": "std of edge ratios",
    "BBT_error": "|BB' - I|",
    "crowding": "crowding",
    "error_norm": "norm of the error",
    "error_per_pixel": "error x 1000",
    "rmse": "error per pixel",
    "spacing_variation": "evenness on the curve",
    "svm": "linear SVM",
    "test_rmse": "error per pixel",
}


def checked(checks: Sequence[Check]) -> pd.DataFrame:
    """Show every check: a row for each number of each canary."""
    rows = {
        (check.name, NUMBERS[check.number]): {
            "published": f"{check.published:.4g}",
            "this machine": f"{check.here:.4g}",
            "margin": f"{check.margin:.2g}",
            "answer": str(check.answer),
        }
        for check in checks
    }
    return pd.DataFrame.from_dict(rows, orient="index").replace("nan", "–")
