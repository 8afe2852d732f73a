"""What a claim and a verdict are, and the table of runs that claims are judged on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import t as student

from isoae_lib.core.arrays import Array
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
# Decision I says why these: methods are ranked with so many seeds; a lead below the margin, a share
# of the best rival's number or so much of an accuracy, counts as none; a test errs so often.
LEAST_SEEDS, MARGIN, ACCURACY_MARGIN, LEVEL = 3, 0.05, 0.005, 0.05
OF_CODES = ("beside_chart", "kept_distances")  # of a run: numbers that its codes decide
DIVERGED = 1e9  # what stands for infinity, so that differences are numbers
NO_DECIMALS = 1000  # from which a mean is printed without
DIGITS = 9  # numbers that agree in so many digits are equal: nothing hangs on a float's last bits


class Verdict(StrEnum):
    """What a rule can answer, in the words that pages print."""

    REPRODUCED = "reproduced"
    PARTLY = "partly"
    NOT = "not"
    UNDECIDED = "undecided"
    NOT_ATTEMPTED = "not attempted at this scale"


class Finding(NamedTuple):
    """What a rule finds: our figure, the verdict, and the keys of the runs that it rests on."""

    ours: str
    verdict: Verdict
    judged: Sequence[Key]


class Judge(Protocol):
    """Table of runs -> finding. Without gates, networks that learned too little count as well."""

    def __call__(self, runs: Table, gated: bool = True) -> Finding: ...  # noqa: D102


NOTHING = Finding("none", Verdict.NOT_ATTEMPTED, ())


@dataclass(frozen=True)
class Claim:
    """One claim of the paper.

    Attributes
    ----------
    name, section : str
        Short name, and where the paper makes it.
    says : str
        The sentence of the paper that it rests on, shortened.
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


class _Asked(Mapping[Key, list["Run"]]):
    """A table without runs, which remembers what it was asked for."""

    def __init__(self) -> None:
        self.keys_asked: set[Key] = set()

    def __getitem__(self, key: Key) -> list[Run]:
        self.keys_asked.add(key)
        raise KeyError(key)

    def __iter__(self) -> Iterator[Key]:
        return iter(())

    def __len__(self) -> int:
        return 0


def experiments_of(claim: Claim) -> set[str]:
    """Return the experiments that a claim's rule asks for; none if it looks at whole tables."""
    runs = _Asked()
    claim.judge(runs)
    return {experiment for experiment, _ in runs.keys_asked}


class Remark(NamedTuple):
    """A claim of the paper that has no rule, and why."""

    name: str
    section: str
    says: str
    why: str


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
) -> Array:
    """Return a metric of every seed of one method; pass a losing value as `diverged`."""
    group = runs.get((experiment, method), [])
    return np.array([_number(run, metric, diverged) for run in group])


def _number(run: Run, metric: str, diverged: float) -> float:
    """Return a metric of the record, or one that its codes and its chart decide."""
    if not run.metrics:
        return diverged
    for name in ("metrics", *OF_CODES):
        if metric in (known := getattr(run, name, {})):
            return known[metric]
    return diverged


def paired(
    runs: Table, experiment: str, methods: Iterable[str], metric: str, diverged: float = np.inf
) -> dict[str, Array]:
    """Return a metric of the seeds that all methods share, in one order, by method."""
    by_seed = {m: {run.spec.seed: run for run in runs[experiment, m]} for m in methods}
    shared = sorted(set.intersection(*map(set, by_seed.values())))
    return {
        m: np.array([_number(group[seed], metric, diverged) for seed in shared])
        for m, group in by_seed.items()
    }


def mean_and_deviation(numbers: Array, digits: int = 2) -> str:
    """Format numbers of several seeds as "mean ± standard deviation"."""
    if len(numbers) == 0:
        return "none"
    if not (np.abs(numbers) < DIVERGED).all():
        return "diverged"
    form = f",.{digits if numbers.mean() < NO_DECIMALS else 0}f"
    if len(numbers) == 1:
        return f"{numbers[0]:{form}}"
    return f"{numbers.mean():{form}} ± {numbers.std(ddof=1):{form}}"


def spread(numbers: Array, digits: int = 2) -> str:
    """Format numbers of several seeds with their count, for a cell that stands alone."""
    seeds = f" ({count_of_seeds(numbers)})" if len(numbers) else ""
    return mean_and_deviation(numbers, digits) + seeds


def count_of_seeds(numbers: Array) -> str:
    """Say how many seeds numbers (..., seeds) are of."""
    return f"{numbers.shape[-1]} seed{'s' * (numbers.shape[-1] > 1)}"


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


Answer = bool | None  # whether something holds; None where the runs cannot tell


def verdict(answers: Iterable[Answer]) -> Verdict:
    """Reproduced if all demands are met, partly if one is; else undecided if one is open."""
    every = list(answers)
    if all(every):
        return Verdict.REPRODUCED
    if any(every):
        return Verdict.PARTLY
    return Verdict.UNDECIDED if None in every else Verdict.NOT


