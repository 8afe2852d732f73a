"""Figure 1: how evenly decoder(encoder(.)) projects onto a learned curve."""

from __future__ import annotations

import numpy as np

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import encoder_map, project
from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.data.curves import beside, curve
from isoae_lib.paper.metrics import Found

OFFSETS = {"above": 0.2, "below": -0.2}  # distances from the curve at which points are projected
STOPS = 50  # of the walk, from one point of the data to the next
DRAWN, ARROWS = 400, 61  # points of the learned curve in a figure; arrows on either side of it


def measure_curve(model: Autoencoder, x: Array) -> Found:
    """Return the numbers and the arrays of Figure 1, for a model of points x (n, 2) of the curve.

    A walk along the curve in small even steps is projected, from the curve itself and from either
    side of it. How evenly does its image advance?
    """
    walk = curve(STOPS * (len(x) - 1) + 1)[0]
    drawn, starts = curve(DRAWN)[0], curve(ARROWS)[0]
    on_it = project(model, walk)
    metrics = {"spacing_variation": spacing_variation(on_it), "step_at_data": step_at_data(on_it)}
    figures = {
        "learned_curve": project(model, drawn),
        "codes_along_curve": encoder_map(model)(drawn),
    }
    for side, offset in OFFSETS.items():
        image = project(model, beside(walk, offset))
        metrics[f"spacing_variation_{side}"] = spacing_variation(image)
        metrics[f"step_at_data_{side}"] = step_at_data(image)
        figures[f"projected_{side}"] = project(model, beside(starts, offset))
    metrics["rmse"] = float(np.sqrt(((project(model, x) - x) ** 2).sum(1).mean()))
    single = {name: array.astype(np.float32) for name, array in figures.items()}
    return metrics, single


def spacing_variation(points: Array) -> float:
    """Return the coefficient of variation of the distances of consecutive points; 0 is even."""
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    return float(steps.std() / steps.mean())


def step_at_data(points: Array) -> float:
    """Return the mean step near data over that of the whole walk; below 1, space shrinks there.

    Every `STOPS` steps the walk (m, 2) stands next to a point of the data. Near are the stops
    within a quarter of that way.
    """
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    past = (np.arange(len(steps)) + 0.5) % STOPS
    near = np.minimum(past, STOPS - past) < STOPS / 4
    return float(steps[near].mean() / steps.mean())
