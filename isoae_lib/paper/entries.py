"""What would raise the evidence: one `Entry` per set of runs; the queue decides their order.

Loads without torch. Runs are named as in `sections.spec`, at the scale `published`, with what
differs from it behind the method. Once the settings of a section follow, the keys stay the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

from isoae_lib.paper import sections
from isoae_lib.paper.section import Settings
from isoae_lib.paper.sections import OF_PAPER, SECTIONS
from isoae_lib.paper.specs import RunSpec


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A set of runs that raise the evidence together.

    Attributes
    ----------
    name : str
        What it is called.
    runs : tuple of str
        The names of its runs, `section/data/method`.
    replaces : str
        What it takes the place of, or adds to.
    seeds : tuple of int
        The seeds of each run.
    to : str
        The kind of published records that its own will be: one of `runs.PUBLISHED`.
    after : str
        The entry whose runs choose the settings of rivals, or "".
    """

    name: str
    runs: tuple[str, ...]
    replaces: str
    seeds: tuple[int, ...] = (0, 1, 2)
    to: str = "runs"
    after: str = ""

    def specs(self) -> Iterator[tuple[str, RunSpec]]:
        """Yield each run's name and spec: the first seed of every run, then the next."""
        for seed, name in product(self.seeds, self.runs):
            yield name, sections.spec(name, "published", seed)


def method_of(name: str) -> str:
    """Return the method of a run's name."""
    return name.split("/")[2].split(",")[0]


def _words(settings: Settings) -> str:
    return ",".join(f"{name}={value}" for name, value in settings.items())


def _each(section: str, data: str, *settings: str) -> tuple[str, ...]:
    """Return the runs of a section's methods, those that the page adds among them."""
    return _names(f"{section}/{data}", SECTIONS[section].methods, settings)


