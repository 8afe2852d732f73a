"""What is measured of a trained autoencoder: its losses, and the numbers of its section."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from isoae_lib.core import diagnostics
from isoae_lib.core.arrays import Array
from isoae_lib.core.networks import Autoencoder
from isoae_lib.core.spec import TABLE_6
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import Found, classifiers, curves, plane, reconstruction, surfaces


@dataclass(frozen=True)
class Measured:
    """What a record says about a trained autoencoder.

    Attributes
    ----------
    status : str
        "finished" or "diverged".
    data : str
        The checksum of the training data.
    codes : array (n, d)
        Latent codes of the training data.
    labels : array (n,)
        Classes of images; of other data, empty.
    losses, metrics : dict
        Numbers by name; there are no metrics of a diverged run.
    figures : dict
        Arrays that figures draw, by name: what they need of the networks.
    """

    status: str
    data: str
    codes: Array
    labels: NDArray[np.int8]
    losses: dict[str, float]
    metrics: dict[str, float]
    figures: dict[str, NDArray]


def measure(data: Data, model: Autoencoder, status: str, store: Path) -> Measured:
    """Measure a trained autoencoder.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode.
    status : str
        That of its fit. One whose last step left the finite range has diverged as well.
    store : Path
        Where the classifier of Table 7 is kept.
    """
    spec, points = data.spec, data.points
    codes = diagnostics.encoder_map(model)(points)
    losses = diagnostics.losses(model, points, spec.reduction)
    if not (np.isfinite(codes).all() and np.isfinite(list(losses.values())).all()):
        status = "diverged"  # in the last step, after whose loss no one looked
    labels = data.truth.astype(np.int8) if spec.of_images else np.empty(0, np.int8)
    diverged = status == "diverged"
    metrics, figures = ({}, {}) if diverged else _of_section(data, model, codes, store)
    rounded = {name: round(value, 6) for name, value in metrics.items()}
    return Measured(status, data.digest, codes, labels, losses, rounded, figures)


def _of_section(data: Data, model: Autoencoder, codes: Array, store: Path) -> Found:
    """Return what the run's section of the paper measures, and what its figures draw."""
    spec, (points, truth) = data.spec, data.train
    if spec.network in TABLE_6:
        return reconstruction.measure_reconstruction(model, data, codes, store)
    if spec.of_images and spec.latent > 2:
        return classifiers.measure_classification(model, data, codes), {}
    if spec.of_images:
        return plane.measure_plane(model, points, truth, codes)
    if spec.data in SURFACES:
        metrics, figures = surfaces.measure_surface(model, points, truth, spec.surface)
        metrics["rmse"] /= spec.size  # the other metrics do not depend on the unit of length
        return metrics, figures
    return curves.measure_curve(model, points)
