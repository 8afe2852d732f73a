"""Tiny runs of every method, whose losses stand in golden.json: `python tests/make_golden.py`."""

from __future__ import annotations

import json
from pathlib import Path

from isoae_lib import training
from isoae_lib.specs import METHODS, TRAINING_VERSION, RunSpec

TINY = {"points": 60, "steps": 12, "batch": 20, "width": 16, "depth": 2, "weight": 0.5}


def losses_of_tiny(method: str) -> list[float]:
    """Return the last loss terms of a method's tiny run."""
    last = training.fit(RunSpec("s-shape", method, **TINY)).history[-1]
    return [value for name, value in last.items() if name != "step"]


if __name__ == "__main__":
    losses = {method: losses_of_tiny(method) for method in METHODS}
    content = {"training_version": TRAINING_VERSION, "losses": losses}
    Path(__file__).with_name("golden.json").write_text(json.dumps(content, indent=1) + "\n")
