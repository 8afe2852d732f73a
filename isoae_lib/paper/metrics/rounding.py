"""How arrays are rounded for figures: images to bytes, coordinates to half precision."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FINE = 0.01  # of the coordinates' deviation: an error that no picture shows


def as_bytes(images: NDArray) -> NDArray[np.uint8]:
    """Return images in [0, 1] as bytes; what lies outside is cut off."""
    return np.rint(np.clip(images, 0, 1) * 255).astype(np.uint8)


def for_a_picture(values: NDArray) -> NDArray:
    """Return coordinates (..., k) in half precision, or in single where half would show as stripes.

    Half precision has eleven bits. They are too few for coordinates that lie far from the origin.
    """
    with np.errstate(over="ignore"):  # infinite in half precision, and so kept in single
        half = values.astype(np.float16)
    rows = values.reshape(-1, values.shape[-1])
    error = np.abs(half.reshape(rows.shape) - rows)
    stripes = len(rows) and not (error <= FINE * rows.std(0)).all()
    return values.astype(np.float32) if stripes else half


def with_three_digits(values: NDArray) -> NDArray[np.float64]:
    """Return coordinates (n, k) with three digits, counted from their deviation."""
    return values.astype(float).round(2 - int(np.floor(np.log10(values.std()))))
