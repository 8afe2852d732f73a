"""Tables of runs, as pages print them."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pandas as pd

from isoae_lib.paper.claims.rule import Table, mean_and_deviation

Key = TypeVar("Key", bound=Hashable)
RANKS = ("¹", "²", "³")
Columns = Mapping[str, tuple[str, int]]  # printed name -> metric, digits


def averaged(rows: Mapping[Key, Sequence[Mapping[str, float]]], columns: Columns) -> pd.DataFrame:
    """Show metrics as mean and deviation over seeds.

    Parameters
    ----------
    rows : mapping
        Name of a row -> metrics of each seed.
    columns : mapping
        Name of a column -> metric and digits.
    """
    cells = {
        name: {
            shown: mean_and_deviation(np.array([m.get(metric, np.inf) for m in seeds]), digits)
            for shown, (metric, digits) in columns.items()
        }
        for name, seeds in rows.items()
    }
    return pd.DataFrame.from_dict(cells, orient="index")


def measured(rows: Mapping[Key, tuple[Table, str, str]], columns: Columns) -> pd.DataFrame:
    """Show metrics of runs in the same way, given a table of runs, an experiment and a method."""
    metrics = {
        name: [run.metrics for run in runs.get((experiment, method), [])]
        for name, (runs, experiment, method) in rows.items()
    }
    return averaged(metrics, columns)


def narrow(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a table of means and deviations that fits a page: without spaces around ±."""
    return frame.replace(" ± ", "±", regex=True)


def ranked(cells: Mapping[str, str], numbers: Mapping[str, float], highest: bool) -> dict[str, str]:
    """Mark the first, second and third of a row by ¹, ² and ³; equals share a rank."""
    sign = -1 if highest else 1
    order = sorted({sign * v for v in numbers.values() if np.isfinite(v)})[: len(RANKS)]
    marks = dict(zip(order, RANKS, strict=False))
    return {
        name: cell + marks.get(sign * numbers.get(name, np.nan), "") for name, cell in cells.items()
    }
