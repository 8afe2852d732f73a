"""Builds that are killed, in a small copy of the project under a path with odd characters."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import psutil
import pytest

from isoae_lib.files import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("builds")]

STARTED = []
PAGE = """# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %%
#| label: fig-line
#| fig-cap: A line.
#| fig-alt: A line.
import matplotlib.pyplot as plt
from isoae_lib.paper import runs
run = runs.load("toy/curve/I-AE", preset, seed)
print(run.metrics.keys(), "±")
plt.plot([0, 1]);
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A copy of the project with one page, and as many runs as that needs."""
    folder = tmp_path_factory.mktemp("O'Brien ü {seed} $HOME 100%") / "a project"
    for name in ("isoae_lib", "data/paper"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", folder)
    (folder / "notebooks").mkdir()
    shutil.copy(ROOT / "notebooks" / "01_theory.py", folder / "notebooks")
    (folder / "notebooks" / "02_toy_projection.py").write_text(PAGE, encoding="utf-8")
    sections = folder / "isoae_lib" / "paper" / "sections.py"
    text = sections.read_text(encoding="utf-8")
    text, times = re.subn(
        "^NOTEBOOKS = .*$", 'NOTEBOOKS = ("02_toy_projection",)', text, flags=re.MULTILINE
    )
    assert times == 1
    sections.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(autouse=True)
def started():
    """End what a failed test leaves."""
    yield
    while STARTED:
        STARTED.pop().kill()


def start(project, *words, **variables):
    """Start `isoae` of the copy from another folder."""
    environment = {name: v for name, v in os.environ.items() if name != "ISOAE_STORE"}
    process = subprocess.Popen(
        [sys.executable, "-m", "isoae_lib.cli", *words, "--preset", "smoke"],
        env=environment | {"PYTHONPATH": str(project)} | variables, cwd="/", text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        encoding="utf-8", start_new_session=True,
    )  # fmt: skip
    STARTED.append(process)
    return process


def build(project, **variables):
    return start(project, "book", "--target", "notebooks", "--jobs", "2", **variables)


def at_work(family):
    """Return the processes that have not ended; a zombie has."""
    return [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def anew(project):
    """Forget what was built, so that there is something to interrupt."""
    for name in ("store", "smoke", "workflow"):
        shutil.rmtree(project / "build" / name, ignore_errors=True)


def family_with(builder, word):
    """Wait until a process of the build is at work; return it and the whole family."""
    for _ in range(600):
        family = psutil.Process(builder.pid).children(recursive=True)
        for member in family:
            try:
                if word in " ".join(member.cmdline()):
                    return member, family
            except psutil.Error:
                continue
        assert builder.poll() is None, builder.communicate()
        time.sleep(0.1)
    raise AssertionError(f"no {word}")


def passes(project, **variables):
    process = build(project, **variables)
    printed, _ = process.communicate(timeout=240)
    assert process.returncode == 0, printed
    return printed


def test_a_build_whose_process_is_killed_says_so_and_the_next_goes_on(project):
    anew(project)
    for victim, said in {
        "cli:main train": "toy/curve/.* failed: it was killed, .* The log is .*toy/curve",
        "snakemake.cli": r"the workflow was killed \(Killed\); the same command goes on",
        "kernelapp": "02_toy_projection failed: the kernel of notebook .* ended",
    }.items():
        builder = build(project)
        member, family = family_with(builder, victim)
        member.kill()
        printed, _ = builder.communicate(timeout=240)
        assert builder.returncode == 2 and not at_work(family)
        assert re.match(f"isoae: {said}", printed.splitlines()[-1]), printed
    passes(project)


def test_no_process_outlives_its_builder_and_the_next_build_goes_on(project):
    anew(project)
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        builder = build(project)
        _, family = family_with(builder, "cli:main train")
        builder.send_signal(number)
        printed, _ = builder.communicate(timeout=60)
        polite = number not in (signal.SIGKILL, signal.SIGQUIT)
        assert ("isoae: stopped; the same command goes on" in printed) == polite
        assert builder.returncode == (2 if polite else -number)
        if not polite:
            psutil.wait_procs(family, timeout=15)
        assert not at_work(family)
    passes(project)


def test_a_second_build_says_who_is_first_and_touches_nothing(project):
    anew(project)
    first = build(project)
    family_with(first, "cli:main train")
    log = project / "build" / "smoke" / "logs" / "snakemake.log"
    before = log.stat()
    second = build(project)
    printed, _ = second.communicate(timeout=60)
    assert second.returncode == 2
    assert printed == (
        f"isoae: another build is running here (preset smoke, process {first.pid}): wait until it "
        "ends, or stop it.\n"
    )
    assert log.stat().st_ino == before.st_ino and log.stat().st_size >= before.st_size
    by_hand = start(project, "notebook", "02_toy_projection")  # beside it, the same runs and page
    assert by_hand.communicate(timeout=240) and by_hand.returncode == 0
    printed, _ = first.communicate(timeout=240)
    assert first.returncode == 0, printed
    assert "0 of" in passes(project)


def test_a_users_own_settings_reach_no_page(project, tmp_path):
    """Another kernel, a profile, a startup file, a backend, a locale, no home: the same page."""
    anew(project)
    passes(project)
    page = project / "build" / "smoke" / "executed" / "02_toy_projection.ipynb"
    plain = page.read_bytes()
    assert b"image/png" in plain and b"stderr" not in plain
    kernel = tmp_path / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    (kernel / "kernel.json").write_text(
        json.dumps({"argv": ["/bin/false"], "display_name": "wrong", "language": "python"}),
        encoding="utf-8",
    )
    (tmp_path / "startup.py").write_text("print('startup')", encoding="utf-8")
    (tmp_path / "ipython" / "profile_default" / "startup").mkdir(parents=True)
    shutil.copy(tmp_path / "startup.py", tmp_path / "ipython" / "profile_default" / "startup")
    page.unlink()
    passes(
        project, JUPYTER_PATH=str(tmp_path / "jupyter"), JUPYTER_DATA_DIR=str(tmp_path / "jupyter"),
        IPYTHONDIR=str(tmp_path / "ipython"), PYTHONSTARTUP=str(tmp_path / "startup.py"),
        SNAKEMAKE_PROFILE="slurm", MPLBACKEND="Agg", LC_ALL="C", PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii", PYTHONWARNINGS="error",
        PYTHONOPTIMIZE="2", HOME=str(tmp_path / "startup.py"), XDG_CACHE_HOME="/dev/null",
    )  # fmt: skip
    assert page.read_bytes() == plain
