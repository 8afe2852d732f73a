"""The published fits of the chapter on one's own data, beside other maps of the same points.

`python benchmarks/own_data.py digits table hole` writes `data/own/NAME.npz` and `NAME.json`, which
the chapter reads. It takes about half an hour on two cores.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
import umap
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from train_step import processor

from isoae_lib import IsometricAutoencoder
from isoae_lib.book import own_data
from isoae_lib.core.faithfulness import kept, lost_by_pca

SAMPLE = 1500  # points whose neighbours are compared
WEIGHTS = (0.0005, 0.005, 0.05, 0.5, 5.0)
DIMENSIONS = (1, 2, 4, 8, 16)
SHORT = 1000  # steps of each fit of a sweep
PICTURES = 10


def fit(points: NDArray, scale: str, **settings: Any) -> IsometricAutoencoder:
    """Fit with seed 0."""
    return IsometricAutoencoder(scale=scale, random_state=0, **settings).fit(points)


def other_maps(points: NDArray) -> dict[str, tuple[NDArray, float]]:
    """Return the codes of PCA, U-MAP and t-SNE at their defaults, and the seconds they took."""
    makers = {
        "PCA": PCA(2),
        "U-MAP": umap.UMAP(random_state=0, n_jobs=1),
        "t-SNE": TSNE(random_state=0, n_jobs=1),
    }
    found = {}
    for name, maker in makers.items():
        began = time.process_time()
        codes = maker.fit_transform(points)
        found[name] = codes, time.process_time() - began
    return found


def numbers_of(points: NDArray, codes: NDArray, labels: NDArray) -> dict[str, float]:
    """Compare codes with points: neighbours, distances, and, where there are any, classes.

    For labels (n, 2) distances are compared with those of the labels, which are the flat sheet.
    """
    some = np.random.default_rng(0).permutation(len(points))[:SAMPLE]
    true = points if labels.ndim == 1 else labels
    found = {
        "trustworthiness": trustworthiness(points[some], codes[some]),
        "continuity": trustworthiness(codes[some], points[some]),
        "spearman": kept(codes, true).spearman,
    }
    if labels.ndim == 1:
        found["accuracy"] = cross_val_score(KNeighborsClassifier(5), codes, labels).mean()
    return {name: round(float(value), 4) for name, value in found.items()}


def sweeps(fitted: NDArray, new: NDArray, scale: str) -> dict[str, list[dict[str, float]]]:
    """Score shorter fits on new points, for several weights and several dimensions."""
    found: dict[str, list[dict[str, float]]] = {"weight": [], "n_components": []}
    for name, values in (("weight", WEIGHTS), ("n_components", DIMENSIONS)):
        for value in values:
            model = fit(fitted, scale, steps=SHORT, **{name: value})
            report = model.diagnose(new)
            scaled = model.scaling_.scaled(torch.tensor(new)).numpy()
            row = {
                name: value, "score": model.score(new), "lost": report.lost,
                "lost_by_pca": lost_by_pca(scaled, model.n_components),
                "singular_low": report.singular_low, "singular_high": report.singular_high,
                "trustworthiness": report.trustworthiness,
            }  # fmt: skip
            found[name].append({k: round(float(v), 5) for k, v in row.items()})
            print(found[name][-1], flush=True)
    return found


def extras(model: IsometricAutoencoder, points: own_data.Points) -> dict[str, NDArray]:
    """Return what only digits have: rebuilt digits, and the way from a 0 to a 6 and to a 7."""
    first = {label: int(np.flatnonzero(points.labels == label)[1]) for label in (0, 6)}
    start, end = (model.transform(points.x[[row]]) for row in first.values())
    way = np.linspace(0, 1, PICTURES)[:, None]
    return {
        "rebuilt": model.reconstruct(points.x[:PICTURES]).round(2).astype(np.float32),
        "between": model.inverse_transform(start + way * (end - start)).astype(np.float32),
        "between_rows": np.array(list(first.values())),
    }


def publish(name: str) -> None:
    """Fit one data set, and write what the chapter reads."""
    points = own_data.DATA_SETS[name]()
    scale = "columns" if name == "table" else "global"
    fitted = points.x[~points.new]
    began = time.process_time()
    model = fit(fitted, scale)
    seconds = {"I-AE": time.process_time() - began}
    report = model.diagnose(fitted)
    print(report, flush=True)
    x = points.x / points.x.std(0) if scale == "columns" else points.x
    codes = {"I-AE": model.transform(points.x)}
    for other, (found, spent) in other_maps(x).items():
        codes[other], seconds[other] = found, spent
    arrays = {kind: found.astype(np.float32) for kind, found in codes.items()}
    arrays["far"] = model.distance_to_manifold(points.x).astype(np.float32)
    if name == "digits":
        arrays |= extras(model, points)
    if name == "table":  # what is ordinary, and how far from it all others are
        ordinary = fit(points.x[~points.new & (points.labels == 1)], scale)
        arrays["far_from_benign"] = ordinary.distance_to_manifold(points.x).astype(np.float32)
    content = {
        "points": len(points.x), "columns": points.x.shape[1], "fitted": len(fitted),
        "parameters": {
            key: value for key, value in model.get_params().items()
            if key in ("weight", "steps", "batch_size", "learning_rate", "scale", "random_state")
        },
        "hidden": list(model.hidden), "engine": processor(), "torch": str(torch.__version__),
        "cpu_seconds": {kind: round(spent, 1) for kind, spent in seconds.items()},
        "score_on_new": model.score(points.x[points.new]), "report": report.numbers(),
        "maps": {kind: numbers_of(x, found, points.labels) for kind, found in codes.items()},
        "sweeps": sweeps(fitted, points.x[points.new], scale) if name == "digits" else {},
        "short": SHORT,
    }  # fmt: skip
    own_data.FOLDER.mkdir(exist_ok=True)
    np.savez_compressed(own_data.FOLDER / f"{name}.npz", **arrays)
    text = json.dumps(content, indent=1) + "\n"
    (own_data.FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


def main(
    names: Annotated[list[str], typer.Argument(help=", ".join(own_data.DATA_SETS))],
    folder: Annotated[Path | None, typer.Option(help="where the files go")] = None,
) -> None:
    """Write what the chapter reads about these data sets."""
    if folder is not None:
        own_data.FOLDER = folder
    for name in names:
        publish(name)


if __name__ == "__main__":
    typer.run(main)
