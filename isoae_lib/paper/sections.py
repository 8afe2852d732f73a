"""The paper's experiments: for each chapter and preset, the runs.

Loads without torch, so that the workflow can plan before anything heavy starts.
"""

from __future__ import annotations

from isoae_lib.core.methods import METHODS
from isoae_lib.errors import InputError, choose
from isoae_lib.paper.data import images
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.specs import RunSpec, change

PRESETS = ("smoke", "laptop", "paper")
SCALES = (*PRESETS, "published")  # the last is that of the records in data/runs
NOTEBOOKS = (
    "01_theory", "02_toy_projection", "03_evaluation_3d", "04_visualization", "05_classification",
    "06_sensitivity", "07_generalization", "08_claims", "09_speed",
)  # fmt: skip
TABLE_1_METHODS = ("I-AE", "CAE", "TCAE", "RAE-GP", "DAE", "AE")
METHODS_3D = (*TABLE_1_METHODS, "I-AE-without-L_piso")

Settings = dict[str, int | float | str]

EASED: Settings = {"schedule": "eased", "decades": 4.0}  # short runs on images (decision 12)
# What a preset changes of a RunSpec, by section. One setting for all methods of a section.
SETTINGS: dict[str, dict[str, Settings]] = {
    "3d": {
        "smoke": {"points": 400, "steps": 40, "batch": 64, "width": 32, "depth": 2},
        "laptop": {"points": 1000, "steps": 600, "batch": 64, "rate": 4e-3},
        "paper": {
            "points": 2000,
            "steps": 100_000,
            "batch": 2000,
            "rate": 1e-3,
            "decades": 4.0,
        },
        "published": {
            "points": 2000,
            "steps": 100_000,
            "batch": 200,
            "rate": 1e-3,
            "decades": 4.0,
        },
    },
    "toy": {
        "smoke": {"points": 16, "steps": 100, "batch": 16, "width": 32, "depth": 2},
        "laptop": {"points": 16, "steps": 1000, "batch": 16, "width": 128, "depth": 3},
        "paper": {"points": 16, "steps": 20_000, "batch": 16, "width": 128, "depth": 3},
        "published": {"points": 16, "steps": 20_000, "batch": 16, "width": 128, "depth": 3},
    },
    "visualization-FC": {
        "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 600, "batch": 128, "width_factor": 1 / 2, **EASED},
        "paper": {"points": 60_000, "steps": 468_750, "batch": 128},
        "published": {"points": 60_000, "steps": 46_875, "batch": 128},
    },
    "visualization-CNN": {
        "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 600, "batch": 48, "width_factor": 1 / 8, **EASED},
        "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
        "published": {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1 / 2},
    },
    "visualization-COIL": {
        "smoke": {"points": 1440, "steps": 4, "batch": 16, "width_factor": 1 / 64},
        "laptop": {"points": 1440, "steps": 200, "batch": 144, "width_factor": 1 / 16},
        "paper": {"points": 1440, "steps": 10_000, "batch": 144},
        "published": {"points": 1440, "steps": 4000, "batch": 24, "width_factor": 1 / 32},
    },
    "sensitivity": {
        "smoke": {"points": 500, "steps": 10, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 5000, "steps": 600, "batch": 24, "width_factor": 1 / 16, **EASED},
        "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
        "published": {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1 / 2},
    },
    "classification": {
        "smoke": {"points": 500, "steps": 10, "batch": 64, "width_factor": 1 / 16},
        "laptop": {"points": 4000, "steps": 300, "batch": 32, "width_factor": 1 / 8, **EASED},
        "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
        "published": {"points": 10_000, "steps": 4000, "batch": 25, "width_factor": 1 / 2},
    },
    "generalization": {  # decision 13: narrow networks need a larger rate
        "smoke": {
            "points": 300, "steps": 6, "batch": 100, "rate": 2e-3, "validation": 100,
            "width_factor": 1 / 32,
        },
        "laptop": {
            "points": 3000, "steps": 300, "batch": 32, "rate": 2e-3, "validation": 500,
            "width_factor": 1 / 16,
        },
        "paper": {
            "points": 50_000, "steps": 50_000, "batch": 100, "rate": 5e-4, "validation": 10_000,
        },
        "published": {
            "points": 8000, "steps": 1000, "batch": 100, "rate": 2e-3, "validation": 1000,
            "width_factor": 1 / 16,
        },
    },
}  # fmt: skip
# What is the same at every preset, unless it says otherwise.
IMAGES: Settings = {"schedule": "constant", "reduction": "mean"}  # decisions 1 and 12
FIXED: dict[str, Settings] = {
    "toy": {"latent": 1, "weight": 0.1},
    "3d": {},
    "visualization-FC": {**IMAGES, "network": "FC-NN", "weight": 0.1},
    "visualization-CNN": {**IMAGES, "network": "S-CNN", "weight": 0.075},
    "visualization-COIL": {**IMAGES, "network": "L-CNN", "weight": 0.1},
    "sensitivity": {**IMAGES, "network": "S-CNN"},
    "classification": {**IMAGES, "network": "S-CNN", "weight": 0.075},
    "generalization": {
        **IMAGES, "schedule": "plateau", "weight": 0.1, "network": "MNIST-CNN", "latent": 16,
    },
}  # fmt: skip
EXCEPTIONS: dict[tuple[str, str], Settings] = {  # Tables 5 and 6
    ("visualization-FC", "fashion-mnist"): {"weight": 0.01},
    ("classification", "coil20"): {"network": "L-CNN", "weight": 0.1, "split": "stratified"},
    ("generalization", "cifar10"): {"network": "CIFAR-10-CNN", "latent": 128},
    ("generalization", "celeba"): {"network": "CelebA-CNN", "latent": 128},
}
# What a data set changes of a preset: its size, how soon Adam forgets (decision B), the schedule.
CHANGES: dict[tuple[str, str, str], Settings] = {
    ("3d", "swiss-roll", "paper"): {"beta2": 0.99},
    ("3d", "swiss-roll", "published"): {"beta2": 0.99},
    ("classification", "coil20", "smoke"): {"points": 1080, "steps": 4, "batch": 16,
                                            "width_factor": 1 / 64},
    ("classification", "coil20", "laptop"): {"points": 1080, "steps": 200, "batch": 108,
                                             "width_factor": 1 / 16},
    ("classification", "coil20", "paper"): {"points": 1080, "steps": 10_000, "batch": 108},
    ("classification", "coil20", "published"): {"points": 1080, "steps": 2000, "batch": 24,
                                                "width_factor": 1 / 32, **EASED},
    ("visualization-COIL", "coil20", "published"): EASED,
    ("generalization", "cifar10", "paper"): {"points": 40_000, "steps": 40_000},
    ("generalization", "celeba", "paper"): {"points": 162_770, "steps": 113_960,
                                            "validation": 19_867},
}  # fmt: skip
# What a method changes, by section or by section and data set (decision 14): in Figure 5 and
# Table 2 what the published sweep chose; in Table 7 weights that hold for a mean over pixels.
TUNED: dict[str, dict[str, Settings]] = {
    "visualization-FC": {
        "CAE": {"weight": 0.01}, "RAE-GP": {"weight": 0.0001}, "DAE": {"noise": 0.2},
    },
    "visualization-CNN": {
        "CAE": {"weight": 0.001}, "RAE-GP": {"weight": 0.001}, "DAE": {"noise": 0.1},
        "IRAE": {"weight": 0.01},
    },
    "generalization/mnist": {
        "AEW": {"weight": 1e-5}, "RAE-L2": {"weight": 1e-7, "code_weight": 1e-4},
        "RAE-SN": {"code_weight": 0.009}, "WAE": {"weight": 0.03},
    },
    "generalization/cifar10": {
        "AEW": {"weight": 1e-5}, "RAE-L2": {"weight": 1e-6, "code_weight": 1e-3},
        "RAE-SN": {"code_weight": 0.03}, "WAE": {"weight": 0.03},
    },
    "generalization/celeba": {
        "AEW": {"weight": 1e-5}, "RAE-L2": {"weight": 1e-7, "code_weight": 1e-4},
        "RAE-SN": {"code_weight": 0.0024}, "WAE": {"weight": 0.006},
    },
}  # fmt: skip
TUNED["visualization-COIL"] = TUNED["classification"] = TUNED["visualization-CNN"]
TESTED = ("classification", "generalization")  # sections that need images unseen in training
FIGURE_5_NETWORKS = {s: str(FIXED[s]["network"]) for s in FIXED if s.startswith("visualization")}
SEEDS = {"smoke": (0, 1), "laptop": (0, 1), "paper": (0, 1, 2), "published": (0, 1, 2)}
SEEDS_OF_IMAGES = {"smoke": (0,), "laptop": (0,), "paper": (0, 1, 2), "published": (0, 1, 2)}

