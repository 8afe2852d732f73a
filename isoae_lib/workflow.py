"""Run the Snakefile, and say in a line a job what is done, the time spent and the time left."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from isoae_lib import copies, paper
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT
from isoae_lib.site import html_folder

TARGETS = ("book", "notebooks")
START = 4.0  # seconds that a process needs before it works
NOTEBOOK = 12.0  # seconds of a notebook whose runs are done, or of the book
EMBEDDINGS = 60.0  # seconds of the classic embeddings
TRUSTED = 60.0  # seconds of work after which the pace so far says as much as the estimates
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",  # or U-MAP turns on two threads for the t-SNE behind it
    # glibc keeps freed memory: fresh pages cost a small training step a tenth of its time
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(512 << 20),
}


@dataclass
class Job:
    """One line of progress: a training run, a notebook or the book.

    Attributes
    ----------
    name : str
        As it is printed.
    output : Path
        The file that the job's process ends with.
    log : Path
        What the process prints; a run is done when it says so there.
    seconds : float
        About how long it takes.
    """

    name: str
    output: Path
    log: Path
    seconds: float

    def finished(self, since: float) -> bool:
        """Tell whether the job ended after the moment `since`."""
        if self.output.exists() and self.output.stat().st_mtime > since:
            return True
        if self.output.suffix != ".done" or not self.log.exists():
            return False
        return self.log.stat().st_mtime > since and f"done {self.name}\n" in self.log.read_text()


def jobs_of(preset: str, target: str) -> list[Job]:
    """List every job of a target, in the order of the book."""
    base = ROOT / "build" / preset
    jobs = [
        Job(name, base / "runs" / f"{group}.done", base / "logs" / f"{group}.log",
            paper.cost(name, preset) + START / len(names))
        for group, names in paper.groups(preset).items()
        for name in names
    ]  # fmt: skip
    embedded = base / "runs" / "embeddings.done"
    jobs.append(Job("embeddings", embedded, base / "logs" / "embeddings.log", EMBEDDINGS))
    for stem in paper.NOTEBOOKS:
        output = base / "executed" / f"{stem}.ipynb"
        jobs.append(Job(stem, output, base / "logs" / f"{stem}.log", NOTEBOOK))
    if target == "book":
        page = html_folder(preset) / "index.html"
        jobs.append(Job("book", page, base / "logs" / "book.log", NOTEBOOK))
    return jobs


def build(preset: str, cores: int = 0, target: str = "book") -> None:
    """Bring a target up to date and print where it is.

    Parameters
    ----------
    preset : str
        The scale of every notebook and run.
    cores : int
        Jobs side by side; 0 for as many as this process may use.
    target : str
        "book", or "notebooks" for the executed copies alone.

    Raises
    ------
    InputError
        For an unknown preset or target; and when a job fails, naming its log.
    """
    choose("preset", preset, paper.PRESETS)
    choose("target", target, TARGETS)
    cores = cores or len(os.sched_getaffinity(0))
    copies.set_aside(preset)
    jobs = jobs_of(preset, target)
    log = ROOT / "build" / preset / "logs" / "snakemake.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [
        sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"),
        "--directory", str(ROOT), "--cores", str(cores), "--scheduler", "greedy",
        "--rerun-incomplete", "--keep-going", "--config", f"preset={preset}", "--", target,
    ]  # fmt: skip
    with log.open("w") as lines:
        process = subprocess.Popen(
            command, stdout=lines, stderr=subprocess.STDOUT, env=os.environ | ENVIRONMENT
        )
        try:
            finished = _watch(process, jobs, cores)
        except KeyboardInterrupt:
            process.wait()
            raise InputError("stopped; the same command goes on from here.") from None
    if process.returncode:
        raise InputError(_failure(jobs, log))
    print(f"{len(finished)} of {len(jobs)} jobs were run, the rest was up to date.")
    if target == "book":
        print(f"open {html_folder(preset) / 'index.html'}")


def _watch(process: subprocess.Popen[bytes], jobs: list[Job], cores: int) -> list[Job]:
    """Print a line whenever a job ends; return those that ran."""
    began, since = time.monotonic(), time.time()
    fresh = [job for job in jobs if job.output.exists()]  # perhaps up to date: not waited for
    finished: list[Job] = []
    while True:
        running = process.poll() is None
        for job in jobs:
            if job not in finished and job.finished(since):
                finished.append(job)
                waiting = [j for j in jobs if j not in finished and j not in fresh]
                spent = time.monotonic() - began
                left = seconds_left(spent, _together(finished), _together(waiting), cores)
                seed = f" seed {job.output.stem}" if job.output.stem.isdigit() else ""
                print(
                    f"[{len(jobs) - len(waiting):3d}/{len(jobs)}] {job.name + seed:<40s} "
                    f"spent {_clock(spent)}  left about {_clock(left)}",
                    flush=True,
                )
        if not running:
            return finished
        time.sleep(0.5)


def _together(jobs: list[Job]) -> float:
    return sum(job.seconds for job in jobs)


def seconds_left(spent: float, done: float, waiting: float, cores: int) -> float:
    """Return about how long jobs of `waiting` seconds take, after `spent` seconds on `done`.

    The jobs' own estimates count as `TRUSTED` seconds of experience: the first job to end says
    little, since others began with it.
    """
    pace = (spent + TRUSTED / cores) / (done + TRUSTED)
    return pace * waiting


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _failure(jobs: list[Job], log: Path) -> str:
    """Say which job failed, with the last line of its log."""
    for job in jobs:
        if job.log.exists() and not job.output.exists():
            lines = job.log.read_text().strip().splitlines()
            last = lines[-1].removeprefix("isoae: ") if lines else "no message"
            return f"{job.name} failed: {last} The log is {job.log}."
    return f"the workflow failed; its log is {log}."
