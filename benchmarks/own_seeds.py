"""The estimator's defaults on ten seeds of surfaces whose distances are known.

`python benchmarks/own_seeds.py --json FILE` fits 3,000 points of each surface of
`own_points.py`. On the four that can be laid flat it compares distances in the plane with
those along the surface, on a sphere's cap the spread of edge ratios with the least possible one.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer
from own_points import FLAT, cap

from isoae_lib import IsometricAutoencoder
from isoae_lib.core.faithfulness import kept
from isoae_lib.core.training import hardware
from isoae_lib.paper.floors import best_rings
from isoae_lib.paper.metrics.surfaces import ratios_over
from isoae_lib.paper.provenance import commit

POINTS, SEEDS = 3000, range(10)
ANGLE = 1.0  # of the cap, from its pole to its rim


def row_of(surface: str, seed: int, device: str) -> dict[str, object]:
    """Return what one fit keeps of distances, and the seconds it took."""
    began = time.perf_counter()
    model = IsometricAutoencoder(random_state=seed, device=device)
    if surface == "cap":
        points, _ = cap(POINTS, seed, ANGLE)
        ratios = ratios_over(model.fit(points).inverse_transform, model.transform(points))
        found = {"std": float(ratios.std()), "floor": float(best_rings(ANGLE)[0])}
    else:
        points, flat = FLAT[surface](POINTS, seed)
        held = kept(model.fit_transform(points), flat)
        found = {"correlation": held.pearson, "scale": held.scale}
    return {"surface": surface, "seed": seed} | found | {"seconds": time.perf_counter() - began}


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
    device: Annotated[str, typer.Option(help="cpu or cuda")] = "cpu",
) -> None:
    """Fit every surface with every seed and write the numbers."""
    rows = []
    for surface in (*FLAT, "cap"):
        for seed in SEEDS:
            rows.append(row_of(surface, seed, device))
            print(rows[-1], flush=True)
    about = {"device": hardware(device), "commit": commit(), "points": POINTS}
    json_file.write_text(json.dumps(about | {"rows": rows}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