DIGITS = ("mnist", "mnist-5k", "fashion-mnist")
FIGURE_5_METHODS = ("I-AE", "CAE", "RAE-GP", "DAE", "AE")
FIGURE_6_WEIGHTS = (0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1)  # decision 20
ABLATIONS = {  # decision -> what is set otherwise, beside the weight of section 4.2
    "1": "reduction=sum", "2": "sampler=uniform", "4": "statistics=probes",
    "4 again": "statistics=both", "12": "rate=0.0001", "12 again": "rate=0.0005",
}  # fmt: skip
VARIANTS = (
    *(f"weight={w}" for w in FIGURE_6_WEIGHTS), *(f"weight=0.075,{s}" for s in ABLATIONS.values())
)  # fmt: skip
SWEPT = {  # decision 14: settings of the rivals to choose from, beside I-AE's own weight
    "CAE": ("weight", (0.0001, 0.001, 0.01)),
    "RAE-GP": ("weight", (0.0001, 0.001, 0.01)),
    "DAE": ("noise", (0.05, 0.1, 0.2)),
    "IRAE": ("weight", (0.0001, 0.001, 0.01)),
}
SWEPT_3D = {  # of Table 1: a weaker and a stronger one
    "CAE": ("weight", (0.001, 0.1)),
    "TCAE": ("weight", (0.001, 0.1)),
    "RAE-GP": ("weight", (0.001, 0.1)),
    "DAE": ("noise", (0.05, 0.2)),
}
YOUNGER = ("IRAE",)  # than the paper: in its tables, not in its claims
TABLE_2_METHODS = ("I-AE", "AE", "CAE", "DAE", "RAE-GP", *YOUNGER)
DATA_OF_TABLE_2 = ("mnist", "fashion-mnist", "coil20")
DATA_OF_TABLE_7 = ("mnist", "cifar10", "celeba")
LATENTS = (16, 64, 256)  # of Table 2
TABLE_7_METHODS = (
    "I-AE-without-L_iso", "I-AE", "AE", "AEW", "CAE", "RAE-SN", "RAE-L2", "WAE", *YOUNGER,
)  # fmt: skip
SECTIONS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "toy": (("curve",), ("I-AE", "CAE")),
    "3d": (tuple(SURFACES), METHODS_3D),
    "visualization-FC": (DIGITS, FIGURE_5_METHODS),
    "visualization-CNN": (DIGITS, (*FIGURE_5_METHODS, *YOUNGER)),  # swept there for Table 2
    "visualization-COIL": (("coil20",), FIGURE_5_METHODS),
    "sensitivity": (DIGITS, ("I-AE",)),
    "classification": ((*DIGITS, "coil20"), TABLE_2_METHODS),
    "generalization": (("mnist", "mnist-5k", "cifar10", "celeba"), TABLE_7_METHODS),
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
    settings = FIXED[section] | SETTINGS[section][preset] | EXCEPTIONS.get((section, data), {})
    settings |= CHANGES.get((section, data, preset), {})
    for place in (section, f"{section}/{data.removesuffix('-5k')}"):
        settings |= TUNED.get(place, {}).get(method, {})
    if data == "mnist-5k":
        settings |= _fewer(settings, images.DATA_SETS[data].training_images(section in TESTED))
    plain = RunSpec(data=data, method=method, seed=seed, **settings)  # type: ignore[arg-type]
    return change(plain, variant)


