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
from isoae_lib.paper.metrics import classifiers, plane, reconstruction, surfaces


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
    pictures : dict
        Images (n, D) of bytes that the section's figures show, by name.
    """

    status: str
    data: str
    codes: Array
    labels: NDArray[np.int8]
    losses: dict[str, float]
    metrics: dict[str, float]
    pictures: dict[str, NDArray[np.uint8]]


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
    labels = data.known.astype(np.int8) if spec.of_images else np.empty(0, np.int8)
    metrics: dict[str, float] = {}
    pictures: dict[str, NDArray[np.uint8]] = {}
    if status != "diverged":
        metrics, pictures = _of_section(data, model, codes, store)
    return Measured(status, data.digest, codes, labels, losses, metrics, pictures)


def _of_section(
    data: Data, model: Autoencoder, codes: Array, store: Path
) -> tuple[dict[str, float], dict[str, NDArray[np.uint8]]]:
    """Return what the run's section measures, and the pictures that its figures show."""
    spec, (points, known) = data.spec, data.train
    if spec.network in TABLE_6:
        return reconstruction.evaluate(model, data, codes, store)
    if spec.of_images and spec.latent > 2:
        return classifiers.evaluate(model, data, codes), {}
    if spec.of_images:
        return plane.evaluate(model, points, known, codes), {}
    if spec.data in SURFACES:
        return surfaces.evaluate(model, points, known, SURFACES[spec.data]), {}
    return surfaces.evaluate_curve(model, points), {}