def in_seeds(met: ArrayLike) -> Answer:
    """Tell whether every seed meets a demand; open if some do and others do not."""
    each = np.atleast_1d(met)
    return bool(each[0]) if (each == each[0]).all() else None


def both(*answers: Answer) -> Answer:
    """Tell whether all of several things hold."""
    if all(answers):
        return True
    return None if all(answer is not False for answer in answers) else False


def at_most(numbers: Array | float, limit: Array | float) -> NDArray[np.bool_]:
    """Compare numbers up to `DIGITS` digits."""
    return np.round(np.asarray(numbers), DIGITS) <= np.round(np.asarray(limit), DIGITS)


def at_least(numbers: Array, limit: float) -> NDArray[np.bool_]:
    """Compare numbers the other way round."""
    return at_most(-numbers, -limit)


class Part(NamedTuple):
    """What one experiment says: our figure, and whether it meets each demand of the claim."""

    ours: str
    met: tuple[Answer, ...]


Question = Callable[[Table, str, bool], Part]  # (runs, experiment, gated) -> what it says


def on_each(
    experiments: Sequence[str],
    methods: Sequence[str],
    part: Question,
    gate: Callable[[Table, str, Sequence[str]], bool],
    together: bool = False,
    moving: Callable[[Table, str, Sequence[str]], bool] = lambda *_: False,
) -> Judge:
    """Make the judge of a claim on several experiments; those that were attempted count.

    All demands on all these experiments are weighed alike (`verdict`). Where a network was still
    learning when it stopped, nothing is decided.

    Parameters
    ----------
    experiments, methods : sequence of str
        Where the claim is made, and whose runs it compares.
    part : callable
        (runs, experiment, gated) -> what it says about the claim.
    gate : callable
        (runs, experiment, methods) -> whether its networks have learned enough to count.
    together : bool
        Whether nothing is judged unless all experiments count.
    moving : callable
        (runs, experiment, methods) -> whether longer training may change the answer.
    """

    def judge(runs: Table, gated: bool = True) -> Finding:
        counting = [
            e for e in attempted(runs, experiments, methods) if not gated or gate(runs, e, methods)
        ]
        if not counting or (together and len(counting) < len(experiments)):
            return NOTHING
        parts = [part(runs, experiment, gated) for experiment in counting]
        answers: list[Answer] = []
        for experiment, found in zip(counting, parts, strict=True):
            still = gated and moving(runs, experiment, methods)
            answers += [None] * len(found.met) if still else found.met
        judged = [(experiment, method) for experiment in counting for method in methods]
        return Finding("; ".join(p.ours for p in parts), verdict(answers), judged)

    return judge


class Lead(NamedTuple):
    """I-AE beside the rival with the best mean, seed by seed.

    `ahead` tells whether it leads: True if it is ahead of every rival at every seed; False if the
    seeds rule out a lead of `margin` over this rival. `visible` is the least lead that a paired
    test would have seen with so many seeds, so far apart.
    """

    rival: str
    ours: Array
    theirs: Array
    ahead: Answer
    visible: float

    def in_words(self, digits: int = 2) -> str:
        """Return both numbers; where I-AE does not lead, also which lead would have been seen."""
        ours, theirs = spread(self.ours, digits), spread(self.theirs, digits)
        words = f"I-AE {ours}, best rival {self.rival} {theirs}"
        if self.ahead or not np.isfinite(self.visible):
            return words
        return f"{words}; a lead of {self.visible:.2g} would have been seen"


def lead(found: Mapping[str, Array], lowest: bool, margin: float | None = None) -> Lead:
    """Compare I-AE with the other methods, given each method's values at the shared seeds.

    Parameters
    ----------
    lowest : bool
        Whether the lowest is best.
    margin : float, optional
        A lead below this counts as none; `MARGIN` of the best rival's mean unless given.
    """
    sign = 1 if lowest else -1
    found = {m: np.clip(numbers, -DIVERGED, DIVERGED) for m, numbers in found.items()}
    rivals = {method: numbers for method, numbers in found.items() if method != "I-AE"}
    ours, best = found["I-AE"], min(rivals, key=lambda m: sign * rivals[m].mean())
    leads = {m: np.round(sign * (theirs - ours), DIGITS) for m, theirs in rivals.items()}
    if margin is None:
        margin = MARGIN * abs(rivals[best].mean())
    visible = smallest_visible(leads[best])
    ahead: Answer = None
    if len(ours) >= LEAST_SEEDS:
        if all((each > 0).all() for each in leads.values()):
            ahead = True
        elif leads[best].mean() + visible < margin:
            ahead = False
    return Lead(best, ours, rivals[best], ahead, visible)


def smallest_visible(leads: Array) -> float:
    """Return the least mean lead that a one-sided paired t-test would call a lead at `LEVEL`.

    Infinite for a single seed.
    """
    n = len(leads)
    return _quantile(n) * float(leads.std(ddof=1)) / n**0.5 if n > 1 else np.inf


@cache
def _quantile(n: int) -> float:
    """Return the quantile of Student's t for n paired seeds."""
    return float(student.ppf(1 - LEVEL, n - 1))
