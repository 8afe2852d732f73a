"""Arrays of numbers: their type in this library, and checks of arrays that come from outside."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoae_lib.errors import InputError

Array = NDArray[np.float64]


def digest(array: NDArray) -> str:
    """Return the SHA-256 of an array's content, by which a record recognises its data."""
    return hashlib.sha256(array.tobytes()).hexdigest()


def mean_deviation(points: NDArray) -> float:
    """Return the mean standard deviation of the coordinates of points (n, D).

    Bytes are pixels, which count as numbers in [0, 1].
    """
    return float(points.std(axis=0).mean()) / (255 if points.dtype == np.uint8 else 1)


def checked(name: str, array: ArrayLike, columns: int) -> Array:
    """Return `array` as float64 (n, columns).

    Raises
    ------
    InputError
        If its shape differs, or it holds NaN or infinity.
    """
    values = np.asarray(array, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != columns:
        raise InputError(f"{name} has shape {values.shape}: (n, {columns}) is needed.")
    if not np.isfinite(values).all():
        row = int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])
        raise InputError(f"{name} holds a NaN or an infinity, first in row {row}.")
    return values