def _fewer(settings: Settings, there: int) -> Settings:
    """Return what changes where so many images are there, validation's included."""
    aside = min(int(settings.get("validation", 0)), there // 8)
    fewer: Settings = {"points": min(int(settings["points"]), there - aside)}
    return fewer | {"validation": aside} if aside else fewer


def section_runs(section: str, preset: str, first: int = 0) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run of a section at a preset, on the data that are there.

    Seeds count from `first`.
    """
    data_sets, methods = SECTIONS[section]
    choose("preset", preset, PRESETS)
    if section in ("toy", "3d"):
        seeds = SEEDS[preset]
    else:
        seeds = SEEDS_OF_IMAGES[preset]
        data_sets = tuple(d for d in data_sets if d in image_data(preset, section))
    wanted = variants(section) or methods
    return [(f"{section}/{d}/{m}", first + k) for k in seeds for d in data_sets for m in wanted]


def variants(section: str) -> list[str]:
    """Return methods, with what differs behind them in sections that vary it; or nothing: all."""
    if section.startswith("visualization"):
        return list(FIGURE_5_METHODS)
    if section == "sensitivity":
        return [f"I-AE,{variant}" for variant in VARIANTS]
    if section == "classification":
        return [f"{m},latent={d}" for d in LATENTS for m in TABLE_2_METHODS]
    return []


def sweep(section: str) -> dict[str, list[str]]:
    """Return the runs that a rival's setting in Figure 5 is chosen from (decision 14), by method.

    They have a quarter of the published steps.
    """
    steps = int(SETTINGS[section]["published"]["steps"]) // 4
    own = {"weight": (FIXED[section]["weight"],), "noise": ()}
    return {
        method: [f"{method},{name}={value},steps={steps}" for value in (*swept, *own[name])]
        for method, (name, swept) in SWEPT.items()
        if method in SECTIONS[section][1]
    }


def swept() -> set[str]:
    """Return the names of the runs of every sweep."""
    return {
        f"{section}/mnist/{name}"
        for section in FIGURE_5_NETWORKS
        for names in sweep(section).values()
        for name in names
    }


def image_data(preset: str, section: str = "") -> tuple[str, ...]:
    """Return the data sets of chapters on images that a preset trains on, if they are there.

    The shorter presets take MNIST alone; 5,000 of its digits stand in where it is missing.
    """
    every = DATA_OF_TABLE_7 if section == "generalization" else DATA_OF_TABLE_2
    wanted = every if preset == "paper" else every[:1]
    there = tuple(name for name in wanted if images.present(name) != "missing")
    return there if "mnist" in there else ("mnist-5k", *there)


def notebook_runs(stem: str, preset: str, first: int = 0) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run that a notebook shows; seeds count from `first`.

    Raises
    ------
    InputError
        If the notebook or the preset is unknown, with the close matches.
    """
    choose("notebook", stem, NOTEBOOKS)
    runs = {section: section_runs(section, preset, first) for section in SECTIONS}
    visualization = [run for section in FIGURE_5_NETWORKS for run in runs[section]]
    return {
        "01_theory": [("3d/s-shape/I-AE", first)],
        "02_toy_projection": runs["toy"],
        "03_evaluation_3d": runs["3d"],
        "04_visualization": visualization,
        "05_classification": runs["classification"],
        "06_sensitivity": runs["sensitivity"],
        "07_generalization": [
            *runs["generalization"],
            ("3d/s-shape/I-AE", first),
            ("3d/s-shape/AE", first),
        ],
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


def multiply_adds(run: RunSpec) -> int:
    """Return those of one of A.1.2's fully connected networks for a point, nearly."""
    return (run.depth - 1) * run.width**2 + 5 * run.width


def cost(name: str, preset: str) -> float:
    """Return about how many seconds a run takes, for the workflow's progress."""
    run = spec(name, preset)
    step = 1.2e-3 + 9e-11 * (run.batch + 32) * multiply_adds(run)
    return 0.3 + run.steps * METHODS[run.method].passes * step
