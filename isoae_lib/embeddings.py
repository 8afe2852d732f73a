"""The classic embeddings of Figures 3 and 5: U-MAP, t-SNE and LLE, with the paper's settings."""

from __future__ import annotations

import os
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
from joblib import Memory
from numpy.typing import ArrayLike, NDArray

from isoae_lib import paper, planar, references
from isoae_lib.datasets import official, training_data
from isoae_lib.errors import choose
from isoae_lib.evaluation import checked
from isoae_lib.provenance import ROOT, code_digest, commit
from isoae_lib.runs import store_path
from isoae_lib.specs import RunSpec
from isoae_lib.surfaces import SURFACES, Array

PUBLISHED = ROOT / "data" / "embeddings"
CLASSIC = ("U-MAP", "t-SNE", "LLE")
IMAGES_AT_MOST = 2000  # they need a minute for these, and grow faster than the number


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


def _umap(x: NDArray, **settings: int) -> Array:
    os.environ.setdefault("TQDM_DISABLE", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that a seed makes it use one thread
        from umap import UMAP

        return UMAP(**settings).fit_transform(x)


def classic(data: str, preset: str) -> dict[str, Array]:
    """Return the classic embeddings of the points that a preset's runs on a surface see, by method.

    Kept in the store by joblib, for these points and this code: the workflow asks for them while
    networks train.
    """
    points, _ = training_data(paper.spec(f"3d/{data}/I-AE", preset))
    known = _memory().cache(embed)
    return {method: known(method, points) for method in CLASSIC}


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


def classic_images(data: str, preset: str) -> tuple[dict[str, Array], NDArray, NDArray]:
    """Return U-MAP's and t-SNE's embeddings by method, and the images and classes they are of.

    Of the images that a preset's runs see, the first `IMAGES_AT_MOST`.
    """
    spec = _spec(data, preset)
    pixels, labels = (part[:IMAGES_AT_MOST] for part in training_data(spec))
    known = _memory().cache(embed_images)
    return {method: known(method, pixels) for method in CLASSIC[:2]}, pixels, labels


def _memory() -> Memory:
    return Memory(store_path() / "embeddings" / code_digest("embeddings"), verbose=0)


def _spec(data: str, preset: str) -> RunSpec:
    """Return a run of Figure 5 on a data set: its images are those that are embedded."""
    section = next(s for s in paper.FIGURE_5_NETWORKS if data in paper.SECTIONS[s][0])
    return paper.spec(f"{section}/{data}/AE", preset)


def publish(data: str) -> str:
    """Embed a data set at the scale of the published runs into `data/embeddings`; return the file.

    Coordinates are rounded as a picture allows, the numbers of section 4.2 are taken before.
    """
    planes, pixels, labels = classic_images(data, "published")
    record: dict[str, Any] = {
        "data": data, "images": len(pixels), "official": official(_spec(data, "published")),
        "commit": commit(), "versions": {m: version(m) for m in ("umap-learn", "scikit-learn")},
        "metrics": {
            method: planar.of_plane(pixels, labels, plane.astype(float))
            for method, plane in planes.items()
        },
        "labels": labels.tolist(),
        "planes": {m: plane.astype(float).round(2).tolist() for m, plane in planes.items()},
    }  # fmt: skip
    return references.keep(PUBLISHED, record)


def published() -> dict[str, dict[str, Any]]:
    """Return what `publish` wrote, by data set; planes (n, 2) and labels (n,) as arrays.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return references.kept(PUBLISHED, _with_arrays)


def _with_arrays(record: dict[str, Any]) -> dict[str, Any]:
    planes = {method: np.array(plane) for method, plane in record["planes"].items()}
    return record | {"planes": planes, "labels": np.array(record["labels"])}


def prepare(preset: str) -> None:
    """Compute the classic embeddings of every surface and of the digits, and their references."""
    for data in SURFACES:
        classic(data, preset)
    data = paper.image_data(preset)[0]
    classic_images(data, preset)
    references.measured(data, preset)
