"""What a claim and a verdict are, and the table of runs that claims are judged on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.section import FEW_DIGITS

if TYPE_CHECKING:  # the site counts verdicts, and needs no torch
    from isoae_lib.paper.runs import Run

# (experiment, method) -> runs, one per seed. An experiment is `section/data`. The method is as in
# the run's name: what differs from its section's settings stands behind it.
Key = tuple[str, str]
Table = Mapping[Key, list["Run"]]

LEAST_STEPS, LEAST_ON_IMAGES = 500, 300  # below, a network is hardly trained: nothing is judged


class Verdict(StrEnum):
    """What a rule can answer, in the words that pages print."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    NOT = "not"
    NOT_ATTEMPTED = "not attempted at this scale"


class Finding(NamedTuple):
    """What a rule finds: our figure, the verdict, and the keys of the runs that it rests on."""

    ours: str
    verdict: Verdict
    judged: Sequence[Key]


Judge = Callable[[Table], Finding]
NOTHING = Finding("none", Verdict.NOT_ATTEMPTED, ())


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    name, section : str
        Short name, and where the paper makes it.
    says : str
        The claim, shortened.
    paper : str
        The paper's figure, or "in words".
    rule : str
        What decides the verdict, in words.
    judge : callable
        Table of runs -> finding.
    """

    name: str
    section: str
    says: str
    paper: str
    rule: str
    judge: Judge


@dataclass(frozen=True)
class Outcome:
    """A claim with what its rule found; `runs` is the part of the table that it rests on."""

    claim: Claim
    ours: str
    verdict: Verdict
    runs: Table

    @property
    def seeds(self) -> list[int]:
        """The seeds that all methods judged share, in order."""
        groups = [{run.spec.seed for run in group} for group in self.runs.values()]
        return sorted(set.intersection(*groups)) if groups else []


def table(named: Iterable[tuple[str, Run]]) -> dict[Key, list[Run]]:
    """Group runs, given with their names, by experiment and method; diverged ones are kept."""
    grouped: dict[Key, list[Run]] = {}
    for name, run in named:
        experiment, _, method = name.rpartition("/")
        grouped.setdefault((experiment, method), []).append(run)
    return grouped


def data_title(experiment: str) -> str:
    """Return the title of an experiment's data set, for figures and tables."""
    data = experiment.partition("/")[2]
    return SURFACES[data].title if data in SURFACES else DATA_SETS[data].title


def values(
    runs: Table, experiment: str, method: str, metric: str, diverged: float = np.inf
) -> np.ndarray:
    """Return a metric of every seed of one method; pass a losing value as `diverged`."""
    group = runs.get((experiment, method), [])
    return np.array([run.metrics.get(metric, diverged) for run in group])


def paired(
    runs: Table, experiment: str, methods: Iterable[str], metric: str, diverged: float = np.inf
) -> dict[str, np.ndarray]:
    """Return a metric of the seeds that all methods share, in one order, by method."""
    by_seed = {m: {run.spec.seed: run for run in runs[experiment, m]} for m in methods}
    shared = sorted(set.intersection(*map(set, by_seed.values())))
    return {
        m: np.array([group[seed].metrics.get(metric, diverged) for seed in shared])
        for m, group in by_seed.items()
    }


def mean_and_deviation(numbers: np.ndarray, digits: int = 2) -> str:
    """Format numbers of several seeds as "mean ± standard deviation"."""
    if len(numbers) == 0:
        return "none"
    if not np.isfinite(numbers).all():
        return "diverged"
    if len(numbers) == 1:
        return f"{numbers[0]:.{digits}f}"
    return f"{numbers.mean():.{digits}f} ± {numbers.std(ddof=1):.{digits}f}"


def spread(numbers: np.ndarray, digits: int = 2) -> str:
    """Format numbers of several seeds with their count, for a cell that stands alone."""
    seeds = f" ({len(numbers)} seed{'s' * (len(numbers) > 1)})" if len(numbers) else ""
    return mean_and_deviation(numbers, digits) + seeds


