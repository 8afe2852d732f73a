"""When a claim is judged at all: networks that beat PCA, and whose training has come to rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from isoae_lib.paper import sections
from isoae_lib.paper.claims.rule import DIGITS, MARGIN, Key, Table, table, values
from isoae_lib.paper.data.curves import curve
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.section import FEW_DIGITS

if TYPE_CHECKING:
    from isoae_lib.paper.runs import Run

# Of images, the error that records of a section have: of training images, or of unseen ones.
ERRORS = {"classification": "test_rmse", "generalization": "error_per_pixel"}
EXACT = ("toy", "3d")  # sections whose data are given by formulas
LEAST_HISTORY = 8  # entries; fewer cannot be cut into quarters
SAMPLED = 2000  # points of a surface or curve, of which principal components are taken


@cache
def pca() -> dict[str, dict[int, dict[str, float]]]:
    """Return the published numbers of PCA on images, by data set and number of components."""
    from isoae_lib.paper import baseline_records  # brings torch, which the site does without

    return baseline_records.published_pca()


def of_pca(experiment: str, method: str, metric: str) -> float | None:
    """Return a number of PCA with as many dimensions as a run has; None if it is not published."""
    _, _, data = experiment.partition("/")
    known = pca().get("mnist" if data == FEW_DIGITS else data, {})
    return known.get(_latent(experiment, method), {}).get(metric)


@cache
def _latent(experiment: str, method: str) -> int:
    return sections.spec(f"{experiment}/{method}", "published").latent


@cache
def _linear_error(data: str) -> float:
    """Return the root-mean-square distance of a surface from a plane, or the curve from a line."""
    points = SURFACES[data].sample(SAMPLED, seed=0)[0] if data in SURFACES else curve(SAMPLED)[0]
    return float(np.sqrt(np.linalg.eigvalsh(np.cov(points.T))[0]))


def beats_pca(runs: Table, experiment: str, method: str) -> bool:
    """Tell whether a method rebuilds its data better than as many principal components would.

    At every seed. The answer is no where PCA's error on these images is not published.
    """
    section, _, data = experiment.partition("/")
    metric = ERRORS.get(section, "rmse")
    exact = section in EXACT
    limit = _linear_error(data) if exact else of_pca(experiment, method, metric)
    return limit is not None and bool((values(runs, experiment, method, metric) < limit).all())


def all_learned(runs: Table, experiment: str, methods: Iterable[str]) -> bool:
    """Tell whether every method beats PCA."""
    return all(beats_pca(runs, experiment, method) for method in methods)


def ours_learned(runs: Table, experiment: str, methods: Sequence[str]) -> bool:
    """Tell whether I-AE and some rival beat PCA; `methods` may have settings behind their names."""
    beat = [beats_pca(runs, experiment, method) for method in methods]
    ours = [method.split(",")[0] == "I-AE" for method in methods]
    return all(b for b, is_ours in zip(beat, ours) if is_ours) and any(
        b for b, is_ours in zip(beat, ours) if not is_ours
    )


def iae_learned(runs: Table, experiment: str, methods: Sequence[str]) -> bool:
    """Tell whether I-AE beats PCA."""
    return beats_pca(runs, experiment, "I-AE")


def still_learning(runs: Table, experiment: str, methods: Iterable[str]) -> bool:
    """Tell whether some method's L_rec still fell in the last quarter of its training.

    By more than `MARGIN`, from the third quarter to the last, mean over seeds.
    """
    return any(_fall(runs[experiment, method]) > MARGIN for method in methods)


def _fall(group: Sequence[Run]) -> float:
    falls = []
    for run in group:
        errors = np.array([entry["L_rec"] for entry in getattr(run, "history", ())])
        if (quarter := len(errors) // 4) >= LEAST_HISTORY // 4:
            last, third = errors[-quarter:].mean(), errors[-2 * quarter : -quarter].mean()
            falls.append(1 - last / third)
    return round(float(np.mean(falls)), DIGITS) if falls else 0.0


@cache
def _curves() -> Table:
    from isoae_lib.paper import runs

    return table(runs.published("curves"))


def shorter(experiment: str, methods: Iterable[str]) -> Table:
    """Return the longest published runs of other lengths that all methods have, as if plain."""
    lengths: dict[int, dict[Key, list[Run]]] = {}
    for (where, name), group in _curves().items():
        method, _, steps = name.partition(",steps=")
        if where == experiment and steps.isdigit():
            lengths.setdefault(int(steps), {})[where, method] = group
    wanted = {(experiment, method) for method in methods}
    whole = [steps for steps, found in lengths.items() if wanted <= set(found)]
    return lengths[max(whole)] if whole else {}


def turns(
    runs: Table,
    experiment: str,
    methods: Sequence[str],
    question: Callable[[Table, str], object],
) -> bool:
    """Tell whether runs of another length, where there are some, give another answer."""
    other = shorter(experiment, methods)
    return bool(other) and question(other, experiment) != question(runs, experiment)
