"""The baselines of Figures 3 and 5 and of Table 2: computed once, kept in the store, published.

Published are one JSON file per data set in `data/baselines/embeddings` and `.../accuracies`, and
one per surface in `.../surfaces`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from joblib import Memory
from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper import baselines, sections
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import classifiers, geodesics, plane
from isoae_lib.paper.provenance import code_digest, commit
from isoae_lib.paper.runs import Run, published, store_path
from isoae_lib.paper.specs import RunSpec

PUBLISHED = ROOT / "data" / "baselines"
IMAGES_AT_MOST = 2000  # U-MAP and t-SNE need a minute for these; time grows faster than the number
PACKAGES = ("umap-learn", "scikit-learn")  # that compute the baselines
T = TypeVar("T")
Accuracies = dict[str, dict[str, list[float]]]  # "PCA" or "pixels" -> metric -> one per split
SeedMetrics = list[dict[str, float]]  # the metrics of each seed


def _kept(compute: Callable[..., T], *modules: str) -> Callable[..., T]:
    """Let joblib keep in the store what a function computes, as long as `modules` do not change."""
    folder = store_path() / "baselines" / code_digest(*modules)
    return Memory(folder, verbose=0).cache(compute)


def embeddings(data: str, preset: str, seed: int = 0) -> dict[str, Array]:
    """Embed the points that a preset's runs on a surface see; return the embeddings by method."""
    points = Data(sections.spec(f"3d/{data}/I-AE", preset, seed)).points
    embed = _kept(baselines.embed, "paper.baselines")
    return {method: embed(method, points, seed) for method in baselines.EMBEDDINGS}


def surface_numbers(codes: Array, chart: Array, data: str) -> dict[str, float]:
    """Return `geodesics.surface_numbers`, rounded."""
    found = _kept(geodesics.surface_numbers, "paper.metrics.geodesics")(codes, chart, data)
    return {name: round(value, 6) for name, value in found.items()}


def numbers_of_run(run: Run) -> dict[str, float]:
    """Return `surface_numbers` of a run on a surface; none of a diverged one."""
    finished = run.record["status"] == "finished"
    return surface_numbers(run.codes, run.chart, run.spec.data) if finished else {}


def image_embeddings(data: str, preset: str) -> tuple[dict[str, Array], NDArray, NDArray]:
    """Embed the first `IMAGES_AT_MOST` images that a preset's runs of Figure 5 see.

    Returns
    -------
    embeddings, images, labels
        U-MAP's and t-SNE's points (n, 2) by method, the images (n, D) and their classes (n,).
    """
    images, labels = (part[:IMAGES_AT_MOST] for part in Data(_figure_5(data, preset)).train)
    embed = _kept(baselines.embed_images, "paper.baselines")
    return {method: embed(method, images) for method in baselines.OF_IMAGES}, images, labels


def _figure_5(data: str, preset: str) -> RunSpec:
    """Return a run of Figure 5 on a data set: its images are those that are embedded."""
    known = {name: sections.SECTIONS[name].known_data for name in sections.FIGURE_5_NETWORKS}
    section = next(name for name, data_sets in known.items() if data in data_sets)
    return sections.spec(f"{section}/{data}/AE", preset)


def _table_2(data: str, preset: str) -> list[RunSpec]:
    """Return a run of Table 2 for each way that a preset splits a data set."""
    first = sections.spec(f"classification/{data}/AE", preset)
    seeds = sections.SECTIONS["classification"].seeds[preset] if first.split != "official" else (0,)
    return [sections.spec(f"classification/{data}/AE", preset, seed) for seed in seeds]


def classified(
    x: NDArray, y: NDArray, test_x: NDArray, test_y: NDArray, dimensions: int | None
) -> dict[str, float]:
    """Return Table 2's accuracies on images (n, D) of bytes without any autoencoder.

    On their first principal components, or on the pixels where `dimensions` is None.
    """
    z, test_z = x / np.float32(255), test_x / np.float32(255)
    if dimensions is not None:
        z, test_z = baselines.principal_components(z, test_z, dimensions)
    found = classifiers.accuracies(z, y, test_z, test_y)
    return {name: round(value, 6) for name, value in found.items()}


