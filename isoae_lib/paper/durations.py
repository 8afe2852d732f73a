"""About how long runs take, by recorded times: loads without torch, and times nothing."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from isoae_lib.core.methods import METHODS
from isoae_lib.files import ROOT
from isoae_lib.paper.specs import RunSpec

RECORDED = ROOT / "data" / "benchmarks" / "train_step_gpu.json"
TIMED = {  # network of the recorded steps -> a run with that network
    "3-256x5-2": RunSpec(method="AE", data="s-shape"),
    "FC-NN": RunSpec(method="AE", data="mnist", network="FC-NN"),
    "S-CNN": RunSpec(method="AE", data="mnist", network="S-CNN"),
}


def seconds_of(spec: RunSpec, device: str = "cpu") -> float:
    """Return about how many seconds a run takes, trained alone on a GPU or on one core."""
    return on_gpu(spec) if device.startswith("cuda") else on_core(spec)


def on_core(spec: RunSpec) -> float:
    """Return about how many seconds a run takes on one core.

    The two constants are those of the published runs, which took between half and twice as long.
    """
    step = 1.2e-3 + 6e-11 * (spec.batch + 32) * spec.multiply_adds
    return spec.steps * METHODS[spec.method].passes * step


def on_gpu(spec: RunSpec) -> float:
    """Return about how many seconds a run takes on the GPU of the recorded training steps.

    A step with more points, or a wider network, is in proportion; one with fewer takes as long as
    the recorded one. Between AE and I-AE, methods stand by their passes.
    """
    slow = METHODS["I-AE"].passes - METHODS["AE"].passes
    share = (METHODS[spec.method].passes - METHODS["AE"].passes) / slow
    work = spec.batch * spec.multiply_adds
    steps = [
        (row["ours_ae_ms"] + share * (row["ours_iae_ms"] - row["ours_ae_ms"]))
        * max(1.0, work / (row["batch"] * TIMED[row["network"]].multiply_adds))
        for row in recorded()
        if _like(TIMED[row["network"]].network, spec.network)
    ]
    return spec.steps * min(steps) / 1000


def _like(network: str, other: str) -> bool:
    """Whether two networks are of one kind: what is neither MLP nor FC-NN is convolutional."""
    return network == other or {network, other}.isdisjoint({"MLP", "FC-NN"})


@cache
def recorded() -> list[dict[str, Any]]:
    """Return the recorded training steps on a GPU, one network and batch each."""
    return json.loads(RECORDED.read_text(encoding="utf-8"))