def _names(experiment: str, methods: tuple[str, ...], settings: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{experiment}/{m},{s}".rstrip(",") for s, m in product(settings, methods))


def _sweep(section: str, data: str, at: Settings, variant: str = "") -> tuple[str, ...]:
    """Return the runs that rivals' settings are chosen from: a quarter of the steps of `at`.

    The setting that is tried stands at the end of the name.
    """
    known = SECTIONS[section]
    fewer = _words({**at, "steps": int(at["steps"]) // 4})
    fixed = f"{variant},{fewer}" if variant else fewer
    return tuple(
        f"{section}/{data}/{method},{fixed},{setting}={value}"
        for method, (setting, values) in known.sweep.items()
        if method in known.methods
        for value in values
    )


TEN = _words(sections.TEN_EPOCHS)
WIDE: Settings = {"steps": 10_000, "width_factor": 1.0}  # Figure 5 with S-CNN
QUARTER = "points=50000,validation=10000,steps=10000,width_factor=0.25"  # Table 7
EIGHTH = "width_factor=0.125"  # L-CNN
PRINTED: Mapping[str, str] = {  # the paper's own number of steps
    "visualization-FC": "steps=468750",
    "visualization-CNN": "steps=58594,batch=512,width_factor=1.0",
    "classification": "points=60000,steps=58594,batch=512,width_factor=1.0",
}
NARROWER = ("width_factor=0.25", "width_factor=0.5", "steps=2345")
BOTH = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}
SHORTER = "the curves of Table 2 over steps and width gain points"
SMALLER = "10,000 images, half of the width"

ENTRIES = (
    Entry(
        name="curves of Table 2, MNIST",
        runs=(
            *_names("classification/mnist", ("CAE", "RAE-GP"),
                    tuple(f"latent=64,{s}" for s in NARROWER)),
            *_names("classification/mnist", ("I-AE", "AE", "CAE"),
                    tuple(f"latent=16,{s}" for s in NARROWER)),
            *_names("classification/mnist", ("I-AE", "AE"), ("latent=16,steps=1172",)),
        ),
        replaces=SHORTER, seeds=(0,), to="curves",
    ),
    Entry(
        name="the paper's protocol on surfaces",
        runs=tuple(
            f"3d/{data}/{sections.OWN},steps={steps}"
            for steps in (2000, 5000, 10_000) for data in OF_PAPER
        ),
        replaces="the curve over steps gains points", seeds=(0,), to="curves",
    ),
    Entry(
        name="the paper's protocol, all steps",
        runs=tuple(f"3d/{data}/{sections.OWN},steps=100000" for data in OF_PAPER),
        replaces="the curve over steps gains its end", seeds=(0,), to="curves",
    ),
    Entry(
        name="networks of surfaces",
        runs=tuple(
            f"3d/{data}/{method}"
            for data in OF_PAPER for method in ("I-AE", "I-AE-without-L_piso", "AE")
        ),
        replaces="records without networks", seeds=(0,), to="weights",
    ),
    Entry(
        name="networks of Figure 5, MNIST",
        runs=tuple(f"visualization-FC/mnist/{method}" for method in ("I-AE", "AE")),
        replaces="records without networks", seeds=(0,), to="weights",
    ),
    *(
        Entry(
            name=f"Table 2, Fashion-MNIST, d = {d}",
            runs=_each("classification", "fashion-mnist", f"latent={d},{TEN}"), replaces=SMALLER,
        )
        for d in sections.LATENTS
    ),
    Entry(
        name="sweep of Table 2, MNIST, d = 256",
        runs=_sweep("classification", "mnist", sections.TEN_EPOCHS, "latent=256"),
        replaces="settings of another d", seeds=(0,),
    ),
    Entry(
        name="Table 2, MNIST, d = 256",
        runs=_each("classification", "mnist", f"latent=256,{TEN}"), replaces=SMALLER,
        after="sweep of Table 2, MNIST, d = 256",
    ),
    Entry(
        name="sweep of Figure 5, S-CNN",
        runs=_sweep("visualization-CNN", "mnist", WIDE),
        replaces="the sweep at half of the width", seeds=(0,),
    ),
    *(
        Entry(
            name=f"Figure 5, S-CNN, {title}",
            runs=_each("visualization-CNN", data, _words(WIDE)),
            replaces="4,690 steps, half of the width", after="sweep of Figure 5, S-CNN",
        )
        for data, title in BOTH.items()
    ),
    Entry(
        name="Table 7, MNIST", runs=_each("generalization", "mnist", QUARTER),
        replaces="8,000 images, 1,000 steps, a sixteenth of the width",
    ),
    Entry(
        name="Figure 5, L-CNN, COIL-20", runs=_each("visualization-COIL", "coil20", EIGHTH),
        replaces="a thirty-second of the width",
    ),
    Entry(
        name="Table 2, COIL-20",
        runs=_each("classification", "coil20", *(f"latent={d},{EIGHTH}" for d in sections.LATENTS)),
        replaces="a thirty-second of the width",
    ),
    Entry(
        name="Table 7, CIFAR-10",
        runs=_each("generalization", "cifar10", QUARTER.replace("points=50000", "points=40000")),
        replaces="8,000 images, 1,000 steps, a sixteenth of the width",
    ),
    *(
        Entry(
            name=f"Figure 6, {title}",
            runs=tuple(f"sensitivity/{data}/I-AE,{variant},width_factor=1.0"
                       for variant in SECTIONS["sensitivity"].variants),
            replaces="half of the width",
        )
        for data, title in BOTH.items()
    ),
    *(
        Entry(
            name=f"{SECTIONS[section].shows}, {title}, the paper's steps",
            runs=_each(section, data, *(f"{v},{settings}".lstrip(",")
                                        for v in SECTIONS[section].variants)),
            replaces="fewer steps",
        )
        for section, settings in PRINTED.items() for data, title in BOTH.items()
    ),
)  # fmt: skip
