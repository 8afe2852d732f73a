"""The paper's experiments: for each chapter and preset, the runs; and the printed tables.

Loads without torch, so that the workflow can plan before anything heavy starts.
"""

from __future__ import annotations

import csv
from pathlib import Path

from isoae_lib import images
from isoae_lib.errors import InputError, choose
from isoae_lib.specs import METHODS, RunSpec, change

TABLES = Path(__file__).resolve().parent.parent / "data" / "paper"
PRESETS = ("smoke", "laptop", "paper")
SCALES = (*PRESETS, "published")  # the last is that of the records in data/runs
NOTEBOOKS = (
    "01_theory", "02_toy_projection", "03_evaluation_3d", "04_visualization", "06_sensitivity",
    "08_claims", "09_speed",
)  # fmt: skip
DECIDING = (  # the modules that decide a run's numbers
    "architectures", "chain", "curves", "datasets", "decoding", "engine", "evaluation", "images",
    "isometry", "networks", "penalties", "planar", "specs", "surfaces", "training",
)  # fmt: skip
SURFACES_3D = ("s-shape", "swiss-roll", "open-sphere")
TABLE_1_METHODS = ("I-AE", "CAE", "TCAE", "RAE-GP", "DAE", "AE")

Settings = dict[str, int | float | str]

# What a preset changes of a RunSpec, by section. One setting for all methods of a section.
SETTINGS: dict[str, dict[str, Settings]] = {
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
    "visualization-FC": {
        "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 400, "batch": 128, "width_factor": 1 / 2},
        "paper": {"points": 60_000, "steps": 468_750, "batch": 128},
        "published": {"points": 60_000, "steps": 9380, "batch": 128},
    },
    "visualization-CNN": {
        "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 300, "batch": 64, "width_factor": 1 / 8},
        "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
        "published": {"points": 60_000, "steps": 4690, "batch": 128},
    },
    "visualization-COIL": {
        "smoke": {"points": 1440, "steps": 4, "batch": 16, "width_factor": 1 / 64},
        "laptop": {"points": 1440, "steps": 200, "batch": 144, "width_factor": 1 / 16},
        "paper": {"points": 1440, "steps": 10_000, "batch": 144},
        "published": {"points": 1440, "steps": 2000, "batch": 144, "width_factor": 1 / 8},
    },
    "sensitivity": {
        "smoke": {"points": 500, "steps": 10, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 300, "batch": 64, "width_factor": 1 / 8},
        "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
        "published": {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1 / 2},
    },
}
# What no preset changes.
IMAGES: Settings = {"reduction": "mean", "schedule": "constant"}
FIXED: dict[str, Settings] = {
    "toy": {"latent": 1, "weight": 0.1},
    "3d": {},
    "visualization-FC": {**IMAGES, "network": "FC-NN", "weight": 0.1},
    "visualization-CNN": {**IMAGES, "network": "S-CNN", "weight": 0.075},
    "visualization-COIL": {**IMAGES, "network": "L-CNN", "weight": 0.1},
    "sensitivity": {**IMAGES, "network": "S-CNN"},
}
EXCEPTIONS: dict[tuple[str, str], Settings] = {  # Table 5
    ("visualization-FC", "fashion-mnist"): {"weight": 0.01},
}
FIGURE_5_NETWORKS = {s: str(FIXED[s]["network"]) for s in FIXED if s.startswith("visualization")}
SEEDS = {"smoke": (0, 1), "laptop": (0, 1), "paper": (0, 1, 2), "published": (0, 1, 2)}
SEEDS_OF_IMAGES = {"smoke": (0,), "laptop": (0,), "paper": (0, 1, 2), "published": (0, 1, 2)}

# Network passes of one step, a forward and a backward each, for the workflow's progress.
PASSES = {
    "I-AE": 5.0, "I-AE-without-L_piso": 4.0, "CAE": 4.0, "TCAE": 4.0, "RAE-GP": 5.0,
    "DAE": 2.0, "AE": 2.0,
}  # fmt: skip

