"""How the time of an I-AE step grows: with the points, and with the latent size.

`python benchmarks/sweep.py --json FILE` takes eager steps of the 3D network in turns, round after
round; the book's page on speed draws the file.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import steps
import torch
import typer
from train_step import processor

NETWORK = "3-256x5-2"
POINTS = (125, 250, 500, 1000, 2000)
LATENTS = (1, 2, 4, 8, 16, 32)
LATENT_POINTS = 250  # points a step while the latent size grows


def medians(timed: Mapping[str, steps.Step], rounds: int) -> dict[str, float]:
    """Return each step's median in milliseconds, taken in turns."""
    times: dict[str, list[float]] = {name: [] for name in timed}
    for turn in range(rounds + 2):
        for name, step in timed.items():
            began = time.perf_counter()
            step()
            if turn >= 2:  # the first two warm up
                times[name].append(1e3 * (time.perf_counter() - began))
    return {f"{name}_ms": round(statistics.median(taken), 3) for name, taken in times.items()}


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
    rounds: Annotated[int, typer.Option(help="times that each step is timed")] = 15,
) -> None:
    """Time steps over points and latent sizes, and write the numbers."""
    rows: list[dict[str, object]] = []
    for points in POINTS:
        timed = {
            "ours_iae": steps.ours(NETWORK, points, "I-AE", compiled=False),
            "ours_ae": steps.ours(NETWORK, points, "AE", compiled=False),
            "reference": steps.double_backward(NETWORK, points),
            "floor": steps.floor(NETWORK, points),
        }
        rows.append({"sweep": "points", "points": points, "latent": 2} | medians(timed, rounds))
        print(rows[-1])
    for latent in LATENTS:
        timed = {
            "ours_iae": steps.ours(NETWORK, LATENT_POINTS, "I-AE", latent, compiled=False),
            "full_jacobians": steps.full_jacobians(NETWORK, LATENT_POINTS, latent),
        }
        row = {"sweep": "latent", "points": LATENT_POINTS, "latent": latent}
        rows.append(row | medians(timed, rounds))
        print(rows[-1])
    content = {
        "torch": str(torch.__version__), "processor": processor(), "latent_points": LATENT_POINTS,
        "rows": rows,
    }  # fmt: skip
    json_file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
