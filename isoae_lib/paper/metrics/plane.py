"""What Figure 5 shows and the paper says in words, as numbers of an embedding in the plane."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_differentials, decoder_map, differentials
from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.metrics import Found, errors
from isoae_lib.paper.metrics.rounding import as_bytes, for_a_picture

SAMPLE = 5000  # points that separation is measured on: densities of large and small sets compare
SMALL_SAMPLE = 2000  # points whose mutual distances are all taken
NEIGHBOURS = 5
MIDDLE = 0.995  # quantile of the codes, along either axis, up to which the plane is decoded
PLANE_SIDE, PLANE_BYTES = 24, 1_000_000  # latents along an axis at most; bytes of their images
POSES = DATA_SETS["coil20"].poses  # 5 degrees apart


def measure_plane(model: Autoencoder, x: NDArray, labels: NDArray, codes: Array) -> Found:
    """Return the numbers of section 4.2 for an autoencoder of images, and the arrays of Figure 5.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode.
    x, labels : array
        Images as vectors of bytes (n, D), and their classes (n,).
    codes : array (n, d)
        Their latent codes; what is said of the plane is left out where d is not 2.
    """
    some = chosen(len(x), SMALL_SAMPLE)
    sigma = np.linalg.svd(differentials(model, x[some[:200]])[0], compute_uv=False)
    metrics = {
        "rmse": errors.rmse(decoder_map(model)(codes[some]), x[some]),
        "mean_image_rmse": float(np.sqrt((x[some] / 255).var(0).mean())),
        "singular_value_median": float(np.median(sigma)),
        "condition_median": float(np.median(sigma[:, 0] / np.maximum(sigma[:, -1], 1e-12))),
    }
    figures = {"singular_values": for_a_picture(sigma)}
    if codes.shape[1] == 2:
        metrics |= embedding_numbers(x, labels, codes)
        figures |= decoded_plane(model, codes, x.shape[1])
    return metrics, figures


def decoded_plane(model: Autoencoder, codes: Array, pixels: int) -> dict[str, NDArray]:
    """Decode a regular grid of latents over the middle of the codes (n, 2).

    Parameters
    ----------
    pixels : int
        D, of an image. The grid has `PLANE_SIDE` latents along either axis, and fewer where their
        images would have more than `PLANE_BYTES`.

    Returns
    -------
    dict
        `plane_axes` (2, side), the coordinates of the latents; `decoded_plane` (side, side, D),
        their images as bytes; `plane_metric` (side, side, 2, 2), the pullback metric df'df, by
        which a small step u in the plane has the length |df u| among the images.
    """
    side = min(PLANE_SIDE, int(np.sqrt(PLANE_BYTES / pixels)))
    low, high = np.quantile(codes, (1 - MIDDLE, MIDDLE), axis=0)
    axes = np.linspace(low, high, side, axis=1)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    images, A = decoder_differentials(model, grid.reshape(-1, 2))
    return {
        "plane_axes": axes.astype(np.float32),
        "decoded_plane": as_bytes(images).reshape(side, side, -1),
        "plane_metric": (A.transpose(0, 2, 1) @ A).reshape(side, side, 2, 2).astype(np.float32),
    }


def embedding_numbers(x: NDArray, labels: NDArray, codes: Array) -> dict[str, float]:
    """Return the numbers of an embedding (n, 2) of any kind, U-MAP's and t-SNE's too."""
    metrics = {
        "crowding": crowding(codes),
        **separation(codes, labels),
        **faithfulness(x, codes),
    }
    if len(codes) == POSES * len(np.unique(labels)):
        rings = codes.reshape(-1, POSES, 2)
        metrics |= {"ring_variation": ring_variation(rings), "closed_rings": closed_rings(rings)}
    return metrics


def chosen(n: int, size: int) -> NDArray[np.int64]:
    """Return `size` indices below n at random, always the same; all of them where n is small."""
    return np.sort(np.random.default_rng(0).permutation(n)[:size])


def crowding(codes: Array) -> float:
    """Return how much denser the middle of an embedding (n, 2) is than an even spread.

    The codes are whitened, so that neither scale nor elongation counts. Of those within the radius
    R that holds 95 %, the share within R/2 is divided by its share of the area, 1/4: 1 for an even
    disc, 1.2 for an even square, 2.2 for a Gaussian, 4 at most.
    """
    centred = codes - codes.mean(0)
    axes, spread, _ = np.linalg.svd(centred, full_matrices=False)
    if spread[-1] <= 1e-9 * spread[0]:
        return 4.0
    r = np.linalg.norm(axes, axis=1)
    outer = np.quantile(r, 0.95)
    return float(4 * (r <= outer / 2).sum() / (r <= outer).sum())


def separation(codes: Array, labels: NDArray) -> dict[str, float]:
    """Return the silhouette of the classes and the accuracy of 5 nearest neighbours in the plane.

    The accuracy is that of five-fold cross-validation.
    """
    from sklearn.metrics import silhouette_score
    from sklearn.model_selection import StratifiedKFold, cross_val_score
    from sklearn.neighbors import KNeighborsClassifier

    some = chosen(len(codes), SAMPLE)
    z, y = codes[some], labels[some]
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    scores = cross_val_score(KNeighborsClassifier(NEIGHBOURS), z, y, cv=folds)
    return {"silhouette": float(silhouette_score(z, y)), "knn_accuracy": float(scores.mean())}


def faithfulness(x: NDArray, codes: Array) -> dict[str, float]:
    """Return trustworthiness, and continuity: the same with the spaces exchanged.

    The former falls when points are neighbours in the plane that are none among the images, the
    latter when neighbours among the images are torn apart.
    """
    from sklearn.manifold import trustworthiness

    some = chosen(len(codes), SMALL_SAMPLE)
    images, z = x[some].astype(np.float32), codes[some]
    return {
        "trustworthiness": float(trustworthiness(images, z, n_neighbors=NEIGHBOURS)),
        "continuity": float(trustworthiness(z, images, n_neighbors=NEIGHBOURS)),
    }


def ring_variation(rings: Array) -> float:
    """Return the coefficient of variation of the distances of neighbouring rotations; 0 is even.

    Over all objects together, for rings (objects, poses, 2): the paper expects points that are
    more or less equidistant.
    """
    steps = np.linalg.norm(np.roll(rings, -1, axis=1) - rings, axis=2)
    return float(steps.std() / steps.mean())


def closed_rings(rings: Array) -> float:
    """Return the share of objects whose views close into a ring in the right order.

    They do if the closed polygon through them, pose by pose, does not cross itself.
    """
    return float(np.mean([not _crosses_itself(ring) for ring in rings]))


def _crosses_itself(polygon: Array) -> bool:
    """Tell whether two edges of a closed polygon (n, 2) that do not touch in a corner cross."""
    n = len(polygon)
    a, b = polygon, np.roll(polygon, -1, axis=0)
    i, j = np.triu_indices(n, 2)
    apart = ~((i == 0) & (j == n - 1))
    i, j = i[apart], j[apart]
    side = _side(a[i], b[i], a[j]) * _side(a[i], b[i], b[j])
    other = _side(a[j], b[j], a[i]) * _side(a[j], b[j], b[i])
    return bool(((side <= 0) & (other <= 0)).any())


def _side(a: Array, b: Array, c: Array) -> Array:
    """Sign of the area of the triangles a, b, c: on which side of a line is a point."""
    u, v = b - a, c - a
    return np.sign(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
