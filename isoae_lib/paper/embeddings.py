"""The classic embeddings of Figures 3 and 5, kept in the store and published."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
from joblib import Memory
from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.files import ROOT
from isoae_lib.paper import references, sections
from isoae_lib.paper.classic import CLASSIC, embed, embed_images
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import plane
from isoae_lib.paper.provenance import code_digest, commit
from isoae_lib.paper.runs import store_path
from isoae_lib.paper.specs import RunSpec

PUBLISHED = ROOT / "data" / "embeddings"
IMAGES_AT_MOST = 2000  # they need a minute for these, and grow faster than the number


def classic(data: str, preset: str) -> dict[str, Array]:
    """Return the classic embeddings of the points that a preset's runs on a surface see, by method.

    Kept in the store by joblib, for these points and this code: the workflow asks for them while
    networks train.
    """
    points = Data(sections.spec(f"3d/{data}/I-AE", preset)).points
    known = _memory().cache(embed)
    return {method: known(method, points) for method in CLASSIC}


def classic_images(data: str, preset: str) -> tuple[dict[str, Array], NDArray, NDArray]:
    """Return U-MAP's and t-SNE's embeddings by method, and the images and classes they are of.

    Of the images that a preset's runs see, the first `IMAGES_AT_MOST`.
    """
    spec = _spec(data, preset)
    pixels, labels = (part[:IMAGES_AT_MOST] for part in Data(spec).train)
    known = _memory().cache(embed_images)
    return {method: known(method, pixels) for method in CLASSIC[:2]}, pixels, labels


def _memory() -> Memory:
    return Memory(store_path() / "embeddings" / code_digest("paper.classic"), verbose=0)


def _spec(data: str, preset: str) -> RunSpec:
    """Return a run of Figure 5 on a data set: its images are those that are embedded."""
    known = {name: sections.SECTIONS[name].known_data for name in sections.FIGURE_5_NETWORKS}
    section = next(name for name, data_sets in known.items() if data in data_sets)
    return sections.spec(f"{section}/{data}/AE", preset)


def publish(data: str) -> str:
    """Embed a data set at the scale of the published runs into `data/embeddings`; return the file.

    Coordinates are rounded as a picture allows, the numbers of section 4.2 are taken before.
    """
    planes, pixels, labels = classic_images(data, "published")
    record: dict[str, Any] = {
        "data": data, "images": len(pixels), "official": Data(_spec(data, "published")).official,
        "commit": commit(), "versions": {m: version(m) for m in ("umap-learn", "scikit-learn")},
        "metrics": {
            method: plane.embedding_numbers(pixels, labels, points.astype(float))
            for method, points in planes.items()
        },
        "labels": labels.tolist(),
        "planes": {m: points.astype(float).round(2).tolist() for m, points in planes.items()},
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
    planes = {method: np.array(points) for method, points in record["planes"].items()}
    return record | {"planes": planes, "labels": np.array(record["labels"])}


def prepare(preset: str) -> None:
    """Compute the classic embeddings of every surface and of the digits, and their references."""
    for data in SURFACES:
        classic(data, preset)
    data = sections.SECTIONS["visualization-FC"].data_at(preset)[0]
    classic_images(data, preset)
    references.measured(data, preset)
