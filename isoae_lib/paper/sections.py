"""The sections of the paper, one `Section` each, and what asks all of them.

Loads without torch, so that the workflow can plan before anything heavy starts.
"""

from __future__ import annotations

from isoae_lib.errors import InputError, choose
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.section import CANARIES as CANARIES  # these three: asked for as `sections.X`
from isoae_lib.paper.section import FEW_DIGITS as FEW_DIGITS
from isoae_lib.paper.section import PRESETS, Section, Settings, Tried
from isoae_lib.paper.section import SCALES as SCALES
from isoae_lib.paper.specs import RunSpec

IMAGES: Settings = {"schedule": "constant", "reduction": "mean"}  # decisions 1 and 12
EASED: Settings = {"schedule": "eased", "decades": 4.0}  # short runs on images (decision 12)
OF_PAPER = ("s-shape", "swiss-roll", "open-sphere")  # its surfaces
NEWER = ("IRAE",)  # methods that are younger than the paper: no claim is about them
FIGURE_5_METHODS = ("I-AE", "CAE", "RAE-GP", "DAE", "AE")
LATENTS = (16, 64, 256)  # of Table 2
FIGURE_6_WEIGHTS = (0, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1)  # decision 20
ABLATIONS = {  # decision -> what is set otherwise, beside the weight of section 4.2
    "1": "reduction=sum", "2": "sampler=uniform", "4": "statistics=probes",
    "4 again": "statistics=both", "12": "rate=0.0001", "12 again": "rate=0.0005",
}  # fmt: skip
LOW = (0.0001, 0.001, 0.01)  # a sweep tries these weights and I-AE's own
NOISES = ("noise", (0.05, 0.1, 0.2))
WITH_S_CNN: Tried = {
    "CAE": ("weight", (*LOW, 0.075)), "RAE-GP": ("weight", (*LOW, 0.075)), "DAE": NOISES,
    "IRAE": ("weight", (*LOW, 0.075)),
}  # fmt: skip
# I-AE on surfaces as section A.1.2 trains it; the number of steps stands behind it
OWN = "I-AE,batches=whole,batch=2000,schedule=constant,decades=0,beta2=0.999"
TEN_EPOCHS: Settings = {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1.0}
CHOSEN: dict[str, Settings] = {  # with S-CNN, for all CNNs of Figure 5 and Table 2
    "CAE": {"weight": 0.001}, "RAE-GP": {"weight": 0.001}, "DAE": {"noise": 0.1},
}  # fmt: skip
CHOSEN_WITH_IRAE: dict[str, Settings] = {**CHOSEN, "IRAE": {"weight": 0.01}}

