"""A cluster of one node, by Slurm, makes the smoke book as a local build does.

`python tests/slurm_proof.py [FOLDER]` needs Debian's slurm-wlm and munge, and the executor
snakemake-executor-plugin-slurm. It starts Slurm in FOLDER, or in a temporary one, clones the
project there, and ends what it started. The system's own Slurm is not touched.
"""

from __future__ import annotations

import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
import psutil
import yaml

from isoae_lib.files import ROOT
from isoae_lib.paper import records, sections

T = TypeVar("T")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun")
PARTITIONS = ("main", "train")
STARTED: list[subprocess.Popen[bytes]] = []
BEGAN = time.monotonic()
LONG = "3d/s-shape/I-AE,steps=4000,batch=100,width=32,depth=2"  # a run to cut in the middle
CONF = """
ClusterName=proof
SlurmctldHost={host}(127.0.0.1)
SlurmUser={user}
SlurmdUser={user}
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
MinJobAge=3600
KillWait=15
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=64000
"""


def say(*words: object) -> None:
    print(f"[{time.monotonic() - BEGAN:4.0f} s]", *words, flush=True)


def until(what: str, found: Callable[[], T], seconds: float = 900) -> T:
    """Return what a function returns, as soon as it is true."""
    ends = time.monotonic() + seconds
    while not (result := found()):
        if time.monotonic() > ends:
            raise SystemExit(f"{what}: not within {seconds:.0f} s")
        time.sleep(0.2)
    return result


@contextmanager
def cluster(folder: Path) -> Iterator[dict[str, str]]:
    """Run a Slurm of one node and two partitions; yield the environment that commands need."""
    for name in ("state", "spool", "bin"):
        (folder / name).mkdir(parents=True)
    host, ports = socket.gethostname().split(".")[0], []
    with ExitStack() as held:
        for _ in range(2):
            free = held.enter_context(socket.create_server(("127.0.0.1", 0)))
            ports.append(free.getsockname()[1])
    conf, key, user = folder / "slurm.conf", folder / "munge.key", getpass.getuser()
    cores = max(2, os.cpu_count() or 1)
    lines = CONF.format(host=host, user=user, folder=folder, ports=ports, cores=cores)
    lines += "".join(f"PartitionName={name} Nodes={host}\n" for name in PARTITIONS)
    conf.write_text(lines, encoding="utf-8")
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    # The executor hides SLURM_CONF from the srun of a job. On a cluster, the file has its place.
    srun = folder / "bin" / "srun"
    words = f'#!/bin/sh\nSLURM_CONF={conf} exec {shutil.which("srun")} "$@"\n'
    srun.write_text(words, encoding="utf-8")
    srun.chmod(0o755)
    environment = os.environ | {
        "SLURM_CONF": str(conf), "PATH": f"{srun.parent}:{os.environ['PATH']}",
    }  # fmt: skip
    commands = (
        ["munged", "--foreground", "--force", f"--key-file={key}",
         f"--socket={folder}/munge.socket", f"--pid-file={folder}/munged.pid",
         f"--log-file={folder}/munged.log", f"--seed-file={folder}/munged.seed"],
        ["slurmctld", "-D"], ["slurmd", "-D"],
    )  # fmt: skip
    with (folder / "daemons.log").open("wb") as log:
        daemons = []
        for command in commands:
            daemons.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
            time.sleep(1)
        try:
            idle = ["sinfo", "--noheader", "--format=%P %t"]
            until("the node", lambda: output(idle, environment).count("idle") == len(PARTITIONS))
            yield environment
        finally:  # first what would send jobs again
            for process in STARTED:
                process.kill()
            subprocess.run(["scancel", f"--user={user}"], env=environment, check=True)
            until("the end of all jobs", lambda: not output(["squeue", "-h"], environment))
            for process in reversed(daemons):
                process.terminate()
                process.wait()


def output(command: list[str], environment: dict[str, str]) -> str:
    return subprocess.run(command, env=environment, capture_output=True, text=True).stdout


def jobs(environment: dict[str, str]) -> list[tuple[str, str, str, str]]:
    """Return every job so far, the first one first: number, partition, state, what it is for."""
    lines = output(["squeue", "-h", "--states=all", "--format=%i|%P|%T|%k"], environment)
    found = [line.split("|", 3) for line in lines.splitlines()]
    return sorted((tuple(job) for job in found), key=lambda job: int(job[0]))


