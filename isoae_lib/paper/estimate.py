"""What the paper's experiments cost on this device, from a ten-second calibration."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from isoae_lib.core import architectures
from isoae_lib.core.architectures import untrained
from isoae_lib.core.step import Stepper
from isoae_lib.core.training import device_of, on_device
from isoae_lib.paper import sections
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec

CALIBRATION = 10.0  # seconds, shared evenly by all kinds of runs
AT_ONCE = 1e9  # multiply-adds of a pass that is timed: a step of it takes a moment
SHOWN = {
    "toy": "Figure 1",
    "3d": "Table 1, Figures 3 and 4",
    "visualization-FC": "Figure 5, FC-NN",
    "visualization-CNN": "Figure 5, S-CNN",
    "visualization-COIL": "Figure 5, L-CNN",
    "sensitivity": "Figure 6",
    "classification": "Table 2",
    "generalization": "Table 7, Figures 7 and 8",
}


@dataclass(frozen=True)
class Cost:
    """What one table or figure asks for.

    Attributes
    ----------
    shown : str
        Which tables and figures.
    runs, steps : int
        How many runs, and how many steps they take together.
    seconds : float
        About how long one process needs for all of them.
    """

    shown: str
    runs: int
    steps: int
    seconds: float


def seconds_per_step(spec: RunSpec, device: str, budget: float) -> float:
    """Time eager steps of a run for about `budget` seconds and return the mean of one."""
    place = device_of(device)
    data = Data(spec)
    x = on_device(data.points, place)
    stepper = Stepper([untrained(spec, data.points)], [x], [spec], compiled=False)
    stepper.step(0.0, 0.0)
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < budget:
        stepper.step(0.0, 0.0).sum().item()  # reads back, so that a GPU is waited for
        steps += 1
    return (time.perf_counter() - began) / steps


def work(spec: RunSpec) -> float:
    """Return the multiply-adds of a pass over one point, by which networks compare."""
    if spec.network == "MLP":
        return sections.multiply_adds(spec)
    rows = architectures.summary(spec.network, spec.latent, spec.width_factor)
    return sum(row.multiply_adds for row in rows)


def _kind(spec: RunSpec) -> tuple[str, str]:
    """Return what runs have in common that take as long for a multiply-add."""
    dense = spec.network in ("MLP", "FC-NN")
    return spec.method, f"{spec.network} of width {spec.width}" if dense else "CNN"


def costs(preset: str, device: str = "cpu") -> list[Cost]:
    """Return the cost of every table and figure at a preset, on one process of this device.

    Of a method's dense and convolutional networks the smallest is timed, on few points a step;
    larger ones take longer by their arithmetic. Steps are not compiled: long runs on a CPU are
    faster than it says.
    """
    wanted = {
        section: [
            sections.spec(name, preset, seed)
            for name, seed in sections.section_runs(section, preset)
        ]
        for section in SHOWN
    }
    every = sorted((spec for specs in wanted.values() for spec in specs), key=work)
    smallest = {_kind(spec): spec for spec in reversed(every)}
    pace = {}  # seconds a multiply-add
    for kind, spec in smallest.items():
        few = replace(spec, batch=max(2, min(spec.batch, int(AT_ONCE / work(spec)))))
        seconds = seconds_per_step(few, device, CALIBRATION / len(smallest))
        pace[kind] = seconds / (few.batch * work(few))
    return [
        Cost(
            SHOWN[section],
            len(specs),
            sum(spec.steps for spec in specs),
            sum(spec.steps * spec.batch * work(spec) * pace[_kind(spec)] for spec in specs),
        )
        for section, specs in wanted.items()
    ]
