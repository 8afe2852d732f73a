"""Fits of the paper's data sets: the data that a run asks for are handed to the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from isoae_lib.core import training
from isoae_lib.core.methods import METHODS
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec


def fit(
    spec: RunSpec,
    device: str = "cpu",
    progress: training.Progress | None = None,
    checkpoint: Path | None = None,
    stop: training.Stop = lambda: False,
    code: str = "",
) -> training.Fit:
    """Train one autoencoder: `fits` of one."""
    return fits([Data(spec)], device, progress, checkpoint, stop, code)[0]


def fits(
    data: Sequence[Data],
    device: str = "cpu",
    progress: training.Progress | None = None,
    checkpoint: Path | None = None,
    stop: training.Stop = lambda: False,
    code: str = "",
) -> list[training.Fit]:
    """Train runs that are equal in `stackable` at once, on their data; see `training.fits`."""
    specs, points = [each.spec for each in data], [each.points for each in data]
    held_out = data[0].held_out
    return training.fits(specs, points, held_out, device, progress, checkpoint, stop, code)


def stackable(spec: RunSpec) -> str:
    """Return what runs that can be trained as one stack have in common.

    A run is alone if validation decides on its rate, or if its weights are divided by norms that
    every pass updates.
    """
    alone = spec.validation or METHODS[spec.method].networks == "normalised"
    free = {"seed", "weight", *(("data",) if spec.data in SURFACES else ())} if not alone else set()
    return repr({name: value for name, value in asdict(spec).items() if name not in free})
