"""What autoencoders are compared with: U-MAP, t-SNE, LLE, principal components."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from isoae_lib.core.arrays import Array, checked
from isoae_lib.errors import choose

if TYPE_CHECKING:
    from sklearn.decomposition import PCA

EMBEDDINGS = ("U-MAP", "t-SNE", "LLE", "PCA")
OF_IMAGES = EMBEDDINGS[:2]


def embed(method: str, points: ArrayLike, seed: int = 0) -> Array:
    """Embed points (n, 3) in the plane: (n, 2).

    U-MAP with 30 neighbours and t-SNE with perplexity 50 (A.1.2), LLE with 12 neighbours
    (decision 22). They are fewer where there are fewer points. PCA is the best linear projection.

    Raises
    ------
    InputError
        If the method is unknown or the points are malformed.
    """
    choose("embedding", method, EMBEDDINGS)
    x = checked("the points", points, 3)
    if method == "PCA":
        return principal_components(x, x, 2)[0]
    if method == "U-MAP":
        return _umap(x, n_neighbors=min(30, len(x) - 1), random_state=seed)
    from sklearn.manifold import TSNE, LocallyLinearEmbedding

    if method == "t-SNE":
        perplexity = min(50, (len(x) - 1) / 3)
        return TSNE(perplexity=perplexity, random_state=seed).fit_transform(x)
    return LocallyLinearEmbedding(n_neighbors=12, random_state=seed).fit_transform(x)


def embed_images(method: str, images: NDArray, seed: int = 42) -> Array:
    """Embed images as vectors of bytes (n, D) in the plane: (n, 2).

    U-MAP with random_state 42 and t-SNE, both at their defaults (A.1.3).

    Raises
    ------
    InputError
        If the method is unknown.
    """
    choose("embedding", method, OF_IMAGES)
    x = images / np.float32(255)
    if method == "U-MAP":
        return _umap(x, random_state=seed)
    from sklearn.manifold import TSNE

    return TSNE(random_state=seed).fit_transform(x)


def _umap(x: NDArray, **settings: int) -> Array:
    os.environ.setdefault("TQDM_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed makes it use one thread, of which it warns
        from umap import UMAP

        return UMAP(**settings).fit_transform(x)


def components(x: NDArray, dimensions: int) -> PCA:
    """Fit the first principal components of images (n, D): a linear encoder and its decoder.

    `transform` projects onto them, `inverse_transform` rebuilds. No linear autoencoder with so many
    latents has a smaller mean square error on x, which is the sum of the left-out eigenvalues.
    They are exact: scikit-learn's own choice of a solver would be a randomized one for large D.
    """
    from sklearn.decomposition import PCA

    size = min(dimensions, *x.shape)
    if size == min(x.shape):
        solver = "full"
    else:
        solver = "covariance_eigh" if len(x) > x.shape[1] else "arpack"
    return PCA(size, svd_solver=solver, random_state=0).fit(x)


def principal_components(x: NDArray, test_x: NDArray, dimensions: int) -> tuple[NDArray, NDArray]:
    """Project training and test images, (n, D) and (m, D), on components of the training images."""
    pca = components(x, dimensions)
    return pca.transform(x), pca.transform(test_x)
