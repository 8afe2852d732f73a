"""What the paper's experiments cost on this device, from a ten-second calibration."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
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


def clock(device: str, budget: float) -> Callable[[RunSpec], float]:
    """Return a function that says about how many seconds a run takes, trained alone.

    Runs with the same method and kind of network need the same time per multiply-add. The first
    run of a kind that is asked for is timed, for about `budget` seconds: on a CPU with few points,
    drawn at each step; on a GPU, which few points would leave idle, with its own number. Steps are
    not compiled: long runs on a CPU are faster than this says.
    """
    pace: dict[tuple[str, str], float] = {}  # seconds per multiply-add

    def seconds(spec: RunSpec) -> float:
        kind = _kind(spec)
        if kind not in pace:
            most = spec.batch if _on_gpu(device) else int(TIMED / spec.multiply_adds)
            few = replace(spec, batch=max(2, min(spec.batch, most)), batches="drawn")
            pace[kind] = seconds_per_step(few, device, budget) / (few.batch * few.multiply_adds)
        return spec.steps * spec.batch * spec.multiply_adds * pace[kind]

    return seconds


def _on_gpu(device: str) -> bool:
    return device.startswith("cuda")


def seconds_of(specs: Sequence[RunSpec], device: str = "cpu") -> list[float]:
    """Return about how many seconds each run takes: of each kind the smallest network is timed.

    On a GPU, it is the largest.
    """
    seconds = clock(device, CALIBRATION / max(1, len({_kind(spec) for spec in specs})))
    for spec in sorted(specs, key=lambda spec: spec.multiply_adds, reverse=_on_gpu(device)):
        seconds(spec)  # times the first of its kind
    return [seconds(spec) for spec in specs]


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
