"""Tiny runs of every method, whose losses stand in golden.json.

`python tests/make_golden.py METHOD` writes those of a method, and of all methods without one.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from isoae_lib.core.methods import METHODS
from isoae_lib.core.spec import TRAINING_VERSION
from isoae_lib.errors import choose
from isoae_lib.paper import fitting
from isoae_lib.paper.specs import RunSpec

TINY = {"points": 60, "steps": 12, "batch": 20, "width": 16, "depth": 2, "weight": 0.5}
TINY_IMAGES = {"points": 60, "steps": 6, "batch": 20, "network": "S-CNN", "width_factor": 1 / 16}
RUNS = {f"s-shape/{m}": RunSpec(data="s-shape", method=m, **TINY) for m in METHODS} | {
    f"mnist-5k/{m}": RunSpec(data="mnist-5k", method=m, **TINY_IMAGES)
    for m in METHODS
    if m != "TCAE"
}


def losses_of_tiny(name: str) -> list[float]:
    """Return the last loss terms of a tiny run, of a network with BatchNorm or without."""
    last = fitting.fit(RUNS[name]).history[-1]
    return [value for name, value in last.items() if name != "step"]


if __name__ == "__main__":
    methods = [choose("method", name, METHODS) for name in sys.argv[1:]] or METHODS
    file = Path(__file__).with_name("golden.json")
    losses = json.loads(file.read_text(encoding="utf-8"))["losses"]
    losses |= {name: losses_of_tiny(name) for name in RUNS if name.split("/")[1] in methods}
    losses = {name: values for name, values in losses.items() if name in RUNS}
    content = {"training_version": TRAINING_VERSION, "losses": losses}
    file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
