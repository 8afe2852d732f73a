"""The paper's tables as it prints them."""

from __future__ import annotations

import csv
from pathlib import Path

from isoae_lib.files import project

NAMES = {  # data sets and methods as Tables 2 and 7 write them
    "MNIST": "mnist", "FMNIST": "fashion-mnist", "COIL20": "coil20", "CIFAR-10": "cifar10",
    "CelebA": "celeba", "Lpiso": "I-AE-without-L_iso", "Lpiso+Liso": "I-AE",
}  # fmt: skip


def _folder() -> Path:
    return project() / "data" / "paper"


def table_1() -> dict[str, dict[str, float]]:
    """Return Table 1 as printed: std of edge ratios, by surface and method."""
    with (_folder() / "table1_edge_ratio_std.csv").open(encoding="utf-8") as file:
        return {
            row.pop("surface"): {method: float(value) for method, value in row.items()}
            for row in csv.DictReader(file)
        }


def table_2(classifier: str) -> dict[tuple[str, int], dict[str, float]]:
    """Return half of Table 2 as printed, "svm" or "knn": accuracy by data set and d, and method."""
    name = {"svm": "table2_linear_svm_accuracy.csv", "knn": "table2_knn5_accuracy.csv"}[classifier]
    with (_folder() / name).open(encoding="utf-8") as file:
        return {
            (NAMES[row.pop("dataset")], int(row.pop("latent_dim"))): {
                method: float(value) for method, value in row.items()
            }
            for row in csv.DictReader(file)
        }


def table_7() -> dict[tuple[str, str], dict[str, float]]:
    """Return Table 7 as printed: by data set and distance ("L2" or "FID"), and method."""
    with (_folder() / "table7_generalization.csv").open(encoding="utf-8") as file:
        return {
            (NAMES[row.pop("dataset")], row.pop("distance")): {
                NAMES.get(method, method): float(value) for method, value in row.items()
            }
            for row in csv.DictReader(file)
        }
