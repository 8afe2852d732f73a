"""The baselines of Figures 3, 5 and 6 and of Tables 2 and 7: computed once, kept, published.

Published are one JSON file per data set in `data/baselines/embeddings`, `.../accuracies` and
`.../pca`, and one per surface in `.../surfaces`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
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
from isoae_lib.paper.metrics import classifiers, geodesics, plane, principal
from isoae_lib.paper.metrics.rounding import with_three_digits
from isoae_lib.paper.provenance import code_digest, commit
from isoae_lib.paper.runs import Run, published, store_path

PUBLISHED = ROOT / "data" / "baselines"
IMAGES_AT_MOST = 2000  # U-MAP and t-SNE need a minute for these; time grows faster than the number
PACKAGES = ("umap-learn", "scikit-learn")  # that compute the baselines
T = TypeVar("T")
Accuracies = dict[str, dict[str, list[float]]]  # "PCA" or "pixels" -> metric -> one per split
Numbers = dict[str, float]  # metric -> value
TESTED = {  # section -> what PCA is asked for on its test images
    "classification": ("test_rmse",),
    "generalization": ("error_per_pixel", "error_norm"),
}


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
    """Return `surface_numbers` of a run on a surface, as published or computed.

    There are none of a diverged run.
    """
    if run.record["status"] != "finished":
        return {}
    known = _published_numbers_of_runs(PUBLISHED).get(run.codes_checksum)
    return known or surface_numbers(run.codes, run.own_chart, run.spec.data)


@cache
def _published_numbers_of_runs(_: Path) -> dict[str, Numbers]:
    """Return the numbers of codes that are published in a folder, by their checksum."""
    by_data = _published("surfaces", lambda record: record.get("runs", {}))
    return {codes: numbers for known in by_data.values() for codes, numbers in known.items()}


def image_embeddings(
    data: str, preset: str
) -> tuple[dict[str, Array], dict[str, Numbers], NDArray]:
    """Embed the images that a preset's runs of Figure 5 see: PCA all, the others the first ones.

    Returns
    -------
    planes, numbers, labels
        Points (n, 2) and metrics by method, and the classes (n,), of the first `IMAGES_AT_MOST`
        images; PCA's metrics are those of all.
    """
    images, labels = (part[:IMAGES_AT_MOST] for part in _figure_5(data, preset).train)
    embed = _kept(baselines.embed_images, "paper.baselines")
    measure = _kept(plane.embedding_numbers, "paper.metrics.plane")
    planes = {method: embed(method, images).astype(float) for method in baselines.OF_IMAGES}
    numbers = {method: measure(images, labels, codes) for method, codes in planes.items()}
    codes, of_pca = _pca_in_the_plane(data, preset)
    return planes | {"PCA": codes[: len(labels)]}, numbers | {"PCA": of_pca}, labels


def _pca_in_the_plane(data: str, preset: str) -> tuple[Array, Numbers]:
    measure = _kept(principal.in_the_plane, "paper.metrics.principal")
    return measure(*_figure_5(data, preset).train)


def pca(data: str, preset: str) -> dict[int, Numbers]:
    """Measure PCA on the images that a preset's runs see, with as many dimensions as their codes.

    Returns
    -------
    dict
        d -> metric -> value, under the names that records have. With d = 2 there is what Figures 5
        and 6 show of a data set that is in them, above it the errors on test images of Tables 2
        and 7; where there are several splits, their means.
    """
    found: dict[int, Numbers] = {}
    if _figure_5_section(data):
        found[2] = _pca_in_the_plane(data, preset)[1]
    measure = _kept(principal.on_test_images, "paper.metrics.principal")
    for section, metrics in TESTED.items():
        for d, splits in _by_latent(section, data, preset).items():
            each = [measure(split.points, split.test[0], d) for split in splits]
            means = {m: float(np.mean([numbers[m] for numbers in each])) for m in metrics}
            found[d] = found.get(d, {}) | means
    return {
        d: {metric: round(value, 6) for metric, value in found[d].items()} for d in sorted(found)
    }


def _figure_5_section(data: str) -> str:
    """Return the first section of Figure 5 that knows a data set, or nothing."""
    names = (n for n in sections.FIGURE_5_NETWORKS if data in sections.SECTIONS[n].known_data)
    return next(names, "")


def _figure_5(data: str, preset: str) -> Data:
    """Return the data of a run of Figure 5 on a data set: the images that are embedded."""
    return _splits(_figure_5_section(data), data, preset)[0]


def _by_latent(section: str, data: str, preset: str) -> dict[int, list[Data]]:
    """Return `_splits` by latent size: at each, runs may see other images."""
    every = (_splits(section, data, preset, v) for v in sections.SECTIONS[section].variants)
    return {splits[0].spec.latent: splits for splits in every if splits}


def _splits(section: str, data: str, preset: str, variant: str = "") -> list[Data]:
    """Return the data of a section's runs on a data set, for each way in which they split it.

    There are none where the section does not know the data set.
    """
    if data not in sections.SECTIONS[section].known_data:
        return []
    name = f"{section}/{data}/AE,{variant}".rstrip(",")
    first = sections.spec(name, preset)
    seeds = sections.SECTIONS[section].seeds[preset] if first.split != "official" else (0,)
    return [Data(sections.spec(name, preset, seed)) for seed in seeds]


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

    def over(splits: list[Data], dimensions: int | None) -> dict[str, list[float]]:
        each = [known(*split.train, *split.test, dimensions) for split in splits]
        return {metric: [found[metric] for found in each] for metric in each[0]}

    return {
        (data, d): {"PCA": over(splits, d), "pixels": over(splits, None)}
        for d, splits in _by_latent("classification", data, preset).items()
    }


def compute(preset: str) -> None:
    """Compute what a preset's pages show of every surface and of the digits.

    Raises
    ------
    InputError
        If they show published baselines.
    """
    if preset == sections.CANARIES:
        raise InputError(
            f"at preset {preset} pages show published baselines: there is nothing to do."
        )
    for surface in SURFACES:
        embeddings(surface, preset)
    for name, run in published():
        if name.startswith("3d/") and "," not in name:
            numbers_of_run(run)
    data = sections.SECTIONS["visualization-FC"].data_at(preset)[0]
    image_embeddings(data, preset)
    accuracies(data, preset)
    pca(data, preset)


def publish(data: str) -> list[Path]:
    """Compute a data set's baselines at the scale of the published runs; return the files written.

    Raises
    ------
    InputError
        If a file cannot be written.
    """
    if data in SURFACES:
        return [_write("surfaces", data, _surface_record(data))]
    records = {"pca": _pca_record(data)}
    if data in sections.SECTIONS["classification"].known_data:
        records |= {"embeddings": _embeddings_record(data), "accuracies": _accuracies_record(data)}
    return [_write(kind, data, record) for kind, record in records.items()]


def _write(kind: str, data: str, record: dict[str, Any]) -> Path:
    file = PUBLISHED / kind / f"{data}.json"
    write_whole(file, json.dumps({"data": data, "commit": commit()} | record) + "\n")
    return file


def _pca_record(data: str) -> dict[str, Any]:
    """Return what is published of PCA, and which images it was measured on, by section."""
    asked = {
        section: _by_latent(section, data, "published")
        for section in filter(None, (_figure_5_section(data), *TESTED))
    }
    record: dict[str, Any] = {
        "versions": {"scikit-learn": version("scikit-learn")},
        "images": {
            section: [
                {
                    "latent": d, "seed": split.spec.seed, "points": split.spec.points,
                    "split": split.spec.split, "sha256": split.digest, "official": split.official,
                }
                for d, splits in by_latent.items()
                for split in splits
            ]
            for section, by_latent in asked.items()
            if by_latent
        },
        "metrics": {str(d): numbers for d, numbers in pca(data, "published").items()},
    }  # fmt: skip
    if _figure_5_section(data):
        codes, _ = _pca_in_the_plane(data, "published")
        record["plane"] = codes[:IMAGES_AT_MOST].round(2).tolist()
    return record


def _embeddings_record(data: str) -> dict[str, Any]:
    """Return what is published of U-MAP and t-SNE; coordinates are rounded as a picture allows.

    The numbers of section 4.2 are taken before.
    """
    planes, numbers, labels = image_embeddings(data, "published")
    return {
        "images": len(labels), "official": _figure_5(data, "published").official,
        "versions": {name: version(name) for name in PACKAGES},
        "metrics": {method: numbers[method] for method in baselines.OF_IMAGES},
        "labels": labels.tolist(),
        "planes": {method: planes[method].round(2).tolist() for method in baselines.OF_IMAGES},
    }  # fmt: skip


def _accuracies_record(data: str) -> dict[str, Any]:
    by_latent = _by_latent("classification", data, "published")
    return {
        "images": {
            str(d): {
                "seeds": [split.spec.seed for split in splits], "points": splits[0].spec.points,
                "split": splits[0].spec.split, "official": splits[0].official,
            }
            for d, splits in by_latent.items()
        },
        "accuracies": {str(d): found for (_, d), found in accuracies(data, "published").items()},
    }  # fmt: skip


def _surface_record(data: str) -> dict[str, Any]:
    """Return what is published of a surface: embeddings, their numbers, and those of its runs.

    Coordinates are of the first seed, and rounded as a picture allows.
    """
    seeds = sections.SECTIONS["3d"].seeds["published"]
    metrics: dict[str, list[Numbers]] = {method: [] for method in baselines.EMBEDDINGS}
    planes: dict[str, Any] = {}
    for seed in seeds:
        chart = Data(sections.spec(f"3d/{data}/I-AE", "published", seed)).truth
        for method, codes in embeddings(data, "published", seed).items():
            metrics[method].append(surface_numbers(codes, chart, data))
            planes.setdefault(method, with_three_digits(codes).tolist())
    return {
        "seeds": seeds, "points": len(chart), "metrics": metrics,
        "versions": {name: version(name) for name in PACKAGES}, "planes": planes,
        "runs": {
            run.codes_checksum: surface_numbers(run.codes, run.own_chart, data)
            for name, run in published()
            if name.startswith(f"3d/{data}/") and "," not in name
            and run.record["status"] == "finished"
        },
    }  # fmt: skip


def published_planes() -> dict[str, dict[str, Array]]:
    """Return the published embeddings of surfaces, codes (n, 2) by surface and method; first seed.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return _published(
        "surfaces", lambda record: {m: np.array(codes) for m, codes in record["planes"].items()}
    )


