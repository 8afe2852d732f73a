"""What coarse products cost: I-AE on the S shape, its gradients or everything in bfloat16.

`python benchmarks/precision.py --json FILE` trains the published run of Table 1 for a tenth of its
steps, from several seeds, in each precision; decision C rests on it.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from train_step import processor

from isoae_lib.core import step
from isoae_lib.paper import fitting, sections
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import surfaces

STEPS = 10_000
# Of gradients, and of values and tangents.
PRECISIONS = {
    "all in float32": ("ieee", "ieee"),
    "gradients in bfloat16": ("bf16", "ieee"),
    "all in bfloat16": ("bf16", "bf16"),
}


def std_after(gradients: str, values: str, seed: int) -> float:
    """Return the std of edge ratios (Table 1) of a run that was trained in these precisions."""
    spec = replace(sections.spec("3d/s-shape/I-AE", "published", seed), steps=STEPS)
    step.has_bfloat16 = lambda device: gradients == "bf16"
    with step.products(values):
        fit = fitting.fit(spec)
    metrics, _ = surfaces.measure_surface(fit.model, *Data(spec).train, SURFACES[spec.data])
    return metrics["edge_ratio_std"]  # in double precision


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
    seeds: Annotated[int, typer.Option(help="seeds of each precision")] = 3,
) -> None:
    """Train in each precision and write what Table 1 would say."""
    if not step.has_bfloat16(torch.device("cpu")):
        sys.exit("This processor has no units for bfloat16 (AMX): there is nothing to compare.")
    torch.set_num_threads(1)
    about = {"processor": processor(), "torch": str(torch.__version__), "steps": STEPS}
    rows = []
    for name, precisions in PRECISIONS.items():
        for seed in range(seeds):
            std = std_after(*precisions, seed)
            rows.append({"precision": name, "seed": seed, "edge_ratio_std": std} | about)
            print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), flush=True)
    json_file.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