DIGITS = ("mnist", "mnist-5k", "fashion-mnist")
FIGURE_5_METHODS = ("I-AE", "CAE", "RAE-GP", "DAE", "AE")
FIGURE_6_WEIGHTS = (0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1)  # decision 20
ABLATIONS = {  # decision -> what is set otherwise, beside the weight of section 4.2
    "1": "reduction=sum", "2": "sampler=uniform", "4": "statistics=probes", "12": "rate=0.0001",
    "12 again": "rate=0.0005",
}  # fmt: skip
VARIANTS = (
    *(f"weight={w}" for w in FIGURE_6_WEIGHTS), *(f"weight=0.075,{s}" for s in ABLATIONS.values())
)  # fmt: skip
SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "toy": (("curve",), ("I-AE", "CAE")),
    "3d": (SURFACES_3D, METHODS),
    "visualization-FC": (DIGITS, FIGURE_5_METHODS),
    "visualization-CNN": (DIGITS, FIGURE_5_METHODS),
    "visualization-COIL": (("coil20",), FIGURE_5_METHODS),
    "sensitivity": (DIGITS, ("I-AE",)),
}


def spec(name: str, preset: str, seed: int = 0) -> RunSpec:
    """Return the spec of the run `section/data/method` at a preset.

    Behind the method may stand what differs, as in `sensitivity/mnist/I-AE,weight=0.5`.

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
    method, *variant = method.split(",")
    data_sets, methods = SECTIONS[choose("section", section, SECTIONS)]
    choose("surface" if section == "3d" else "data set", data, data_sets)
    choose("method", method, methods)
    choose(f"scale of section {section}", preset, SETTINGS[section])
    settings = SETTINGS[section][preset] | FIXED[section] | EXCEPTIONS.get((section, data), {})
    if data == "mnist-5k":
        settings["points"] = min(5000, int(settings["points"]))
    plain = RunSpec(data=data, method=method, seed=seed, **settings)  # type: ignore[arg-type]
    return change(plain, variant)


def section_runs(section: str, preset: str) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run of a section at a preset, on the data that are there."""
    data_sets, methods = SECTIONS[section]
    choose("preset", preset, PRESETS)
    if section in ("toy", "3d"):
        seeds = SEEDS[preset]
    else:
        seeds = SEEDS_OF_IMAGES[preset]
        data_sets = tuple(d for d in data_sets if d in image_data(preset))
    variants = [f"I-AE,{v}" for v in VARIANTS] if section == "sensitivity" else methods
    return [(f"{section}/{d}/{m}", seed) for seed in seeds for d in data_sets for m in variants]


def image_data(preset: str) -> tuple[str, ...]:
    """Return the data sets of chapters on images that a preset trains on, if they are there.

    The shorter presets take MNIST alone; 5,000 of its digits stand in where it is missing.
    """
    wanted = ("mnist", "fashion-mnist", "coil20") if preset == "paper" else ("mnist",)
    there = tuple(name for name in wanted if images.present(name) != "missing")
    return there if "mnist" in there else ("mnist-5k", *there)


def notebook_runs(stem: str, preset: str) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run that a notebook shows.

    Raises
    ------
    InputError
        If the notebook or the preset is unknown, with the close matches.
    """
    choose("notebook", stem, NOTEBOOKS)
    runs = {section: section_runs(section, preset) for section in SECTIONS}
    visualization = [run for section in FIGURE_5_NETWORKS for run in runs[section]]
    return {
        "01_theory": [("3d/s-shape/I-AE", SEEDS[preset][0])],
        "02_toy_projection": runs["toy"],
        "03_evaluation_3d": runs["3d"],
        "04_visualization": visualization,
        "06_sensitivity": runs["sensitivity"],
        "08_claims": [run for section in runs.values() for run in section],
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
