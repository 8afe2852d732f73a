"""One build at a time, what failed is what is named, and no user's settings inside."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from statistics import median
from types import SimpleNamespace

import pytest
import yaml

from isoae_lib import cli, files
from isoae_lib.book import copies, execute, site, surroundings, tied, workflow
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT
from isoae_lib.paper import durations, records, runs, sections


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of two jobs, each with a log; `Snakefile` says what they do."""
    for module in (workflow, execute, site, copies):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    base = tmp_path / "build" / "smoke"
    jobs = [
        workflow.Job(name, base / name, base / "logs" / f"{name}.log", 1) for name in ("one", "two")
    ]
    monkeypatch.setattr(workflow, "jobs_of", lambda *_: jobs)
    monkeypatch.setattr(workflow.signal, "signal", lambda *_: None)

    def write(one="true", two="true", head=""):
        (tmp_path / "Snakefile").write_text(
            f"""{head}
import os
rule notebooks:
    input: "../smoke/one", "../smoke/two"

rule one:
    output: touch("../smoke/one")
    log: "../smoke/logs/one.log"
    shell: "{one}"

rule two:
    output: touch("../smoke/two")
    log: "../smoke/logs/two.log"
    shell: "{two}"
""",
            encoding="utf-8",
        )
        return base

    return write


def failure():
    with pytest.raises(InputError) as error:
        workflow.build("smoke", 1, "notebooks")
    return str(error.value)


def test_a_build_runs_its_jobs_once(project, capsys):
    project()
    workflow.build("smoke", 1, "notebooks")
    assert "2 of 2 jobs were run" in capsys.readouterr().out
    workflow.build("smoke", 1, "notebooks")
    assert "0 of 2 jobs were run" in capsys.readouterr().out


def profile_in(folder, text):
    folder.mkdir()
    (folder / "config.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_profile_decides_where_jobs_run(project, tmp_path):
    base = project(one="echo on {config[device]} > {log}")
    here = profile_in(tmp_path / "here", "cores: 1\nconfig:\n  device: cuda\n")
    workflow.build("smoke", 1, "notebooks", here)
    assert (base / "logs" / "one.log").read_text(encoding="utf-8") == "on cuda\n"


def test_a_stopped_build_lets_snakemake_take_back_what_it_sent(project, tmp_path, monkeypatch):
    """Jobs in a cluster would else go on, as no process here is their parent."""
    base = project(one="touch begun; sleep 600")
    begun = tmp_path / "build" / "workflow" / "begun"

    def interrupted(*_):
        while not begun.exists():
            time.sleep(0.1)
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "_watch", interrupted)
    with pytest.raises(InputError, match="the same command goes on"):
        workflow.build(
            "smoke", 1, "notebooks", profile_in(tmp_path / "here", "cores: 2\nconfig: {}\n")
        )
    log = (base / "logs" / "snakemake.log").read_text(encoding="utf-8")
    assert "Terminating processes on user request" in log and "Elapsed time" in log


def test_a_profile_that_cannot_be_used_stops_the_build_before_it_begins(project, tmp_path):
    base = project()
    with pytest.raises(InputError, match=r"has no config\.yaml"):
        workflow.build("smoke", 1, "notebooks", tmp_path / "nowhere")
    there = profile_in(tmp_path / "there", "executor: some-where\n")
    with pytest.raises(InputError, match="pip install snakemake-executor-plugin-some-where`"):
        workflow.build("smoke", 1, "notebooks", there)
    assert not base.exists()


def test_the_profile_for_slurm_names_rules_and_resources_that_there_are():
    profile = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text(encoding="utf-8"))
    snakefile = (ROOT / "Snakefile").read_text(encoding="utf-8")
    assert profile["executor"] == "slurm"
    assert all(f"rule {rule}:" in snakefile for rule in profile["set-resources"])


def test_a_job_asks_for_twice_the_minutes_that_its_runs_take():
    names = ["3d/s-shape/I-AE", "3d/s-shape/AE"]
    seconds = sum(durations.on_core(sections.spec(name, "paper")) for name in names)
    assert 0 <= workflow.minutes_of(names, "paper") - 2 * seconds / 60 <= 6
    on_gpu = sum(durations.on_gpu(sections.spec(name, "paper")) for name in names)
    assert 0 <= workflow.minutes_of(names, "paper", "cuda") - 2 * on_gpu / 60 <= 6


def test_the_job_that_failed_is_named_and_no_other(project):
    base = project(two="(echo isoae: it was so.; exit 2) > {log} 2>&1")
    (base / "logs").mkdir(parents=True)
    (base / "logs" / "one.log").write_text("isoae: old.\n", encoding="utf-8")
    assert failure().startswith("two failed: it was so. The log is ")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("[3/4]\nisoae: so.\nbye\n", "so."),
        ("Traceback (most recent):\n  a line\nKeyError: 3\n", "KeyError: 3."),
        ("[3/4] halfway\n", "it was killed, perhaps for lack of memory."),
        ("", "it was killed, perhaps for lack of memory."),
    ],
)
def test_the_last_word_of_a_log(log, reason):
    assert workflow._last_word(log) == reason