def published_on_surfaces() -> dict[str, dict[str, list[Numbers]]]:
    """Return the published numbers of the embeddings of surfaces, by surface, method and seed.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return _published("surfaces", lambda record: record["metrics"])


def published_embeddings() -> dict[str, dict[str, Any]]:
    """Return the published embeddings by data set; planes (n, 2) and labels (n,) as arrays.

    PCA's plane and metrics are among them; its points are of the same images as the others'.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    numbers = published_pca()
    codes = _published("pca", lambda record: record.get("plane"))

    def with_arrays(record: dict[str, Any]) -> dict[str, Any]:
        planes, metrics = record["planes"], record["metrics"]
        if codes.get(data := record["data"]):
            planes, metrics = planes | {"PCA": codes[data]}, metrics | {"PCA": numbers[data][2]}
        arrays = {method: np.array(points) for method, points in planes.items()}
        return record | {
            "planes": arrays, "metrics": metrics, "labels": np.array(record["labels"])
        }  # fmt: skip

    return _published("embeddings", with_arrays)


def published_pca() -> dict[str, dict[int, Numbers]]:
    """Return what the published PCA scores: data set -> d -> metric -> value, as `pca` does.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    return _published("pca", lambda record: _by_size(record["metrics"]))


def published_accuracies() -> dict[tuple[str, int], Accuracies]:
    """Return the published accuracies by data set and d.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    by_data = _published("accuracies", lambda record: _by_size(record["accuracies"]))
    return {(data, d): found for data, sizes in by_data.items() for d, found in sizes.items()}


def _by_size(found: dict[str, Any]) -> dict[int, Any]:
    """Return what a record knows by d, whose names are numbers again."""
    return {int(d): known for d, known in found.items()}


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
