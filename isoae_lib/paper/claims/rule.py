"""What a verdict is, and the runs that one is passed on: a table of them by place and method."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # the site asks this module about its pages, and needs no torch
    from isoae_lib.paper.runs import Run

VERDICTS = ("reproduced", "partly", "not", "not attempted at this scale")
# (place, method) -> runs, one a seed. The place is the data set, and for images section/data set;
# the method is that of the run's name, with what differs from its section's settings.
Table = Mapping[tuple[str, str], list["Run"]]

LEAST_STEPS = 500  # below this a network is hardly trained: nothing is judged


MARKS = "<!-- verdicts -->\n", "<!-- end of verdicts -->\n"  # around the count on a page


def parts(page: str) -> tuple[str, str, str]:
    """Split a page in Markdown around the count of verdicts: before, the count, after."""
    before, _, rest = page.partition(MARKS[0])
    count, _, after = rest.partition(MARKS[1])
    return before + MARKS[0], count, MARKS[1] + after


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    name, section : str
        Short name, and where the paper makes it.
    says : str
        The claim, shortened.
    printed : str
        The paper's figure, or "in words".
    rule : str
        What decides the verdict, in words.
    judge : callable
        Table of runs -> (our figure, verdict).
    """

    name: str
    section: str
    says: str
    printed: str
    rule: str
    judge: Callable[[Table], tuple[str, str]]


def table(named: Iterable[tuple[str, Run]]) -> dict[tuple[str, str], list[Run]]:
    """Group finished and diverged runs alike, given with their names, by place and method."""
    grouped: dict[tuple[str, str], list[Run]] = {}
    for name, run in named:
        section, data, method = name.split("/")
        place = data if section in ("toy", "3d") else f"{section}/{data}"
        grouped.setdefault((place, method), []).append(run)
    return grouped


def values(
    runs: Table, place: str, method: str, metric: str, diverged: float = np.inf
) -> np.ndarray:
    """Return a metric of every seed of one method; what a diverged run counts as, loses."""
    return np.array([run.metrics.get(metric, diverged) for run in runs.get((place, method), [])])


def paired(
    runs: Table, place: str, methods: Iterable[str], metric: str, diverged: float = np.inf
) -> dict[str, np.ndarray]:
    """Return a metric of the seeds that all methods share, in one order, by method."""
    by_seed = {m: {run.spec.seed: run for run in runs[place, m]} for m in methods}
    shared = sorted(set.intersection(*map(set, by_seed.values())))
    return {
        m: np.array([group[seed].metrics.get(metric, diverged) for seed in shared])
        for m, group in by_seed.items()
    }


def mean_and_deviation(numbers: np.ndarray, digits: int = 2) -> str:
    """Format numbers of several seeds as "mean ± standard deviation"."""
    if len(numbers) == 0:
        return "none"
    if not np.isfinite(numbers).all():
        return "diverged"
    if len(numbers) == 1:
        return f"{numbers[0]:.{digits}f}"
    return f"{numbers.mean():.{digits}f} ± {numbers.std(ddof=1):.{digits}f}"


def spread(numbers: np.ndarray, digits: int = 2) -> str:
    """Format numbers of several seeds with their count, for a cell that stands alone."""
    seeds = f" ({len(numbers)} seed{'s' * (len(numbers) > 1)})" if len(numbers) else ""
    return mean_and_deviation(numbers, digits) + seeds


def attempted(runs: Table, place: str, methods: Iterable[str], least: int = LEAST_STEPS) -> bool:
    """Whether all methods were trained at a place, on a seed they share, and long enough."""
    found = [runs.get((place, method), []) for method in methods]
    if not all(run.spec.steps >= least for group in found for run in group):
        return False
    return bool(set.intersection(*({run.spec.seed for run in group} for group in found)))
