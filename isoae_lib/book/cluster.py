"""What the paper's scale costs on a cluster, for the page on clusters: from recorded times."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable
from itertools import product

from isoae_lib.paper import durations, sections
from isoae_lib.paper.section import Section

GPUS = 10


def hours() -> str:
    """Return a table and a sentence in Markdown: the hours of training at the paper's scale."""
    lines = [
        "| shown | runs | jobs | core hours | GPU hours | longest job, GPU hours |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    every: list[float] = []
    core_hours, runs = 0.0, 0
    for section in sections.SECTIONS.values():
        jobs = _jobs(section, "cuda")
        cores = sum(_jobs(section, "cpu"))
        trained = len(section.seeds["paper"]) * len(section.all_data) * len(section.trained)
        lines.append(_line(section.shows, trained, jobs, cores))
        every, core_hours, runs = every + jobs, core_hours + cores, runs + trained
    lines.append(_line("all", runs, every, core_hours))
    gpu = durations.recorded()[0]["device"].removeprefix("cuda, ")
    return "\n".join(lines) + (
        f"\n\nFor all of these jobs, one {gpu} needs {sum(every):,.0f} hours, and {GPUS} of them "
        f"need {makespan(every, GPUS):,.0f} hours."
    )


def _jobs(section: Section, device: str) -> list[float]:
    """Return the hours of each job of a section, as a build with all images has them."""
    hours: defaultdict[str, float] = defaultdict(float)
    for seed, data, method in product(section.seeds["paper"], section.all_data, section.trained):
        spec = section.spec(data, method, "paper", seed)
        job = sections.job_of(f"{section.name}/{data}/{method}", seed, "paper")
        hours[job] += durations.seconds_of(spec, device) / 3600
    return list(hours.values())


def _line(shown: str, runs: int, jobs: list[float], core_hours: float) -> str:
    numbers = (f"{core_hours:,.0f}", f"{sum(jobs):,.1f}", f"{max(jobs):,.1f}")
    return f"| {' | '.join((shown, str(runs), str(len(jobs)), *numbers))} |"


def makespan(jobs: Iterable[float], workers: int) -> float:
    """Return when the last job ends, if each worker takes the longest one that is left."""
    ends = [0.0] * workers
    for job in sorted(jobs, reverse=True):
        heapq.heapreplace(ends, ends[0] + job)
    return max(ends)