def profile(folder: Path) -> Path:
    """Write the project's profile as a user of this cluster has to: with its partitions."""
    given = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    del given["default-resources"]["slurm_account"]  # no accounts here, and no `sacct`
    given |= {"slurm-no-account": True, "slurm-status-command": "squeue"}
    given["slurm-init-seconds-before-status-checks"] = 3
    given["default-resources"] |= {"slurm_partition": "main", "mem_mb": 2000}
    given["set-resources"]["train"] |= {"slurm_partition": "train", "mem_mb": 2000}
    folder.mkdir()
    (folder / "config.yaml").write_text(yaml.safe_dump(given), encoding="utf-8")
    return folder


def started(
    project: Path, log: Path, *words: object, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    """Start `isoae` of a copy of the project."""
    with log.open("ab") as lines:
        process = subprocess.Popen(
            [sys.executable, "-m", "isoae_lib.cli", *map(str, words)],
            env=environment, cwd=project,
            stdin=subprocess.DEVNULL, stdout=lines, stderr=subprocess.STDOUT,
        )  # fmt: skip
    STARTED.append(process)
    return process


def halfway(project: Path, environment: dict[str, str], but: str = "") -> tuple[str, str, Path]:
    """Wait for a job that has finished some of its runs; return its number, its group, a record."""
    groups = sections.groups("smoke")
    of = {f"rule_train_wildcards_{group.replace('/', '_')}": group for group in groups}

    def found() -> tuple[str, str, Path] | None:
        for number, _, state, comment in jobs(environment):
            group = of.get(comment, but)
            log = project / "build" / "smoke" / "logs" / f"{group}.log"
            if state != "RUNNING" or group == but or not log.is_file():
                continue
            said = log.read_text(encoding="utf-8", errors="replace")
            done = [line for line in said.splitlines() if line.startswith("/")]
            if 0 < len(done) < len(groups[group]):
                return number, group, Path(done[0])
        return None

    return until("a job in the middle", found)


def stopped(environment: dict[str, str], build: subprocess.Popen[bytes]) -> None:
    """Stop a build as Ctrl-C does, when it has sent its jobs; see that none of them is left."""

    def settled() -> bool:
        count = len(jobs(environment))
        time.sleep(10)
        return 0 < count == len(jobs(environment))

    until("the jobs of a build", settled)
    build.send_signal(signal.SIGINT)
    build.wait()
    states = {state for _, _, state, _ in jobs(environment)}
    say("the build is stopped; its jobs are", *sorted(states))
    expect("no job waits or trains on", states <= {"CANCELLED", "COMPLETING", "COMPLETED"})


def disturbed(project: Path, environment: dict[str, str], build: subprocess.Popen[bytes]) -> None:
    """Cancel a job of a build, kill the process of another; see both sent again, and end."""
    first, cancelled, early = halfway(project, environment)
    before = (early / "run.json").stat()
    subprocess.run(["scancel", first], env=environment, check=True)
    say(f"job {first} ({cancelled}) is cancelled; it had finished {early.name}")
    second, killed, _ = halfway(project, environment, but=cancelled)
    trains = until("its process", lambda: trains_in(second))
    os.kill(trains, signal.SIGKILL)
    say(f"process {trains} of job {second} ({killed}) is killed: kill -9")
    until("the build", lambda: build.poll() is not None, 3600)
    expect("the book was built through the cluster", build.returncode == 0)
    for number, partition, state, comment in jobs(environment):
        say(f"  job {number:>3s}  {partition:6s}{state:10s} {comment}")
    by_number = {number: (state, comment) for number, _, state, comment in jobs(environment)}
    for number in (first, second):
        comment = by_number[number][1]
        again = [n for n, of in by_number.items() if of == ("COMPLETED", comment)]
        expect(f"job {number} was sent again, and ended as job {', '.join(again)}", len(again) == 1)
    expect("the first of them was cancelled", by_number[first][0] == "CANCELLED")
    expect("the second of them failed", by_number[second][0] == "FAILED")
    same = (early / "run.json").stat()
    expect("what was finished before stayed", before.st_mtime_ns == same.st_mtime_ns)
    used = {partition for _, partition, state, _ in jobs(environment) if state == "COMPLETED"}
    expect("jobs ended in both partitions", used == set(PARTITIONS))


def trains_in(job: str) -> int:
    """Return the process of a job that trains, or 0."""
    for process in psutil.process_iter(["cmdline", "environ"]):
        words, variables = process.info["cmdline"] or (), process.info["environ"] or {}
        if "isoae_lib.book.tied" in words and variables.get("SLURM_JOB_ID") == job:
            return process.pid
    return 0


def expect(what: str, met: bool) -> None:
    say(f"{'yes' if met else 'NO'}: {what}")
    if not met:
        raise SystemExit(f"not so: {what}")


def equal(ours: Path, theirs: Path) -> int:
    """Compare the records of two stores, bit for bit; return how many there are."""
    stores = [{f.parent.name for f in store.glob("*/run.json")} for store in (ours, theirs)]
    expect(f"both stores have the same {len(stores[0])} records", stores[0] == stores[1] != set())
    for key in sorted(stores[0]):
        here, there = (records.read(store / key) for store in (ours, theirs))
        same = (
            here.weights_checksum == there.weights_checksum
            and here.metrics == there.metrics
            and here.history == there.history
            and np.array_equal(here.codes, there.codes)
        )
        if not same:
            raise SystemExit(f"the records {key} differ")
    return len(stores[0])


def sent(folder: Path, environment: dict[str, str], seed: int) -> list[Path]:
    """Send the same run to both partitions; return the logs, and wait until one of them trains."""
    python = f"{sys.executable} -m isoae_lib.cli train {LONG} --preset smoke --seed {seed}"
    logs = [folder / f"user-{seed}-{partition}.log" for partition in PARTITIONS]
    for partition, log in zip(PARTITIONS, logs, strict=True):
        subprocess.run(
            ["sbatch", f"--partition={partition}", f"--output={log}", f"--comment={log.stem}",
             "--ntasks=1", "--mem=2000", f"--wrap=exec {python}"],
            env=environment, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
    until("a job that trains", lambda: any(steps(log) for log in logs))
    until("a job that waits", lambda: any("waiting for another" in text(log) for log in logs))
    return sorted(logs, key=lambda log: not steps(log))  # first who trains, then who waits


def text(log: Path) -> str:
    return log.read_text(encoding="utf-8") if log.exists() else ""


def steps(log: Path) -> list[int]:
    """Return the steps that a training says that it has reached."""
    return [int(step) for step in re.findall(r"\t(\d+)/\d+\t", text(log))]


def two_users(folder: Path, environment: dict[str, str]) -> None:
    """Let two jobs want one run: one of them trains it; where that one is cancelled, the other."""
    trains, waits = sent(folder, environment, seed=1)
    until("their end", lambda: all("done " in text(log) for log in (trains, waits)))
    expect(f"{trains.stem} trained the run, {waits.stem} waited and took it", not steps(waits))
    trains, waits = sent(folder, environment, seed=2)
    (number,) = (n for n, _, _, comment in jobs(environment) if comment == trains.stem)
    subprocess.run(["scancel", number], env=environment, check=True)
    until("the end of the other", lambda: "done " in text(waits))
    expect(
        f"{trains.stem} was cancelled after step {steps(trains)[-1]}, {waits.stem} went on from "
        f"there: its first line says step {steps(waits)[0]}",
        "done " not in text(trains) and steps(trains)[-1] < steps(waits)[0],
    )


def main() -> None:
    """Print what happens, a line for each event; exit status 1 if something is not as it must."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.mkdtemp(prefix="slurm-")).resolve()
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if lacks := [name for name in PROGRAMS if not shutil.which(name)]:
        raise SystemExit(f"{', '.join(lacks)} missing: apt-get install slurm-wlm munge")
    project, local, shared = (folder / name for name in ("project", "local", "shared"))
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(project)], check=True)
    say(f"a clone of {ROOT}, and all that follows, is in {folder}")
    os.environ["PYTHONPATH"] = str(project)  # what runs is the clone, here and in jobs
    with cluster(folder / "slurm") as environment:
        environment["ISOAE_STORE"] = str(shared)
        say("Slurm runs: one node, partitions", *PARTITIONS)
        log = folder / "cluster.log"
        words: tuple[object, ...] = ("book", "--preset", "smoke")
        words += ("--profile", profile(folder / "profile"))
        stopped(environment, started(project, log, *words, environment=environment))
        disturbed(project, environment, started(project, log, *words, environment=environment))
        print(text(log), end="")
        two_users(folder, environment)
    for name in ("smoke", "workflow"):
        (project / "build" / name).rename(folder / f"{name}-of-the-cluster")
    environment = os.environ | {"ISOAE_STORE": str(local)}
    log = folder / "local.log"
    for words in (
        ("book", "--preset", "smoke", "--target", "notebooks"),  # all that trains
        ("train", LONG, "--preset", "smoke", "--seed", "1", "--seed", "2"),
    ):
        done = started(project, log, *words, environment=environment).wait()
        expect(f"isoae {' '.join(words)}, without the cluster", done == 0)
    say(f"{equal(shared, local)} records are equal to the last bit")


if __name__ == "__main__":
    main()
