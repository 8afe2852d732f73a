"""U-MAP, t-SNE and LLE with the paper's settings."""

from __future__ import annotations

import os
import warnings

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoae_lib.core.arrays import Array, checked
from isoae_lib.errors import choose

CLASSIC = ("U-MAP", "t-SNE", "LLE")


def embed(method: str, points: ArrayLike, seed: int = 0) -> Array:
    """Embed points (n, 3) in the plane: (n, 2).

    U-MAP with 30 neighbours and t-SNE with perplexity 50 (A.1.2), LLE with 12 neighbours
    (decision 22); fewer where there are fewer points.

    Raises
    ------
    InputError
        If the method is unknown or the points are malformed.
    """
    choose("embedding", method, CLASSIC)
    x = checked("the points", points, 3)
    if method == "U-MAP":
        return _umap(x, n_neighbors=min(30, len(x) - 1), random_state=seed)
    if method == "t-SNE":
        from sklearn.manifold import TSNE

        perplexity = min(50, (len(x) - 1) / 3)
        return TSNE(perplexity=perplexity, random_state=seed).fit_transform(x)
    from sklearn.manifold import LocallyLinearEmbedding

    return LocallyLinearEmbedding(n_neighbors=12, random_state=seed).fit_transform(x)


def embed_images(method: str, pixels: NDArray, seed: int = 42) -> Array:
    """Embed images as vectors of bytes (n, D) in the plane: (n, 2).

    U-MAP with random_state 42 and t-SNE, both at their defaults (A.1.3).

    Raises
    ------
    InputError
        If the method is unknown.
    """
    choose("embedding", method, CLASSIC[:2])
    x = pixels / np.float32(255)
    if method == "U-MAP":
        return _umap(x, random_state=seed)
    from sklearn.manifold import TSNE

    return TSNE(random_state=seed).fit_transform(x)


def _umap(x: NDArray, **settings: int) -> Array:
    os.environ.setdefault("TQDM_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a seed makes it use one thread
        from umap import UMAP

        return UMAP(**settings).fit_transform(x)