SECTIONS = {section.name: section for section in (
    Section(
        name="toy", shows="Figure 1", notebook="02_toy_projection",
        data_sets=("curve",), compared=("I-AE", "CAE"),
        settings={"latent": 1, "weight": 0.1, "points": 16, "batch": 16, "width": 128, "depth": 3},
        scales={
            "smoke": {"steps": 100, "width": 32, "depth": 2},
            "laptop": {"steps": 3000},
            "paper": {"steps": 20_000},
            "published": {"steps": 20_000},
        },
        canaries={"curve/I-AE": ("spacing_variation",), "curve/CAE": ("spacing_variation",)},
    ),
    Section(
        name="3d", shows="Table 1, Figures 3 and 4", notebook="03_evaluation_3d",
        data_sets=OF_PAPER, compared=("I-AE", "CAE", "TCAE", "RAE-GP", "DAE", "AE"),
        added_data=tuple(name for name in SURFACES if name not in OF_PAPER),
        added=("I-AE-without-L_piso", *NEWER, "GeomAE"),
        scales={
            "smoke": {"points": 400, "steps": 40, "batch": 64, "width": 32, "depth": 2},
            "laptop": {"points": 2000, "steps": 3000, "batch": 200, "rate": 4e-3},
            "paper": {
                "points": 2000, "steps": 100_000, "batch": 2000, "batches": "whole",
                "rate": 1e-3, "decades": 4.0,
            },
            "published": {
                "points": 2000, "steps": 100_000, "batch": 200, "rate": 1e-3, "decades": 4.0,
            },
        },
        exceptions={  # decision B
            "swiss-roll/paper": {"beta2": 0.99}, "swiss-roll/published": {"beta2": 0.99},
            "swiss-roll-hole/paper": {"beta2": 0.99}, "swiss-roll-hole/published": {"beta2": 0.99},
        },
        otherwise={
            "CAE": ("weight", (0.001, 0.1)), "TCAE": ("weight", (0.001, 0.1)),
            "RAE-GP": ("weight", (0.001, 0.1)), "DAE": ("noise", (0.05, 0.2)),
        },
        tuned={"IRAE": {"weight": 0.1}, "GeomAE": {"weight": 0.1}},
        sweep={"IRAE": ("weight", (0.001, 0.01, 0.1)), "GeomAE": ("weight", (0.001, 0.01, 0.1))},
        canaries={"s-shape/I-AE": ("edge_ratio_std", "BBT_error")},
        baselines=True,
    ),
    Section(
        name="visualization-FC", shows="Figure 5, FC-NN", notebook="04_visualization",
        data_sets=("mnist", "fashion-mnist"), compared=FIGURE_5_METHODS,
        settings={**IMAGES, "network": "FC-NN", "weight": 0.1},
        scales={
            "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
            "laptop": {"points": 5000, "steps": 200, "batch": 128, "width_factor": 1 / 2, **EASED},
            "paper": {"points": 60_000, "steps": 468_750, "batch": 128},
            "published": {"points": 60_000, "steps": 46_875, "batch": 128},
        },
        exceptions={"fashion-mnist": {"weight": 0.01}},  # Table 5
        tuned={"CAE": {"weight": 0.01}, "RAE-GP": {"weight": 0.0001}, "DAE": {"noise": 0.2}},
        sweep={
            "CAE": ("weight", (*LOW, 0.1)), "RAE-GP": ("weight", (*LOW, 0.1)), "DAE": NOISES,
        },
        canaries={f"{FEW_DIGITS}/I-AE": ("rmse", "crowding")},
        baselines=True,
    ),
    Section(
        name="visualization-CNN", shows="Figure 5, S-CNN", notebook="04_visualization",
        data_sets=("mnist", "fashion-mnist"), compared=FIGURE_5_METHODS,
        settings={**IMAGES, "network": "S-CNN", "weight": 0.075},
        scales={
            "smoke": {"points": 500, "steps": 20, "batch": 64, "width_factor": 1 / 16},
            "laptop": {"points": 5000, "steps": 600, "batch": 48, "width_factor": 1 / 8, **EASED},
            "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
            "published": {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1 / 2},
        },
        tuned=CHOSEN_WITH_IRAE,
        sweep=WITH_S_CNN,
        baselines=True,
    ),
    Section(
        name="visualization-COIL", shows="Figure 5, L-CNN", notebook="04_visualization",
        data_sets=("coil20",), compared=FIGURE_5_METHODS,
        settings={**IMAGES, "network": "L-CNN", "weight": 0.1, "points": 1440},
        scales={
            "smoke": {"steps": 4, "batch": 16, "width_factor": 1 / 64},
            "laptop": {"steps": 200, "batch": 144, "width_factor": 1 / 16},
            "paper": {"steps": 10_000, "batch": 144},
            "published": {"steps": 4000, "batch": 24, "width_factor": 1 / 32, **EASED},
        },
        tuned=CHOSEN,
        baselines=True,
    ),
    Section(
        name="sensitivity", shows="Figure 6", notebook="06_sensitivity",
        data_sets=("mnist", "fashion-mnist"), compared=("I-AE",),
        variants=(
            *(f"weight={w}" for w in FIGURE_6_WEIGHTS),
            *(f"weight=0.075,{setting}" for setting in ABLATIONS.values()),
        ),
        settings={**IMAGES, "network": "S-CNN"},
        scales={
            "smoke": {"points": 500, "steps": 10, "batch": 64, "width_factor": 1 / 16},
            "laptop": {"points": 5000, "steps": 200, "batch": 24, "width_factor": 1 / 16, **EASED},
            "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
            "published": {"points": 60_000, "steps": 4690, "batch": 128, "width_factor": 1 / 2},
        },
        canaries={f"{FEW_DIGITS}/I-AE,weight=0.1": ("rmse", "crowding")},
    ),
    Section(
        name="classification", shows="Table 2", notebook="05_classification",
        data_sets=("mnist", "fashion-mnist", "coil20"),
        compared=("I-AE", "AE", "CAE", "DAE", "RAE-GP"),
        added=NEWER,
        variants=tuple(f"latent={d}" for d in LATENTS),
        settings={**IMAGES, "network": "S-CNN", "weight": 0.075},
        scales={
            "smoke": {"points": 500, "steps": 10, "batch": 64, "width_factor": 1 / 16},
            "laptop": {"points": 4000, "steps": 150, "batch": 32, "width_factor": 1 / 8, **EASED},
            "paper": {"points": 60_000, "steps": 58_594, "batch": 512},
            "published": {"points": 10_000, "steps": 4000, "batch": 25, "width_factor": 1 / 2},
        },
        exceptions={
            "coil20": {"network": "L-CNN", "weight": 0.1, "split": "stratified", "points": 1080},
            "coil20/smoke": {"steps": 4, "batch": 16, "width_factor": 1 / 64},
            "coil20/laptop": {"steps": 200, "batch": 108, "width_factor": 1 / 16},
            "coil20/paper": {"steps": 10_000, "batch": 108},
            "coil20/published": {"steps": 2000, "batch": 24, "width_factor": 1 / 32, **EASED},
            **{f"{data}/published/latent={d}": TEN_EPOCHS
               for data in ("mnist", "fashion-mnist") for d in (16, 64)},
        },
        tuned={
            **CHOSEN_WITH_IRAE,
            "mnist/latent=16/RAE-GP": {"weight": 0.0001}, "mnist/latent=16/IRAE": {"weight": 0.001},
            "mnist/latent=64/DAE": {"noise": 0.2}, "mnist/latent=64/IRAE": {"weight": 0.075},
        },
        sweep=WITH_S_CNN, swept_at=("latent=16", "latent=64"),
        canaries={f"{FEW_DIGITS}/I-AE,latent=16": ("test_rmse", "svm")},
        tested=True, baselines=True,
    ),
    Section(
        name="generalization", shows="Table 7, Figures 7 and 8", notebook="07_generalization",
        data_sets=("mnist", "cifar10", "celeba"),
        compared=("I-AE-without-L_iso", "I-AE", "AE", "AEW", "CAE", "RAE-SN", "RAE-L2", "WAE"),
        added=NEWER,
        settings={
            **IMAGES, "schedule": "plateau", "weight": 0.1, "network": "MNIST-CNN", "latent": 16,
        },
        scales={  # decision 13: narrow networks need a larger rate
            "smoke": {
                "points": 300, "steps": 6, "batch": 100, "rate": 2e-3, "validation": 100,
                "width_factor": 1 / 32,
            },
            "laptop": {
                "points": 3000, "steps": 600, "batch": 32, "rate": 2e-3, "validation": 500,
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
        exceptions={  # Table 6
            "cifar10": {"network": "CIFAR-10-CNN", "latent": 128},
            "celeba": {"network": "CelebA-CNN", "latent": 128},
            "cifar10/paper": {"points": 40_000, "steps": 40_000},
            "celeba/paper": {"points": 162_770, "steps": 113_960, "validation": 19_867},
        },
        tuned={  # weights for a mean over pixels
            "AEW": {"weight": 1e-5},
            "mnist/RAE-L2": {"weight": 1e-7, "code_weight": 1e-4},
            "cifar10/RAE-L2": {"weight": 1e-6, "code_weight": 1e-3},
            "celeba/RAE-L2": {"weight": 1e-7, "code_weight": 1e-4},
            "mnist/RAE-SN": {"code_weight": 0.009},
            "cifar10/RAE-SN": {"code_weight": 0.03},
            "celeba/RAE-SN": {"code_weight": 0.0024},
            "mnist/WAE": {"weight": 0.03},
            "cifar10/WAE": {"weight": 0.03},
            "celeba/WAE": {"weight": 0.006},
        },
        canaries={f"{FEW_DIGITS}/I-AE": ("error_per_pixel", "error_norm")},
        tested=True,
    ),
)}  # fmt: skip
FIGURE_5_NETWORKS = {  # section -> network
    name: section.network
    for name, section in SECTIONS.items()
    if section.notebook == "04_visualization"
}
LEDGER = "08_claims"  # the page that shows the runs of every section
ALSO_SHOWN = {  # runs that a page shows beside those of its own section, if it has one
    "01_theory": ("3d/s-shape/I-AE",),
    "07_generalization": ("3d/s-shape/I-AE", "3d/s-shape/AE"),
    LEDGER: (),
    "09_speed": (),
    "10_your_own_data": (),
}
NOTEBOOKS = tuple(sorted({*ALSO_SHOWN, *(section.notebook for section in SECTIONS.values())}))


def spec(name: str, preset: str, seed: int = 0) -> RunSpec:
    """Return the spec of the run `section/data/method` at a preset.

    Behind the method may stand what differs, as in `sensitivity/mnist/I-AE,weight=0.5`.

    Raises
    ------
    InputError
        If the preset or a part of the name is unknown, with the close matches.
    """
    parts = name.split("/")
    if len(parts) != 3:
        raise InputError(f"'{name}' is no run: write section/data/method, like 3d/s-shape/I-AE.")
    section, data, method = parts
    return SECTIONS[choose("section", section, SECTIONS)].spec(data, method, preset, seed)


def swept() -> set[str]:
    """Return the names of the runs that methods' settings are chosen from, in every section."""
    return {
        f"{section.name}/{section.data_sets[0]}/{method}"
        for section in SECTIONS.values()
        for methods in section.sweep_runs().values()
        for method in methods
    }


def notebook_runs(stem: str, preset: str, first: int = 0) -> list[tuple[str, int]]:
    """Return the (name, seed) of every run that a notebook shows; seeds count from `first`.

    Raises
    ------
    InputError
        If the notebook or the preset is unknown, with the close matches.
    """
    choose("notebook", stem, NOTEBOOKS)
    choose("preset", preset, PRESETS)
    own = [section for section in SECTIONS.values() if stem in (section.notebook, LEDGER)]
    runs = [run for section in own for run in section.runs(preset, first)]
    also = () if preset == CANARIES else ALSO_SHOWN.get(stem, ())  # it shows published runs
    return runs + [(name, first) for name in also]


def groups(preset: str, stems: tuple[str, ...] = NOTEBOOKS) -> dict[str, list[str]]:
    """Return what one process trains in a row, so that it loads torch once.

    Keys are those of `job_of`, values the names of the runs that the notebooks need.
    """
    grouped: dict[str, list[str]] = {}
    for name, seed in dict.fromkeys(run for stem in stems for run in notebook_runs(stem, preset)):
        grouped.setdefault(job_of(name, seed, preset), []).append(name)
    return grouped


def job_of(name: str, seed: int, preset: str) -> str:
    """Return what a run is trained with: all of its data set, at the paper's scale of its method.

    There a run takes hours, and a cluster has many processors.
    """
    section, data, method = name.split("/")
    of = f"{section}/{data}/{method.split(',')[0]}" if preset == "paper" else f"{section}/{data}"
    return f"{of}/{seed}"