@pytest.fixture
def group(tmp_path):
    """Two runs of one process, which have a log together."""
    output, log = tmp_path / "group.done", tmp_path / "group.log"
    return [workflow.Job(name, output, log, 1.0) for name in ("one", "two")]


def test_a_run_ends_with_its_word_in_the_log_and_with_the_group(group):
    one, two = group
    one.log.write_text("done one\n", encoding="utf-8")
    now = one.log.stat().st_mtime
    assert one.finished(now - 1) and not two.finished(now - 1)
    assert not one.finished(now + 1)  # the log is of another day
    one.output.touch()
    assert two.finished(now - 1) and not two.finished(time.time() + 1)


def test_jobs_that_were_up_to_date_count_as_done(group, capsys):
    one, two = group
    two.output = two.output.with_name("other.done")
    for job in group:
        job.output.touch()
    ended = SimpleNamespace(poll=lambda: 0)
    os.utime(one.output, (time.time() + 9, time.time() + 9))
    assert workflow._watch(ended, group, 1) == [one]
    assert capsys.readouterr().out.startswith("[  2/2] one ")


def test_a_group_starts_one_process():
    jobs = {job.name: job.seconds for job in workflow.jobs_of("smoke", "notebooks")}
    for names in sections.groups("smoke").values():
        work = sum(durations.on_core(sections.spec(name, "smoke")) for name in names)
        assert sum(jobs[name] for name in names) == pytest.approx(work + workflow.START)


def test_of_a_group_the_run_that_failed_is_named(group, tmp_path, monkeypatch):
    monkeypatch.setattr(workflow, "ROOT", tmp_path)
    folder = tmp_path / "build" / "workflow"
    folder.mkdir(parents=True)
    group[0].log.write_text("done one\nisoae: it was so.\n", encoding="utf-8")
    log = folder / "snakemake.log"
    log.write_text("    log: ../../group.log (check log file(s) for error)\n", encoding="utf-8")
    assert workflow._failure(group, log, 1).startswith("two failed: it was so. The log is ")


def test_a_signal_that_is_ignored_stays_so(monkeypatch):
    """As SIGHUP below nohup."""
    taken = []
    ignored = {signal.SIGHUP: signal.SIG_IGN}
    monkeypatch.setattr(signal, "getsignal", lambda number: ignored.get(number, signal.SIG_DFL))
    monkeypatch.setattr(signal, "signal", lambda number, _: taken.append(number))
    surroundings.at_ending(lambda *_: None)
    assert taken == [signal.SIGINT, signal.SIGTERM]


def test_the_workflows_own_error_is_named(project):
    base = project(head="1 / 0")
    (base / "logs").mkdir(parents=True)
    (base / "logs" / "one.log").write_text("isoae: another's.\n", encoding="utf-8")
    reason = failure()
    assert reason.startswith("the workflow failed: ") and "ZeroDivisionError" in reason


def test_what_the_shell_said_is_no_other_jobs_fault(project):
    """A log that cannot be opened, as on a full disk; the log that is there is of another day."""
    base = project(two="exec true > /nonexistent/log")
    (base / "logs").mkdir(parents=True)
    (base / "logs" / "one.log").write_text("isoae: old.\n", encoding="utf-8")
    assert failure().startswith("the workflow failed: /nonexistent/log: No such file")


