"""Run the Snakefile, and print one line per job: what is done, the time spent, the time left."""

from __future__ import annotations

import fcntl
import importlib.util
import math
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import joblib
import yaml
from filelock import FileLock, Timeout

from isoae_lib.book import copies, tied
from isoae_lib.book.site import html_folder
from isoae_lib.book.surroundings import CACHE, ENDING, at_ending
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, writing
from isoae_lib.paper import durations, sections

TARGETS = ("book", "notebooks")
START = 4.0  # seconds that a process needs before it works
NOTEBOOK = 12.0  # seconds of a notebook whose runs are done, or of the book
BASELINES = 60.0  # seconds of the baselines
CANCELLING = 60.0  # seconds that a cluster may take to cancel jobs
TRUSTED = 60.0  # seconds of work after which the pace so far counts as much as the estimates
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
        What the process prints: for a run that is done, "done NAME".
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
        return self.log.stat().st_mtime > since and self.is_done_in(_text(self.log))

    def is_done_in(self, said: str) -> bool:
        """Tell whether a log says that this run is done."""
        return f"done {self.name}\n" in said


def minutes_of(names: Iterable[str], preset: str, device: str = "cpu") -> int:
    """Return how many minutes to ask for, to train runs in a row: twice what they may take."""
    specs = (sections.spec(name, preset) for name in names)
    return 5 + math.ceil(sum(durations.seconds_of(spec, device) for spec in specs) / 30)


def jobs_of(preset: str, target: str) -> list[Job]:
    """List every job of a target, in the order of the book."""
    base = ROOT / "build" / preset

    def job(name: str, output: Path | str, log: str, seconds: float) -> Job:
        return Job(name, base / output, base / "logs" / f"{log}.log", seconds)

    jobs = [
        job(name, f"runs/{group}.done", group,
            durations.on_core(sections.spec(name, preset)) + START / len(names))
        for group, names in sections.groups(preset).items()
        for name in names
    ]  # fmt: skip
    if preset != sections.CANARIES:
        jobs.append(job("baselines", "runs/baselines.done", "baselines", BASELINES))
    jobs += [job(stem, f"executed/{stem}.ipynb", stem, NOTEBOOK) for stem in sections.NOTEBOOKS]
    if target == "book":
        jobs.append(job("book", html_folder(preset) / "index.html", "book", NOTEBOOK))
    return jobs


def build(preset: str, cores: int = 0, target: str = "book", profile: Path | None = None) -> None:
    """Bring a target up to date and print where it is.

    Parameters
    ----------
    preset : str
        The scale of every notebook and run.
    cores : int
        Jobs side by side; 0 for as many as this process may use.
    target : str
        "book", or "notebooks" for the executed copies alone.
    profile : Path, optional
        Folder of a Snakemake profile: where jobs run, and how many at a time.

    Raises
    ------
    InputError
        For an unknown preset or target, or a profile that cannot be used; when another build runs
        here, or `build` cannot be written; when a job fails, naming its log; and when the build is
        stopped.
    """
    choose("preset", preset, sections.PRESETS)
    choose("target", target, TARGETS)
    cores = cores or joblib.cpu_count()
    where, config = ["--cores", str(cores)], {"preset": preset}
    if profile:
        where, config = ["--profile", str(profile.resolve())], _config_of(profile) | config
    jobs = jobs_of(preset, target)
    log = ROOT / "build" / preset / "logs" / "snakemake.log"
    with _alone(preset) as working:
        copies.set_aside(preset)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as lines:
            process = _start(where, config, target, lines, working)
            try:
                finished = _watch(process, jobs, cores)
            except KeyboardInterrupt:
                raise InputError("stopped; the same command goes on from here.") from None
            finally:
                if profile:
                    _take_back(process)
                process.kill()
                process.wait()
                _wait_for_all(working)
    if process.returncode:
        raise InputError(_failure(jobs, log, process.returncode))
    print(f"{len(finished)} of {len(jobs)} jobs were run, the rest was up to date.")
    if finished and preset == sections.CANARIES:
        from isoae_lib.paper import canaries  # heavy

        print(canaries.summary(canaries.checks()))
    if target == "book":
        print(f"open {html_folder(preset) / 'index.html'}")


def _config_of(profile: Path) -> dict[str, str]:
    """Return what a Snakemake profile says to the Snakefile, once its executor is installed.

    Snakemake would leave that out, since `preset` is said on the command line.

    Raises
    ------
    InputError
        If there is no such profile, or the package of its executor is missing.
    """
    file = profile / "config.yaml"
    if not file.is_file():
        raise InputError(f"{profile} is no Snakemake profile: it has no config.yaml.")
    said = yaml.safe_load(file.read_text(encoding="utf-8"))
    executor = said.get("executor", "local")
    package = f"snakemake-executor-plugin-{executor}"
    if executor != "local" and not importlib.util.find_spec(package.replace("-", "_")):
        raise InputError(
            f"the profile {profile} sends jobs to {executor}, which needs a package: "
            f"`.venv/bin/python -m pip install {package}`."
        )
    return said.get("config", {})


