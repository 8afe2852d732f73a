"""What a spec asks for, made: its training data and its untrained networks."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from isoae_lib import architectures, images
from isoae_lib.curves import curve
from isoae_lib.errors import InputError
from isoae_lib.networks import Autoencoder, fully_connected
from isoae_lib.specs import AMBIENT, RunSpec
from isoae_lib.surfaces import SURFACES


def training_data(spec: RunSpec) -> tuple[NDArray, NDArray]:
    """Return the run's points (n, D), and what is known of them.

    Points of surfaces and curves are float64, decided by the spec alone, and come with their chart
    coordinates; images are uint8, each a vector, and come with their classes (n,).

    Raises
    ------
    InputError
        If the images are not there, are damaged, or are fewer than the spec asks for.
    """
    if spec.data in SURFACES:
        return SURFACES[spec.data].sample(spec.points, spec.seed)
    if not spec.of_images:
        return curve(spec.points)
    found = _images(spec.data, images.folder(), images.unverified_allowed())
    if spec.points > len(found.pixels):
        raise InputError(f"{spec.data} has {len(found.pixels)} images, not {spec.points}.")
    pixels = found.pixels[: spec.points]
    return pixels.reshape(len(pixels), -1), found.labels[: spec.points]


def official(spec: RunSpec) -> bool:
    """Tell whether the run's data are the official ones; those that are computed always are."""
    if not spec.of_images:
        return True
    return _images(spec.data, images.folder(), images.unverified_allowed()).official


@lru_cache(maxsize=1)
def _images(name: str, *_: object) -> images.Images:
    """Decode and prove once what a run asks for several times; folder and permission are keys."""
    return images.load(name)


def build(spec: RunSpec) -> Autoencoder:
    """Return the run's untrained networks.

    Raises
    ------
    InputError
        If the network takes images of another size.
    """
    if spec.network == "MLP":
        return fully_connected(
            AMBIENT[spec.data],
            spec.latent,
            width=spec.width,
            depth=spec.depth,
            tied=spec.method == "TCAE",
            unit=unit(training_data(spec)[0]),
            seed=spec.seed,
        )
    size = math.prod(architectures.ARCHITECTURES[spec.network].shape)
    if size != AMBIENT[spec.data]:
        raise InputError(
            f"{spec.network} takes images of {size} numbers; {spec.data} has {AMBIENT[spec.data]}."
        )
    return architectures.build(spec.network, spec.latent, spec.width_factor, spec.seed)


def unit(points: NDArray) -> float:
    """Return the mean standard deviation of the points' coordinates; pixels are in [0, 1]."""
    return float(points.std(axis=0).mean()) / (255 if points.dtype == np.uint8 else 1)
