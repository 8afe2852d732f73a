"""The paper's tables as it prints them."""

from __future__ import annotations

import csv

from isoae_lib.files import project

NAMES = {  # data sets and methods as Tables 2 and 7 write them
    "MNIST": "mnist", "FMNIST": "fashion-mnist", "COIL20": "coil20", "CIFAR-10": "cifar10",
    "CelebA": "celeba", "Lpiso": "I-AE-without-L_iso", "Lpiso+Liso": "I-AE",
}  # fmt: skip


def _read(name: str, *columns: str) -> dict[tuple[str, ...], dict[str, float]]:
    """Return a table by the values of its first columns, and method."""
    with (project() / "data" / "paper" / f"{name}.csv").open(encoding="utf-8") as file:
        rows = [
            {NAMES.get(k, k): NAMES.get(v, v) for k, v in row.items()}
            for row in csv.DictReader(file)
        ]
    return {
        tuple(row.pop(column) for column in columns): {m: float(v) for m, v in row.items()}
        for row in rows
    }


def table_1() -> dict[str, dict[str, float]]:
    """Return Table 1 as printed: std of edge ratios, by surface and method."""
    return {surface: row for (surface,), row in _read("table1_edge_ratio_std", "surface").items()}


def table_2(classifier: str) -> dict[tuple[str, int], dict[str, float]]:
    """Return half of Table 2 as printed, "svm" or "knn": accuracy by data set and d, and method."""
    name = {"svm": "table2_linear_svm_accuracy", "knn": "table2_knn5_accuracy"}[classifier]
    return {(data, int(d)): row for (data, d), row in _read(name, "dataset", "latent_dim").items()}


def table_7() -> dict[tuple[str, str], dict[str, float]]:
    """Return Table 7 as printed: by data set and distance ("L2" or "FID"), and method."""
    rows = _read("table7_generalization", "dataset", "distance")
    return {(data, distance): row for (data, distance), row in rows.items()}