def test_another_build_is_named_and_nothing_is_touched(project, tmp_path):
    base = project()
    folder = tmp_path / "build" / "workflow"
    folder.mkdir(parents=True)
    (folder / "who").write_text("preset laptop, process 7", encoding="utf-8")
    script = (
        "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); "
        "print(flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder / "lock")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as first:  # fmt: skip
        first.stdout.readline()
        assert failure().startswith("another build is running here (preset laptop, process 7): ")
        assert not base.exists()
        first.kill()
    workflow.build("smoke", 1, "notebooks")


def test_a_build_waits_for_the_jobs_of_one_that_was_killed(project, tmp_path):
    folder = tmp_path / "build" / "workflow"
    folder.mkdir(parents=True)
    working, ended = folder / "working", tmp_path / "ended"
    working.touch()
    script = (
        "import fcntl, sys, time; file = open(sys.argv[1]); fcntl.flock(file, fcntl.LOCK_SH); "
        "print(flush=True); time.sleep(1); open(sys.argv[2], 'w').close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(working), str(ended)], stdout=subprocess.PIPE
    ) as left:
        left.stdout.readline()
        with workflow._alone("smoke"):
            assert ended.exists()


@pytest.mark.parametrize("words", [["book"], ["site"], ["notebook", "01_theory"]])
def test_where_nothing_can_be_written_one_sentence_says_so(
    words, project, tmp_path, monkeypatch, capsys
):
    (tmp_path / "notebooks").symlink_to(files.ROOT / "notebooks")
    (tmp_path / "build").touch()  # a file in the place of the folder stops root as well
    monkeypatch.setattr(sys, "argv", ["isoae", *words, "--preset", "smoke"])
    monkeypatch.setattr(cli, "settle", lambda: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    reason = capsys.readouterr().err
    assert reason.startswith(f"isoae: {tmp_path / 'build'}") and reason.count("\n") == 1
    assert "cannot be written: " in reason


def test_an_error_of_the_system_ends_in_one_sentence(monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device", "/some/file")

    monkeypatch.setattr(cli, "app", full)
    monkeypatch.setattr(cli, "settle", lambda: None)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == "isoae: /some/file: No space left on device.\n"


def test_a_tied_process_ends_when_its_parent_is_killed(tmp_path):
    """Also one that starts after its parent ended. Both hold the lock of those at work."""
    working = tmp_path / "working"
    working.touch()
    script = (
        "import os, subprocess; from isoae_lib.book import tied;"
        "words = tied.command('signal:pause');"
        "late = ['sh', '-c', 'sleep 3; exec \"$@\"', '', *words];"
        "subprocess.Popen(words); subprocess.Popen(late); os.read(0, 1)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env=os.environ | {tied.WORKING: str(working)},
    )  # fmt: skip
    with working.open("rb") as file:
        while True:  # until the first child is there
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                fcntl.flock(file, fcntl.LOCK_UN)
            except BlockingIOError:
                break
            time.sleep(0.05)
        parent.kill()
        assert parent.communicate(timeout=60) is not None  # both let go of the pipe
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_the_time_left_is_the_estimate_at_first_and_what_was_seen_in_the_end():
    def left(spent, done):
        return workflow.seconds_left(spent, done, 1000.0, cores=2)

    assert left(0.0, 0.0) == pytest.approx(1000 / 2)
    assert left(10.0, 2.0) < 1.5 * left(0.0, 0.0)  # others began with the first job to end
    assert left(2e5, 1e5) == pytest.approx(1000 * 2, rel=0.01)


def test_runs_that_were_made_on_one_core_took_about_what_they_are_estimated_to_take():
    """Published ones: small networks and large, short runs and long; the factor for each kind."""
    factors = {}
    for name, run in runs.published():
        if run.record["device"].endswith(" 1 threads"):
            section = name.partition("/")[0]
            factor = run.record["seconds"] / durations.on_core(run.spec)
            factors.setdefault((section, run.spec.network), []).append(factor)
    assert {network for _, network in factors} >= {"MLP", "S-CNN", "L-CNN", "CelebA-CNN"}
    assert all(1 / 3 < median(found) < 2 for found in factors.values())


def test_no_setting_of_the_users_tools_stays(monkeypatch, tmp_path):
    monkeypatch.setattr(os, "environ", dict(os.environ))
    os.environ |= {
        "SNAKEMAKE_PROFILE": "slurm", "JUPYTER_PATH": "/x", "PYTHONSTARTUP": "/x", "HOME": "/x",
        "MPLBACKEND": "Agg", "PYTHONPATH": "/mine", "PYTHONUTF8": "0", "XDG_CACHE_HOME": "/x",
        "ISOAE_STORE": "store", "PYTHONWARNINGS": "error",
    }  # fmt: skip
    os.environ |= workflow.ENVIRONMENT
    monkeypatch.chdir(tmp_path)
    surroundings.settle()
    assert workflow.ENVIRONMENT.items() <= os.environ.items()
    for name in ("SNAKEMAKE_PROFILE", "JUPYTER_PATH", "PYTHONSTARTUP", "MPLBACKEND"):
        assert name not in os.environ
    assert os.environ["PYTHONPATH"] == "/mine" and os.environ["PYTHONUTF8"] == "1"
    assert os.environ["ISOAE_STORE"] == str(tmp_path / "store")
    build = str(files.ROOT / "build")
    assert all(os.environ[name].startswith(build) for name in surroundings.CACHES)


@pytest.mark.parametrize(("system", "most"), [("linux", 3 << 20), ("darwin", 3 << 10)])
def test_memory_is_counted_in_each_systems_unit(monkeypatch, system, most):
    usage = type("Usage", (), {"ru_maxrss": 3 << 10})
    monkeypatch.setattr(records.resource, "getrusage", lambda _: usage)
    monkeypatch.setattr(records.sys, "platform", system)
    assert records._peak_memory() == most