def stand_ins(experiment: str) -> tuple[str, ...]:
    """Return an experiment and what may stand in for it: 5,000 digits, if they are all of MNIST."""
    section, _, data = experiment.partition("/")
    return (experiment, f"{section}/{FEW_DIGITS}") if data == "mnist" else (experiment,)


def attempted(runs: Table, experiments: Iterable[str], methods: Iterable[str]) -> list[str]:
    """Return the experiments, or their stand-ins, on which all methods were trained.

    Every run is long enough, and the methods have a seed in common.
    """
    wanted, found = tuple(methods), []
    for experiment in experiments:
        found += [name for name in stand_ins(experiment) if _trained(runs, name, wanted)][:1]
    return found


def _trained(runs: Table, experiment: str, methods: Iterable[str]) -> bool:
    least = LEAST_STEPS if experiment.startswith(("toy/", "3d/")) else LEAST_ON_IMAGES
    groups = [runs.get((experiment, method), []) for method in methods]
    if not all(run.spec.steps >= least for group in groups for run in group):
        return False
    return bool(set.intersection(*({run.spec.seed for run in group} for group in groups)))


def graded(whole: bool, some: bool) -> Verdict:
    """Reproduced if the whole claim holds, partly if a part of it does."""
    if whole:
        return Verdict.REPRODUCED
    return Verdict.PARTLY if some else Verdict.NOT


class Part(NamedTuple):
    """What one experiment says: our figure, and whether all or some of the claim holds there."""

    ours: str
    whole: bool
    some: bool


def demands(ours: str, *met: bool) -> Part:
    """All of the claim holds if each demand is met, some of it if one is."""
    return Part(ours, all(met), any(met))


def on_each(
    experiments: Sequence[str],
    methods: Sequence[str],
    part: Callable[[Table, str], Part],
    gate: Callable[[Table, str], bool] = lambda runs, experiment: True,
    together: bool = False,
    joined: str = "; ",
) -> Judge:
    """Make the judge of a claim on several experiments; those that were attempted count.

    The claim is reproduced if all of it holds on each, and partly if some of it holds on one.

    Parameters
    ----------
    experiments, methods : sequence of str
        Where the claim is made, and whose runs it compares.
    part : callable
        (runs, experiment) -> what it says about the claim.
    gate : callable
        (runs, experiment) -> whether its networks have learned enough to count.
    together : bool
        Whether nothing is judged unless all experiments count.
    joined : str
        What stands between the figures of two experiments.
    """

    def judge(runs: Table) -> Finding:
        counting = [e for e in attempted(runs, experiments, methods) if gate(runs, e)]
        if not counting or (together and len(counting) < len(experiments)):
            return NOTHING
        parts = [part(runs, experiment) for experiment in counting]
        verdict = graded(all(p.whole for p in parts), any(p.some for p in parts))
        judged = [(experiment, method) for experiment in counting for method in methods]
        return Finding(joined.join(p.ours for p in parts), verdict, judged)

    return judge


class Lead(NamedTuple):
    """I-AE beside the rival with the best mean, seed by seed.

    I-AE can be ahead of every rival at every seed (`everywhere`), or of the best mean
    (`on_average`).
    """

    rival: str
    ours: np.ndarray
    theirs: np.ndarray
    everywhere: bool
    on_average: bool


def lead(found: Mapping[str, np.ndarray], lowest: bool) -> Lead:
    """Compare I-AE with the other methods, given each method's values at the shared seeds."""
    sign = 1 if lowest else -1
    rivals = {method: numbers for method, numbers in found.items() if method != "I-AE"}
    ours, best = found["I-AE"], min(rivals, key=lambda m: sign * rivals[m].mean())
    everywhere = all((sign * ours < sign * theirs).all() for theirs in rivals.values())
    on_average = bool(sign * ours.mean() < sign * rivals[best].mean())
    return Lead(best, ours, rivals[best], everywhere, on_average)
