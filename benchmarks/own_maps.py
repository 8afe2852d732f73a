"""`IsometricAutoencoder` side by side with U-MAP and t-SNE, each at its defaults, in one run.

`python benchmarks/own_maps.py --json data/benchmarks/own_maps.json` takes about half an hour. Times
are seconds that one core worked, and the load says how many processes wanted one. U-MAP is
umap-learn, t-SNE is openTSNE where it is installed, which places new points too, and scikit-learn's
elsewhere.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
import umap
from numpy.typing import NDArray
from own_points import torus
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, trustworthiness
from train_step import processor

from isoae_lib import IsometricAutoencoder
from isoae_lib.core.faithfulness import kept

SAMPLE = 2000  # points whose neighbours are compared
NEW = 100_000  # points that are placed on a finished map
NEW_OF_OTHERS = 5000  # the same for those that would take minutes


class Points(NamedTuple):
    """Points to map, their true places where they are known, and how to draw new ones."""

    x: NDArray
    true: NDArray
    new: Callable[[int], NDArray] | None


def noisy_torus(count: int, dimensions: int, noise: float) -> Points:
    """A patch of a flat torus, with noise in all dimensions."""

    def draw(n: int, seed: int) -> tuple[NDArray, NDArray]:
        x, flat = torus(n, seed, dimensions, axes=0)
        return x + noise * np.random.default_rng([seed, 1]).normal(size=x.shape), flat

    return Points(*draw(count, 1), lambda n: draw(n, 2)[0])


def digits() -> Points:
    """Scikit-learn's digits, whose true places are not known: distances are those of pixels."""
    x = load_digits().data
    return Points(x, x, None)


DATA_SETS = {
    "flat torus, 3,000 points in 10 dimensions": lambda: noisy_torus(3000, 10, 0.0),
    "flat torus with noise, 10,000 points in 50 dimensions": lambda: noisy_torus(10_000, 50, 0.01),
    "digits, 1,797 points in 64 dimensions": digits,
}


def open_tsne() -> Any:
    """Return openTSNE's map, or scikit-learn's where it is not installed."""
    try:
        import openTSNE
    except ModuleNotFoundError:
        return TSNE(random_state=0, n_jobs=1)
    return openTSNE.TSNE(random_state=0, n_jobs=1)


def fitted(name: str, x: NDArray) -> tuple[NDArray, Any]:
    """Return the codes of points, and what places new ones."""
    if name == "t-SNE":
        maker = open_tsne()
        if hasattr(maker, "fit_transform"):
            return maker.fit_transform(x), None
        codes = maker.fit(x)
        return np.asarray(codes), codes
    makers = {
        "I-AE": lambda: IsometricAutoencoder(random_state=0, device="cpu"),
        "PCA": lambda: PCA(2),
        "U-MAP": lambda: umap.UMAP(random_state=0, n_jobs=1),
    }
    maker = makers[name]().fit(x)
    return maker.transform(x) if name in ("I-AE", "PCA") else maker.embedding_, maker


def compared(name: str, points: Points) -> dict[str, Any]:
    """Map points, and return how long it took and what it kept."""
    began = time.process_time()
    codes, maker = fitted(name, points.x)
    row: dict[str, Any] = {"fit_seconds": time.process_time() - began}
    some = np.random.default_rng(0).permutation(len(points.x))[:SAMPLE]
    row |= {
        "trustworthiness": trustworthiness(points.x[some], codes[some]),
        "continuity": trustworthiness(codes[some], points.x[some]),
        **kept(codes, points.true)._asdict(),
    }
    if points.new is not None and maker is not None:
        new = points.new(NEW if name in ("I-AE", "PCA") else NEW_OF_OTHERS)
        began = time.process_time()
        maker.transform(new)
        row["transform_seconds_per_100000"] = (time.process_time() - began) * NEW / len(new)
    return {key: round(float(value), 5) for key, value in row.items()}


def main(
    json_file: Annotated[Path, typer.Option("--json", help="where the numbers go")],
) -> None:
    """Make every map of every data set, and write the numbers."""
    torch.set_num_threads(1)
    umap.UMAP(random_state=0, n_jobs=1).fit(np.random.default_rng(0).normal(size=(200, 3)))
    rows, load = [], 0.0
    for title, make in DATA_SETS.items():
        points = make()
        for name in ("PCA", "U-MAP", "t-SNE", "I-AE"):
            rows.append({"data": title, "map": name} | compared(name, points))
            load = max(load, os.getloadavg()[0])
            print(rows[-1], flush=True)
    versions = {}
    for package in ("torch", "umap-learn", "openTSNE", "scikit-learn"):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    content = {
        "processor": processor(), "threads": 1, "load": round(load, 1), "versions": versions,
        "rows": rows,
    }  # fmt: skip
    json_file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