def accuracies(data: str, preset: str) -> dict[tuple[str, int], Accuracies]:
    """Return the accuracies of PCA and pixels on the images of a preset's runs, by data and d."""
    known = _kept(classified, "paper.baselines", "paper.metrics.classifiers")
    splits = [(*split.train, *split.test) for split in map(Data, _table_2(data, preset))]

    def over_splits(dimensions: int | None) -> dict[str, list[float]]:
        each = [known(*split, dimensions) for split in splits]
        return {metric: [found[metric] for found in each] for metric in each[0]}

    pixels = over_splits(None)
    return {(data, d): {"PCA": over_splits(d), "pixels": pixels} for d in sections.LATENTS}


def compute(preset: str) -> None:
    """Compute what a preset's pages show of every surface and of the digits."""
    for surface in SURFACES:
        embeddings(surface, preset)
    for name, run in published():
        if name.startswith("3d/") and "," not in name:
            numbers_of_run(run)
    data = sections.SECTIONS["visualization-FC"].data_at(preset)[0]
    image_embeddings(data, preset)
    accuracies(data, preset)


def publish(data: str) -> list[Path]:
    """Compute a data set's baselines at the scale of the published runs; return the files written.

    Coordinates are rounded as a picture allows. The numbers of section 4.2 are taken before.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    planes, images, labels = image_embeddings(data, "published")
    planes = {method: points.astype(float) for method, points in planes.items()}
    embedded: dict[str, Any] = {
        "data": data, "images": len(images),
        "official": Data(_figure_5(data, "published")).official, "commit": commit(),
        "versions": {m: version(m) for m in PACKAGES},
        "metrics": {
            method: plane.embedding_numbers(images, labels, points)
            for method, points in planes.items()
        },
        "labels": labels.tolist(),
        "planes": {method: points.round(2).tolist() for method, points in planes.items()},
    }  # fmt: skip
    specs = _table_2(data, "published")
    measured: dict[str, Any] = {
        "data": data, "seeds": [spec.seed for spec in specs], "points": specs[0].points,
        "split": specs[0].split, "official": Data(specs[0]).official, "commit": commit(),
        "accuracies": {str(d): found for (_, d), found in accuracies(data, "published").items()},
    }  # fmt: skip
    written = []
    for kind, record in (("embeddings", embedded), ("accuracies", measured)):
        written.append(PUBLISHED / kind / f"{data}.json")
        write_whole(written[-1], json.dumps(record) + "\n")
    return written


def publish_surface(data: str) -> Path:
    """Measure the embeddings of a surface, as `publish` does; return the file written.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    seeds = sections.SECTIONS["3d"].seeds["published"]
    metrics: dict[str, SeedMetrics] = {method: [] for method in baselines.EMBEDDINGS}
    for seed in seeds:
        chart = Data(sections.spec(f"3d/{data}/I-AE", "published", seed)).known
        for method, codes in embeddings(data, "published", seed).items():
            metrics[method].append(surface_numbers(codes, chart, data))
    record = {
        "data": data, "seeds": seeds, "points": len(chart), "commit": commit(),
        "versions": {m: version(m) for m in PACKAGES}, "metrics": metrics,
    }  # fmt: skip
    file = PUBLISHED / "surfaces" / f"{data}.json"
    write_whole(file, json.dumps(record, indent=1) + "\n")
    return file


def published_on_surfaces() -> dict[str, dict[str, SeedMetrics]]:
    """Return what `publish_surface` measured, by surface and method.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return _published("surfaces", lambda record: record["metrics"])


def published_embeddings() -> dict[str, dict[str, Any]]:
    """Return the published embeddings by data set; planes (n, 2) and labels (n,) as arrays.

    Raises
    ------
    InputError
        If a file is damaged.
    """

    def with_arrays(record: dict[str, Any]) -> dict[str, Any]:
        planes = {method: np.array(points) for method, points in record["planes"].items()}
        return record | {"planes": planes, "labels": np.array(record["labels"])}

    return _published("embeddings", with_arrays)


def published_accuracies() -> dict[tuple[str, int], Accuracies]:
    """Return the published accuracies by data set and d.

    Raises
    ------
    InputError
        If a file is damaged.
    """

    def by_size(record: dict[str, Any]) -> dict[int, Accuracies]:
        return {int(d): found for d, found in record["accuracies"].items()}

    by_data = _published("accuracies", by_size)
    return {(data, d): found for data, sizes in by_data.items() for d, found in sizes.items()}


def _published(kind: str, content: Callable[[dict[str, Any]], T]) -> dict[str, T]:
    """Return by data set what `content` takes from the published records of one kind."""
    found = {}
    for file in sorted((PUBLISHED / kind).glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            found[record["data"]] = content(record)
        except (ValueError, KeyError) as error:
            raise InputError(f"{file} is damaged ({error}).") from None
    return found
