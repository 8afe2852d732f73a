"""PCA measured as autoencoders are: on the same images, with the same names of metrics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import LOSS_POINTS
from isoae_lib.paper import baselines
from isoae_lib.paper.metrics import classifiers, errors, plane, reconstruction


def in_the_plane(x: NDArray, labels: NDArray) -> tuple[Array, dict[str, float]]:
    """Return PCA's codes (n, 2) of images (n, D) of bytes, and the numbers of Figures 5 and 6.

    Its decoder is an isometry: all singular values are 1.
    """
    pixels = x / np.float32(255)
    pca = baselines.components(pixels, 2)
    codes = pca.transform(pixels)
    some = plane.chosen(len(x), plane.SMALL_SAMPLE)
    loss = pca.inverse_transform(codes[:LOSS_POINTS]) - pixels[:LOSS_POINTS]
    return codes.astype(float), {
        **plane.embedding_numbers(x, labels, codes.astype(float)),
        "condition_median": 1.0,
        "rmse": errors.rmse(pca.inverse_transform(codes[some]), x[some]),
        "L_rec": float(np.square(loss).mean(dtype=np.float64)),
    }


def on_test_images(x: NDArray, tests: NDArray, dimensions: int) -> dict[str, float]:
    """Return the errors of Tables 2 and 7 on test images (m, D), by components of images (n, D)."""
    pca = baselines.components(x / np.float32(255), dimensions)
    tests = tests[: min(reconstruction.TESTED, len(x))]
    rebuilt = pca.inverse_transform(pca.transform(tests / np.float32(255)))
    first = slice(classifiers.TESTED)
    return {
        "test_rmse": errors.rmse(rebuilt[first], tests[first]),
        **errors.of_table_7(rebuilt, tests),
    }
