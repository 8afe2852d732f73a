"""The queue of runs that would raise the evidence: what is left of it, and training what fits."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from filelock import Timeout

from isoae_lib.core import training
from isoae_lib.errors import Unfinished
from isoae_lib.paper import choice, claims, durations, estimate, fitting, runs, sections
from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import Verdict, experiments_of
from isoae_lib.paper.data import images
from isoae_lib.paper.entries import ENTRIES, Entry, method_of
from isoae_lib.paper.specs import RunSpec, change

TOGETHER = 12  # runs of one shape that are trained at once, at most: a GPU must hold them
TIMING = 1.0  # seconds that it takes to learn what a kind of run costs
OPEN = (Verdict.UNDECIDED, Verdict.NOT_ATTEMPTED)
Named = tuple[str, RunSpec]


@dataclass(frozen=True)
class Row:
    """What the queue holds of one entry.

    Attributes
    ----------
    entry : Entry
        What is wanted.
    unpublished : list of (name, spec)
        Its runs that are not published, with the settings of rivals where they are known.
    left : list of (name, spec)
        Those that are not in the store either.
    waiting : list of (name, spec)
        Those whose settings a sweep must choose first; they are not among the others.
    missing : str
        The data set that this machine lacks for it, or "".
    """

    entry: Entry
    unpublished: list[Named]
    left: list[Named]
    waiting: list[Named]
    missing: str

    @cached_property
    def claims(self) -> list[str]:
        """The claims of its chapter that it bears on: their rules ask for such runs, or for all."""
        if self.entry.to == "weights":  # the numbers are published already
            return []
        section = sections.SECTIONS[self.entry.runs[0].split("/")[0]]
        own = {name.rpartition("/")[0] for name in self.entry.runs}
        asked = {c.name: experiments_of(c) for c in claims.CHAPTERS[section.notebook]}
        return [name for name, experiments in asked.items() if not experiments or experiments & own]

    @cached_property
    def open_claims(self) -> list[str]:
        """Those of them that no run decides yet."""
        known = committed.read()["claims"]
        return [name for name in self.claims if known.get(name, {}).get("verdict") in OPEN]


def _published() -> dict[str, dict[str, Mapping[str, float]]]:
    """Return what is published, by kind: key -> metrics."""
    found: dict[str, dict[str, Mapping[str, float]]] = {}
    for kind, top in runs.PUBLISHED.items():
        records = [json.loads(f.read_text(encoding="utf-8")) for f in top.glob("**/run.json")]
        found[kind] = {record["key"]: record["metrics"] for record in records}
    return found


def rows(store: Path | None = None, finished: bool = False, device: str = "cpu") -> list[Row]:
    """Return what is left of every entry, what decides most open claims per hour first.

    Entries of which nothing is left are out, unless `finished`.
    """
    published = _published()
    numbers = {key: of for kind in published.values() for key, of in kind.items()}
    by_name = {entry.name: entry for entry in ENTRIES}
    found = []
    for entry in ENTRIES:
        there = published["weights"] if entry.to == "weights" else numbers
        chosen = _chosen(by_name[entry.after], numbers, store) if entry.after else {}
        unpublished, waiting = [], []
        for name, spec in entry.specs():
            setting = chosen.get(method_of(name), "")
            if setting is None:
                waiting.append((name, spec))
                continue
            named = (f"{name},{setting}", change(spec, [setting])) if setting else (name, spec)
            if named[1].key not in there:
                unpublished.append(named)
        left = [(name, spec) for name, spec in unpublished if runs.find(spec, store) is None]
        of = next(spec for _, spec in entry.specs())  # its runs have one data set, or surfaces
        lacks = of.of_images and images.present(of.data) == "missing"
        if left or waiting or finished:
            found.append(Row(entry, unpublished, left, waiting, of.data if lacks else ""))
    return _ordered(found, device)


def _ordered(found: Sequence[Row], device: str) -> list[Row]:
    """Put the most open claims per hour first, by recorded times; what decides none comes last.

    A sweep decides nothing without the runs that it chooses for: together they have one place.
    """
    together: dict[str, list[Row]] = {}
    for row in found:
        together.setdefault(row.entry.after or row.entry.name, []).append(row)

    def place(group: list[Row]) -> tuple[float, float]:
        decided = {claim for row in group for claim in row.open_claims}
        wanted = [spec for row in group for _, spec in row.left + row.waiting]
        seconds = sum(durations.seconds_of(spec, device) for spec in wanted)
        return seconds / len(decided) if decided else float("inf"), seconds

    return [row for group in sorted(together.values(), key=place) for row in group]


def _chosen(
    sweep: Entry, numbers: Mapping[str, Mapping[str, float]], store: Path | None
) -> dict[str, str | None]:
    """Return the setting that a sweep chooses for each method, or None where runs are missing."""
    tried: dict[str, dict[str, Mapping[str, float] | None]] = {}
    for name, spec in sweep.specs():
        run = None if spec.key in numbers else runs.find(spec, store)
        metrics = run.metrics if run else numbers.get(spec.key)
        tried.setdefault(method_of(name), {})[name] = metrics
    chosen: dict[str, str | None] = {}
    for method, of in tried.items():
        known = {name: metrics for name, metrics in of.items() if metrics is not None}
        best = choice.best(known, sweep.runs[0].split("/")[0])
        chosen[method] = best.rpartition(",")[2] if len(known) == len(of) and best else None
    return chosen


def costs(queue: Sequence[Row], device: str = "cpu") -> list[float | None]:
    """Return about how many seconds what is left of each row takes; None where data are missing."""
    wanted = [[spec for _, spec in row.left + row.waiting] for row in queue if not row.missing]
    seconds = iter(estimate.seconds_of([spec for specs in wanted for spec in specs], device))
    sums = iter([sum(next(seconds) for _ in specs) for specs in wanted])
    return [None if row.missing else next(sums) for row in queue]


def specs(store: Path | None = None) -> list[RunSpec]:
    """Return every run of the queue that is not published, the best first."""
    return [spec for row in rows(store, finished=True) for _, spec in row.unpublished]


@dataclass(frozen=True)
class Unit:
    """What is trained at once: one run, or on a GPU a stack of one shape."""

    runs: list[Named]

    @property
    def specs(self) -> list[RunSpec]:
        """What is trained."""
        return [spec for _, spec in self.runs]

    def begun(self, store: Path) -> bool:
        """Whether a checkpoint of it, or of one of its runs, is in the store."""
        keys = [spec.key for spec in self.specs]
        return any(runs.checkpoint_of(k, store).exists() for k in (keys, *([k] for k in keys)))

    def free(self, store: Path) -> bool:
        """Whether no other process trains one of its runs."""
        store.mkdir(parents=True, exist_ok=True)
        for spec in self.specs:
            try:
                with runs.lock_of(spec.key, store).acquire(timeout=0):
                    pass
            except Timeout:
                return False
        return True


def units(queue: Sequence[Row], device: str) -> Iterator[Unit]:
    """Yield what is trained at once, in the order of the queue.

    A stack has the same runs whether some of them are in the store or not: its checkpoint is
    found by them.
    """
    for row in queue:
        if row.missing:
            continue
        left = {spec.key for _, spec in row.left}
        shapes: dict[str, list[Named]] = {}
        for name, spec in row.unpublished:
            shape = fitting.stackable(spec) if device.startswith("cuda") else spec.key
            shapes.setdefault(shape, []).append((name, spec))
        for same in shapes.values():
            for first in range(0, len(same), TOGETHER):
                unit = Unit(same[first : first + TOGETHER])
                if any(spec.key in left for spec in unit.specs):
                    yield unit


def next_unit(
    waiting: Sequence[Unit], seconds: Callable[[RunSpec], float], budget: float, store: Path
) -> Unit | None:
    """Return what to train next: what was begun, else what fits the budget, else the first.

    What another process trains is not taken. Only as many runs are asked for their time as need be.

    Parameters
    ----------
    seconds : callable
        How long a run takes.
    budget : float
        The seconds that are left.
    """
    begun = (unit for unit in waiting if unit.begun(store))
    fits = (unit for unit in waiting if sum(map(seconds, unit.specs)) <= budget)
    return next((unit for unit in chain(begun, fits, waiting) if unit.free(store)), None)


def run(
    device: str = "cpu",
    budget: float = float("inf"),
    store: Path | None = None,
    stop: training.Stop = lambda: False,
    shown: Callable[[str, int], training.Progress | None] = lambda name, steps: None,
) -> Iterator[list[Named]]:
    """Train what the queue holds, the best first; yield the runs that are finished, as they are.

    The queue is read anew after each of them: a sweep that ends lets others begin, and what
    another process trains is left to it.

    Parameters
    ----------
    budget : float
        Seconds; runs that take longer come after those that fit. `stop` ends the run.
    shown : callable
        (name, steps) -> what shows the progress of a run.

    Raises
    ------
    Unfinished
        If `stop` returned True; the run's checkpoint is written.
    """
    store = store or runs.store_path()
    ends = time.monotonic() + budget
    endless = budget == float("inf")
    seconds = (lambda spec: 0.0) if endless else estimate.clock(device, TIMING)
    while True:
        waiting = list(units(rows(store, device=device), device))
        unit = next_unit(waiting, seconds, ends - time.monotonic(), store)
        if unit is None or stop():
            return
        first, spec = unit.runs[0]
        try:
            if device.startswith("cuda"):
                show = shown(f"{len(unit.runs)} runs like {first}", spec.steps)
                runs.train_stacks(unit.specs, "published", store, device, show, stop)
            for name, spec in unit.runs:
                show = shown(f"{name}, seed {spec.seed}", spec.steps)
                runs.get(spec, "published", store, device, show, stop)
        except Unfinished as reason:
            raise Unfinished(f"{first}: {reason}") from None
        yield unit.runs
