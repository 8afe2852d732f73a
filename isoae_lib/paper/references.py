"""What Table 2 leaves out: the classifiers on raw pixels, and on as many principal components.

And how what needs no autoencoder is published: one JSON file a data set.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from joblib import Memory

from isoae_lib.errors import InputError
from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper import sections
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import classifiers
from isoae_lib.paper.provenance import code_digest, commit
from isoae_lib.paper.runs import store_path

PUBLISHED = ROOT / "data" / "references"
T = TypeVar("T")
Accuracies = dict[str, dict[str, list[float]]]  # "PCA" or "pixels" -> accuracies, a split each


def seeds_of(data: str, preset: str) -> tuple[int, ...]:
    """Return the seeds of the splits that a preset's runs have; the official one needs no seed."""
    split = sections.spec(f"classification/{data}/AE", preset).split
    return sections.SECTIONS["classification"].seeds[preset] if split != "official" else (0,)


def measured(data: str, preset: str) -> dict[tuple[str, int], Accuracies]:
    """Return the accuracies of PCA and pixels on the images of a preset's runs, by data and d.

    Kept in the store by joblib, for this code.
    """
    kept_at = store_path() / "references" / code_digest("paper.metrics.classifiers")
    known = Memory(kept_at, verbose=0).cache(classifiers.without_autoencoder)
    specs = [sections.spec(f"classification/{data}/AE", preset, s) for s in seeds_of(data, preset)]
    splits = [(*data.train, *data.test) for data in map(Data, specs)]

    def over_splits(size: int | None) -> dict[str, list[float]]:
        each = [known(*split, size) for split in splits]
        return {metric: [found[metric] for found in each] for metric in each[0]}

    pixels = over_splits(None)
    return {(data, d): {"PCA": over_splits(d), "pixels": pixels} for d in sections.LATENTS}


def publish(data: str) -> str:
    """Measure at the scale of the published runs and write `data/references`; return the file."""
    found = measured(data, "published")
    spec = sections.spec(f"classification/{data}/AE", "published")
    record: dict[str, Any] = {
        "data": data, "seeds": seeds_of(data, "published"), "points": spec.points,
        "split": spec.split, "official": Data(spec).official, "commit": commit(),
        "accuracies": {str(d): accuracies for (_, d), accuracies in found.items()},
    }  # fmt: skip
    return keep(PUBLISHED, record)


def published() -> dict[tuple[str, int], Accuracies]:
    """Return the published accuracies by data set and d.

    Raises
    ------
    InputError
        If a file is damaged.
    """
    by_size = kept(PUBLISHED, lambda record: {int(d): a for d, a in record["accuracies"].items()})
    return {(data, d): a for data, found in by_size.items() for d, a in found.items()}


def keep(folder: Path, record: dict[str, Any]) -> str:
    """Write a record as JSON under the name of its data set, whole or not at all; return the file.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    file = folder / f"{record['data']}.json"
    write_whole(file, json.dumps(record) + "\n")
    return str(file)


def kept(folder: Path, of: Callable[[dict[str, Any]], T]) -> dict[str, T]:
    """Return by data set what `of` makes of the records that `keep` wrote into a folder.

    Raises
    ------
    InputError
        If a file is damaged, or lacks what `of` asks for.
    """
    found = {}
    for file in sorted(folder.glob("*.json")):
        try:
            record = json.loads(file.read_text(encoding="utf-8"))
            found[record["data"]] = of(record)
        except (ValueError, KeyError) as error:
            raise InputError(f"{file} is damaged ({error}).") from None
    return found
