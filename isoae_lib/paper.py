"""The paper's experiments: for each chapter and preset, the runs; and the printed tables.

Loads without torch, so that the workflow can plan before anything heavy starts.
"""

from __future__ import annotations

import csv
from pathlib import Path

from isoae_lib.errors import InputError, choose
from isoae_lib.specs import METHODS, RunSpec

TABLES = Path(__file__).resolve().parent.parent / "data" / "paper"
PRESETS = ("smoke", "laptop", "paper")
SCALES = (*PRESETS, "published")  # the last is that of the records in data/runs
NOTEBOOKS = ("01_theory", "02_toy_projection", "03_evaluation_3d", "08_claims", "09_speed")
DECIDING = (  # the modules that decide a run's numbers
    "architectures", "chain", "curves", "datasets", "decoding", "engine", "evaluation", "images",
    "isometry", "networks", "penalties", "planar", "specs", "surfaces", "training",
)  # fmt: skip
SURFACES_3D = ("s-shape", "swiss-roll", "open-sphere")
TABLE_1_METHODS = ("I-AE", "CAE", "TCAE", "RAE-GP", "DAE", "AE")

# What a preset changes of a RunSpec, by section. One setting for all methods of a section.
SETTINGS: dict[str, dict[str, dict[str, int | float]]] = {
    "3d": {
        "smoke": {"points": 400, "steps": 40, "batch": 64, "width": 32, "depth": 2},
        "laptop": {"points": 2000, "steps": 1200, "batch": 64, "rate": 4e-3},
        "paper": {
            "points": 2000,
            "steps": 100_000,
            "batch": 2000,
            "rate": 1e-3,
            "decades": 4.0,
        },
        "published": {
            "points": 2000,
            "steps": 10_000,
            "batch": 200,
            "rate": 2e-3,
            "decades": 4.0,
        },
    },
    "toy": {
        "smoke": {"points": 16, "steps": 100, "batch": 16, "width": 32, "depth": 2},
        "laptop": {"points": 16, "steps": 1500, "batch": 16, "width": 128, "depth": 3},
        "paper": {"points": 16, "steps": 20_000, "batch": 16, "width": 128, "depth": 3},
    },
}
SEEDS = {"smoke": (0, 1), "laptop": (0, 1), "paper": (0, 1, 2), "published": (0, 1, 2)}
TOY = {"latent": 1, "weight": 0.1}

# Network passes of one step, a forward and a backward each, for the workflow's progress.
PASSES = {
    "I-AE": 5.0, "I-AE-without-L_piso": 4.0, "CAE": 4.0, "TCAE": 4.0, "RAE-GP": 5.0,
    "DAE": 2.0, "AE": 2.0,
}  # fmt: skip

SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "toy": (("curve",), ("I-AE", "CAE")),
    "3d": (SURFACES_3D, METHODS),
}


def spec(name: str, preset: str, seed: int = 0) -> RunSpec:
    """Return the spec of the run `section/data/method` at a preset.

    Raises
    ------
    InputError
        If the preset or a part of the name is unknown, with the close matches.
    """
    choose("preset", preset, SCALES)
    parts = name.split("/")
    if len(parts) != 3:
        raise InputError(f"'{name}' is no run: write section/data/method, like 3d/s-shape/I-AE.")
    section, data, method = parts
    data_sets, methods = SECTIONS[choose("section", section, SECTIONS)]
    choose("surface" if section == "3d" else "data set", data, data_sets)
    choose("method", method, methods)
    choose(f"scale of section {section}", preset, SETTINGS[section])
    settings = SETTINGS[section][preset] | (TOY if section == "toy" else {})
    return RunSpec(data=data, method=method, seed=seed, **settings)  # type: ignore[arg-type]


def section_runs(section: str, preset: str) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run of a section at a preset."""
    data_sets, methods = SECTIONS[section]
    seeds = SEEDS[choose("preset", preset, PRESETS)]
    return [(f"{section}/{d}/{m}", seed) for seed in seeds for d in data_sets for m in methods]


def notebook_runs(stem: str, preset: str) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run that a notebook shows.

    Raises
    ------
    InputError
        If the notebook or the preset is unknown, with the close matches.
    """
    choose("notebook", stem, NOTEBOOKS)
    toy, evaluation = section_runs("toy", preset), section_runs("3d", preset)
    return {
        "01_theory": [("3d/s-shape/I-AE", SEEDS[preset][0])],
        "02_toy_projection": toy,
        "03_evaluation_3d": evaluation,
        "08_claims": toy + evaluation,
        "09_speed": [],
    }[stem]


def groups(preset: str, stems: tuple[str, ...] = NOTEBOOKS) -> dict[str, list[str]]:
    """Return what one process trains in a row, so that it loads torch once.

    Keys are `section/data/seed`, values the names of the runs that the notebooks need.
    """
    grouped: dict[str, list[str]] = {}
    for name, seed in dict.fromkeys(run for stem in stems for run in notebook_runs(stem, preset)):
        section, data, _ = name.split("/")
        grouped.setdefault(f"{section}/{data}/{seed}", []).append(name)
    return grouped


def cost(name: str, preset: str) -> float:
    """Return about how many seconds a run takes, for the workflow's progress."""
    run = spec(name, preset)
    weights = (run.depth - 1) * run.width**2 + 5 * run.width
    step = 1.2e-3 + 9e-11 * (run.batch + 32) * weights
    return 0.3 + run.steps * PASSES[run.method] * step


def printed_table_1() -> dict[str, dict[str, float]]:
    """Return Table 1 as printed: std of edge ratios, by surface and method."""
    with (TABLES / "table1_edge_ratio_std.csv").open() as file:
        return {
            row.pop("surface"): {method: float(value) for method, value in row.items()}
            for row in csv.DictReader(file)
        }