def _start(
    where: list[str], config: Mapping[str, str], target: str, lines: BinaryIO, working: Path
) -> subprocess.Popen[bytes]:
    """Start Snakemake without its own lock; signals of the terminal miss it."""
    command = tied.command(
        "snakemake.cli:main", "--directory", "build/workflow", *where,
        "--scheduler", "greedy", "--rerun-incomplete", "--keep-going", "--nolock",
        "--workflow-profile", "none", "--runtime-source-cache-path", str(CACHE / "snakemake"),
        "--config", *(f"{name}={value}" for name, value in config.items()), "--", target,
    )  # fmt: skip
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=lines,
        stderr=subprocess.STDOUT, env=os.environ | ENVIRONMENT | {tied.WORKING: str(working)},
        start_new_session=True,
    )  # fmt: skip


def _take_back(process: subprocess.Popen[bytes]) -> None:
    """Let Snakemake cancel the jobs that it has sent elsewhere, as Ctrl-C on a terminal does."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(CANCELLING)


@contextmanager
def _alone(preset: str) -> Iterator[Path]:
    """Let one build at a time work in this checkout, after all jobs of the last one have ended.

    The system frees the lock of a process that is killed. Yields the file on which every process
    of the build holds a lock.
    """
    folder = ROOT / "build" / "workflow"
    who, working = folder / "who", folder / "working"
    with writing(folder.parent):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            held = FileLock(folder / "lock").acquire(timeout=0)
        except Timeout:
            first = f" ({_text(who)})" if who.is_file() else ""
            raise InputError(
                f"another build is running here{first}: wait until it ends, or stop it."
            ) from None
    with held:
        at_ending(_stop)
        with writing(folder):
            who.write_text(f"preset {preset}, process {os.getpid()}", encoding="utf-8")
            working.touch()
        _wait_for_all(working)
        yield working


def _stop(*_: object) -> None:
    for number in ENDING:
        signal.signal(number, signal.SIG_IGN)  # once is enough: the build is ending
    raise KeyboardInterrupt


def _wait_for_all(working: Path) -> None:
    """Wait until every process of a build has ended: each ends when its parent does (`tied`)."""
    with working.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)


def _watch(process: subprocess.Popen[bytes], jobs: list[Job], cores: int) -> list[Job]:
    """Print a line whenever a job ends; return those that ran."""
    began, since = time.monotonic(), time.time()
    waiting = [job for job in jobs if not job.output.exists()]  # others may be up to date
    finished: list[Job] = []
    running = True
    while running:
        running = process.poll() is None
        for job in [job for job in jobs if job not in finished and job.finished(since)]:
            finished.append(job)
            waiting = [other for other in waiting if other is not job]
            spent = time.monotonic() - began
            done, to_do = (sum(job.seconds for job in part) for part in (finished, waiting))
            seed = f" seed {job.output.stem}" if job.output.stem.isdigit() else ""
            print(
                f"[{len(jobs) - len(waiting):3d}/{len(jobs)}] {job.name + seed:<40s} spent "
                f"{_clock(spent)}  left about {_clock(seconds_left(spent, done, to_do, cores))}",
                flush=True,
            )
        if running:
            time.sleep(0.5)
    return finished


def seconds_left(spent: float, done: float, waiting: float, cores: int) -> float:
    """Return about how long jobs of `waiting` seconds take, after `spent` seconds on `done`.

    The jobs' own estimates count as `TRUSTED` seconds of experience: the first job to end says
    little, since others began with it.
    """
    pace = (spent + TRUSTED / cores) / (done + TRUSTED)
    return pace * waiting


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


def _text(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")


def _failure(jobs: list[Job], log: Path, status: int) -> str:
    """Say which job failed, by Snakemake's log; or with what Snakemake itself ended."""
    text = _text(log)
    shell = re.findall(r"^\S*sh: line \d+: (.+)", text, re.MULTILINE)  # could not start a job
    for found in re.findall(r"^ {4}log: (.+) \(check log file", text, re.MULTILINE):
        failed = (ROOT / "build" / "workflow" / found).resolve()
        ran = [job for job in jobs if job.log == failed]
        said = _text(failed) if failed.is_file() else ""
        if ran and (said or not shell):
            name = next((job.name for job in ran if not job.is_done_in(said)), ran[0].name)
            return f"{name} failed: {_last_word(said)} The log is {failed}."
    if status < 0:
        return f"the workflow was killed ({signal.strsignal(-status)}); the same command goes on."
    errors = re.findall(r"^.*(?:Error|Exception)\b.*(?:\n.+)?", text, re.MULTILINE)
    reason = " ".join(
        [*shell, *errors, "its log is empty, perhaps for lack of disk space"][0].split()
    )
    return f"the workflow failed: {reason} (the log is {log})."


def _last_word(said: str) -> str:
    """Return the reason that the log of a failed job ends with."""
    lines = said.strip().splitlines()
    sentences = [line for line in lines if line.startswith("isoae: ")]
    if sentences:
        return sentences[-1].removeprefix("isoae: ")
    if any(line.startswith("Traceback") for line in lines):
        return f"{lines[-1]}."
    return "it was killed, perhaps for lack of memory."
