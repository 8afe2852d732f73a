"""How far rebuilt images are from the images, in the units of Figure 5, Table 2 and Table 7."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rmse(rebuilt: NDArray, images: NDArray) -> float:
    """Return the root-mean-square error of a pixel, for images (n, D) of bytes."""
    return float(np.sqrt(((rebuilt - images / 255) ** 2).mean()))


def of_table_7(rebuilt: NDArray, images: NDArray) -> dict[str, float]:
    """Return both readings of Table 7's L_2 (decision 19), for images (n, D) of bytes.

    The mean squared error of a pixel in thousandths, and the mean norm of an image's error.
    """
    error = rebuilt - images / np.float32(255)
    return {
        "error_per_pixel": 1e3 * float(np.square(error).mean(dtype=np.float64)),
        "error_norm": float(np.linalg.norm(error, axis=1).mean()),
    }
