"""The classic methods of Figures 3 and 5 beside the runs: their numbers are published."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any, cast

from isoae_lib.paper import sections
from isoae_lib.paper.claims.rule import Table
from isoae_lib.paper.section import SEEDS as SEEDS_AT

OF_SURFACES, OF_IMAGES = ("U-MAP", "t-SNE", "LLE"), ("U-MAP", "t-SNE")
SEEDS = SEEDS_AT["published"]
ENOUGH = 10**9  # steps: what needs no training has had enough of it


@cache
def embeddings() -> dict[str, dict[str, Any]]:
    """Return the published embeddings of U-MAP and t-SNE, by data set of images."""
    from isoae_lib.paper import baseline_records  # brings torch, which the site does without

    return baseline_records.published_embeddings()


@cache
def on_surfaces() -> dict[str, dict[str, list[dict[str, float]]]]:
    """Return the published numbers of embeddings, by surface, method and seed."""
    from isoae_lib.paper import baseline_records

    return baseline_records.published_on_surfaces()


def beside(runs: Table) -> Table:
    """Return runs with the classic methods beside those of Figures 3 and 5, if they are not there.

    Of images there is one embedding for all seeds.
    """
    found: dict[Any, Any] = {}
    for experiment in {where for where, _ in runs}:
        section, _, data = experiment.partition("/")
        if section == "3d":
            known = on_surfaces().get(data, {})
            numbers = {m: known[m] for m in OF_SURFACES if m in known}
        elif section in sections.FIGURE_5_NETWORKS and data in embeddings():
            metrics = embeddings()[data]["metrics"]
            numbers = {m: [metrics[m]] * len(SEEDS) for m in OF_IMAGES}
        else:
            continue
        for method, by_seed in numbers.items():
            found[experiment, method] = [
                SimpleNamespace(spec=SimpleNamespace(seed=seed, steps=ENOUGH), metrics=metrics)
                for seed, metrics in zip(SEEDS, by_seed)
            ]
    return cast(Table, {**found, **runs})
