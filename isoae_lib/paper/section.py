"""`Section`: one part of the paper: what is trained for it, at which scales, with which settings.

Loads without torch, so that the workflow can plan before anything heavy starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from isoae_lib.errors import choose
from isoae_lib.paper.data import images
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.specs import RunSpec, change

PRESETS = ("smoke", "laptop", "paper")
CANARIES = "laptop"  # the preset that trains canaries alone, and shows published runs
SCALES = (*PRESETS, "published")  # the last is that of the records in data/runs
SEEDS = {"smoke": (0,), "paper": (0, 1, 2), "published": (0, 1, 2)}
FEW_DIGITS = "mnist-5k"  # 5,000 digits that are always there, and stand in where MNIST is missing

Settings = Mapping[str, int | float | str]
Tried = Mapping[str, tuple[str, tuple[float, ...]]]  # method -> its setting, and values of it


@dataclass(frozen=True, kw_only=True, eq=False)
class Section:
    """What one part of the paper trains.

    Settings are fields of `RunSpec`. One that is given twice has the last value, in the order
    `settings`, `scales`, `exceptions`, `tuned`.

    Attributes
    ----------
    name : str
        The first part of its runs' names, `section/data/method`.
    shows : str
        The paper's tables and figures that it repeats.
    notebook : str
        The page that shows it.
    data_sets, compared : tuple of str
        The paper's data sets, and the methods that the paper compares on them.
    added_data, added : tuple of str
        Data sets and methods beside those: the page shows them, and claims do not judge them.
    variants : tuple of str
        Settings such as "latent=16" that every method is trained with, one after the other.
    settings : mapping
        What is the same at every scale.
    scales : mapping
        Scale -> settings.
    exceptions : mapping
        Data set, or several words, "data/scale" or "data/scale/variant" -> settings.
    tuned : mapping
        Method, or several words, "data/method" or "data/variant/method" -> settings (decision 14).
    seeds : mapping
        Scale -> seeds.
    sweep : mapping
        What `tuned` is chosen from: method -> its setting and the values that are tried.
    swept_at : tuple of str
        The variants that it is chosen at.
    otherwise : mapping
        A weaker and a stronger value of the methods' settings, in the same form.
    canaries : mapping
        What preset `laptop` trains, like "s-shape/I-AE" -> numbers to compare with its record.
    tested : bool
        Whether runs are measured on images unseen in training.
    baselines : bool
        Whether the page shows what needs no autoencoder, too: a job of its own makes that.
    """

    name: str
    shows: str
    notebook: str
    data_sets: tuple[str, ...]
    compared: tuple[str, ...]
    added_data: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    variants: tuple[str, ...] = ("",)
    settings: Settings = field(default_factory=dict)
    scales: Mapping[str, Settings]
    exceptions: Mapping[str, Settings] = field(default_factory=dict)
    tuned: Mapping[str, Settings] = field(default_factory=dict)
    seeds: Mapping[str, tuple[int, ...]] = field(default_factory=lambda: SEEDS)
    sweep: Tried = field(default_factory=dict)
    swept_at: tuple[str, ...] = ("",)
    otherwise: Tried = field(default_factory=dict)
    canaries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tested: bool = False
    baselines: bool = False

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that its page shows."""
        return (*self.compared, *self.added)

    @property
    def all_data(self) -> tuple[str, ...]:
        """The data sets that its page shows."""
        return (*self.data_sets, *self.added_data)

    @property
    def network(self) -> str:
        """The network that its runs have, if no exception says otherwise."""
        return str(self.settings.get("network", RunSpec.network))

    @property
    def known_data(self) -> tuple[str, ...]:
        """The data sets that its runs may have: the stand-in for MNIST is one."""
        return (*self.all_data, *([FEW_DIGITS] if "mnist" in self.data_sets else []))

    def data_at(self, preset: str) -> tuple[str, ...]:
        """Return the data sets that the pages of a preset show.

        At `laptop` they are those of the published runs. At the others they must be on this
        machine. Of the paper's images, `smoke` takes MNIST only, or what stands in for it.
        """
        if preset == CANARIES:
            return self.all_data
        found = []
        for data in self.all_data:
            if data not in images.DATA_SETS:
                found.append(data)
            elif preset == "paper" or data in ("mnist", *self.added_data):
                if images.present(data) != "missing":
                    found.append(data)
                elif data == "mnist":
                    found.append(FEW_DIGITS)
        return tuple(found)

    @property
    def trained(self) -> list[str]:
        """The methods as its runs name them, with the settings behind them."""
        return [f"{m},{v}" if v else m for v in self.variants for m in self.methods]

    def runs(self, preset: str, first: int = 0) -> list[tuple[str, int]]:
        """Return the (name, seed) of every run at a preset; seeds count from `first`.

        Those of canaries are 0, as their records have it.

        Raises
        ------
        InputError
            If the preset is unknown, with the close matches.
        """
        choose("preset", preset, PRESETS)
        if preset == CANARIES:
            return [(f"{self.name}/{canary}", 0) for canary in self.canaries]
        return [
            (f"{self.name}/{data}/{method}", first + seed)
            for seed in self.seeds[preset]
            for data in self.data_at(preset)
            for method in self.trained
        ]

    def sweep_runs(self) -> dict[str, list[str]]:
        """Return the methods, with settings, that `tuned` is chosen from (decision 14), by method.

        They have a quarter of the published steps.
        """
        found = {}
        for variant in self.swept_at:
            for method, (name, values) in self.sweep.items():
                at = f"{method},{variant}" if variant else method
                steps = self.spec(self.data_sets[0], at, "published").steps // 4
                found[at] = [f"{at},{name}={value},steps={steps}" for value in values]
        return found

    def spec(self, data: str, method: str, scale: str, seed: int = 0) -> RunSpec:
        """Return the spec of a run; behind the method may stand settings: "I-AE,weight=0.5".

        Raises
        ------
        InputError
            If a word is unknown, with the close matches; if a setting does not fit.
        """
        choose("preset", scale, SCALES)
        kind = "surface" if set(self.data_sets) <= set(SURFACES) else "data set"
        choose(kind, data, self.known_data)
        method, *variant = method.split(",")
        choose("method", method, dict.fromkeys([*self.methods, *self.sweep]))
        settings = {**self.settings, **self.scales[scale]}
        words = {data if data != FEW_DIGITS else "mnist", method, scale, *variant}
        for where, changed in {**self.exceptions, **self.tuned}.items():
            if words.issuperset(where.split("/")):
                settings |= changed
        if data == FEW_DIGITS:
            settings |= self._fewer(settings)
        plain = RunSpec(data=data, method=method, seed=seed, **settings)  # type: ignore[arg-type]
        return change(plain, variant)

    def _fewer(self, settings: Settings) -> Settings:
        """Return what changes with `FEW_DIGITS`: points, and those that validation sets aside."""
        there = images.DATA_SETS[FEW_DIGITS].training_images(self.tested)
        aside = min(int(settings.get("validation", 0)), there // 8)
        fewer = {"points": min(int(settings["points"]), there - aside)}
        return fewer | {"validation": aside} if aside else fewer
