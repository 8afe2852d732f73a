"""What the paper's experiments cost on this device, from a ten-second calibration."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from isoae_lib.core.architectures import untrained
from isoae_lib.core.step import Stepper
from isoae_lib.core.training import device_of, on_device
from isoae_lib.paper import sections
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec

CALIBRATION = 10.0  # seconds, shared evenly by all kinds of runs
TIMED = 1e9  # multiply-adds of a timed pass, at most: so a step takes a moment


@dataclass(frozen=True)
class Cost:
    """What one section of the paper costs.

    Attributes
    ----------
    shows : str
        Its tables and figures.
    runs, steps : int
        How many runs it has, and how many steps they take together.
    seconds : float
        About how long one process needs for all of them.
    """

    shows: str
    runs: int
    steps: int
    seconds: float


def seconds_per_step(spec: RunSpec, device: str, budget: float) -> float:
    """Time eager steps of a run for about `budget` seconds and return the mean of one."""
    data = Data(spec)
    x = on_device(data.points, device_of(device))
    stepper = Stepper([untrained(spec, data.points)], [x], [spec], compiled=False)
    stepper.step(0.0, 0.0)
    began, steps = time.perf_counter(), 0
    while time.perf_counter() - began < budget:
        stepper.step(0.0, 0.0).sum().item()  # reads back, so that a GPU is waited for
        steps += 1
    return (time.perf_counter() - began) / steps


def _kind(spec: RunSpec) -> tuple[str, str]:
    """Return what runs have in common that need the same time for one multiply-add."""
    dense = spec.network in ("MLP", "FC-NN")
    return spec.method, f"{spec.network} of width {spec.width}" if dense else "CNN"


def seconds_of(specs: Sequence[RunSpec], device: str = "cpu") -> list[float]:
    """Return about how many seconds each run takes, trained alone on this device.

    Runs with the same method and kind of network need the same time per multiply-add. It is
    measured once per kind, with the smallest network and few points per step. Few points would
    leave a GPU idle: there the largest network takes its own step. Steps are not compiled: long
    runs on a CPU are faster than this says.
    """
    on_gpu = device.startswith("cuda")
    ordered = sorted(specs, key=lambda spec: spec.multiply_adds, reverse=not on_gpu)
    timed = {_kind(spec): spec for spec in ordered}  # the last one stays
    pace = {}  # seconds per multiply-add
    for kind, spec in timed.items():
        most = spec.batch if on_gpu else int(TIMED / spec.multiply_adds)
        few = replace(spec, batch=max(2, min(spec.batch, most)))
        seconds = seconds_per_step(few, device, CALIBRATION / len(timed))
        pace[kind] = seconds / (few.batch * few.multiply_adds)
    return [spec.steps * spec.batch * spec.multiply_adds * pace[_kind(spec)] for spec in specs]


def costs(preset: str, device: str = "cpu") -> list[Cost]:
    """Return the cost of every section at a preset, for one process on this device."""
    wanted = {
        section.shows: [sections.spec(name, preset, seed) for name, seed in section.runs(preset)]
        for section in sections.SECTIONS.values()
    }
    every = iter(seconds_of([spec for specs in wanted.values() for spec in specs], device))
    return [
        Cost(shows, len(specs), sum(s.steps for s in specs), sum(islice(every, len(specs))))
        for shows, specs in wanted.items()
    ]
