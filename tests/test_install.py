"""`make install`: what it decides, on made-up environments; real installations are slow tests."""

from __future__ import annotations

import ast
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import interpreters
import pytest

ROOT = Path(__file__).resolve().parent.parent

# Stands for the Python of an environment, pip included. What it did is in the file `calls`.
FAKE = """#!/bin/sh
case "$*" in
*"-m pip install"*)
    echo "$*" >> calls
    env > variables
    if [ -f stall ]; then echo > stalled; while [ -f stall ]; do sleep 0.05; done; fi
    echo "  Downloading torch-2.13.0-cp311-manylinux.whl (915.3 MB)"
    echo "Collecting something small"
    echo "WARNING: something harmless" >&2
    if [ -f pip-fails ]; then echo "ERROR: pip's own words" >&2; exit 1; fi
    echo > .venv/bin/isoae; chmod +x .venv/bin/isoae ;;
*import*torch*)
    if [ -f import-fails ]; then echo Trace; echo "ImportError: libx.so" >&2; exit 1; fi ;;
*) echo cpython VERSION ;;
esac
"""

# Runs install.py with a Python and an environment that are made up.
DRIVER = """
import importlib.util, os, sys
spec = importlib.util.spec_from_file_location("install", "install.py")
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)
def create(environment):
    os.makedirs(".venv/bin")
    with open(".venv/bin/python", "w") as file:
        file.write(open("fake").read().replace("VERSION", install.own_version()))
    os.chmod(".venv/bin/python", 0o755)
install.Environment.create = create
install.own_version = lambda version=sys.argv[2]: version
sys.exit(install.main(sys.argv[1]))
"""


install = interpreters.load_install()

# The tests may themselves run under make, which passes its own settings on.
OF_MAKE = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "PYTHON"}  # set where `make test` runs this
USER = {name: text for name, text in os.environ.items() if name not in OF_MAKE}


@pytest.fixture
def project(tmp_path):
    """A folder with all that install.py reads."""
    folder = tmp_path / "O'Brien ü & 100% #1" / "project"
    folder.mkdir(parents=True)
    for name in ("install.py", "Makefile"):
        shutil.copy(ROOT / name, folder)
    (folder / "requirements.lock").write_text("torch==1\n", encoding="utf-8")
    (folder / "pyproject.toml").write_text("[project]\n", encoding="utf-8")
    (folder / "fake").write_text(FAKE, encoding="utf-8")
    return folder


def start(folder, origin="file", version="3.12", **variables):
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER, origin, version],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
        start_new_session=True,
    )


def run(folder, origin="file", version="3.12", **variables):
    """Return the status of one installation, and what it printed."""
    process = start(folder, origin, version, **variables)
    out, err = process.communicate(timeout=60)
    assert out == "" and "Traceback" not in err
    return process.returncode, err


def calls(folder):
    file = folder / "calls"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def until(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def executable(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


def test_installs_once_and_then_says_nothing(project):
    status, said = run(project)
    assert status == 0, said
    assert "5.7 GB" in said and "downloading torch 2.13.0, 915.3 MB" in said and "small" not in said
    assert "harmless" not in said
    packages, itself = calls(project)
    assert packages.endswith("-r requirements.lock") and "--no-deps" not in packages
    assert "--editable ." in itself
    assert run(project) == (0, "")
    assert run(project, "command line") == (0, "")
    assert len(calls(project)) == 2


def make(folder, *words, **variables):
    return subprocess.run(
        ["make", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**USER, **variables},
    )


def test_make_is_silent_when_nothing_is_to_do_whatever_the_user_has_set(project):
    assert run(project, version=install.own_version())[0] == 0
    for variables in ({}, {"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}):
        done = make(project, "install", f"PYTHON={sys.executable}", **variables)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    executable(project / ".venv/bin/isoae", "#!/bin/sh\nenv\n")
    seen = make(project, "book", f"PYTHON={sys.executable}", **variables).stdout
    assert "PATH=" in seen and "PYTHONPATH" not in seen and "PYTHONHOME" not in seen


def test_make_knows_that_the_default_python_is_nobodys_choice(project):
    other = {"3.12": "3.13"}.get(install.own_version(), "3.12")
    assert run(project, version=other)[0] == 0
    executable(project / "bin/python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    done = make(project, "install", PATH=path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("version", ["3.10", "3.14"])
@pytest.mark.parametrize("origin", ["file", "command line"])
def test_another_python_is_refused_before_anything_is_touched(project, origin, version):
    first = executable(project / "one/python3.12", "#!/bin/sh\necho cannot >&2; exit 127\n")
    second = executable(project / "two/python3.12", "#!/bin/sh\necho cpython 3.12\n")
    path = f"{first.parent}:{second.parent}"
    status, said = run(project, origin, version, PATH=path)
    assert status == 1 and said.count("\n") == 1
    assert "3.11, 3.12 or 3.13 is needed" in said and "make install PYTHON='" in said
    assert "two/python3.12" in said and not (project / ".venv").exists()
    assert "PYTHON=python3.12." in run(project, origin, version, PATH=str(second.parent))[1]
    assert "install one of them" in run(project, origin, version, PATH=str(project))[1]


def test_an_environment_stays_when_the_default_python_is_another(project):
    assert run(project)[0] == 0
    for version in ("3.10", "3.13"):
        assert run(project, "file", version) == (0, "")
    status, said = run(project, "command line", "3.13")
    assert status == 0 and "its Python is 3.12, and 3.13 was asked for" in said
    assert run(project, "file") == (0, "")


def spoil_marker(venv):
    (venv / install.MARKER).write_text('{"folder"', encoding="utf-8")


def spoil_python(venv):
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/python3.12")


def upgrade_python(venv):
    python = venv / "bin/python"
    python.write_text(python.read_text(encoding="utf-8").replace("3.12", "3.13"), encoding="utf-8")


def empty(venv):
    shutil.rmtree(venv)
    venv.mkdir()


def replace_by_file(venv):
    shutil.rmtree(venv)
    venv.write_text("", encoding="utf-8")


def replace_by_link(venv):
    shutil.rmtree(venv)
    venv.symlink_to("/nowhere")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda venv: (venv / install.MARKER).unlink(), "did not finish it"),
        (spoil_marker, "did not finish it"),
        (empty, "did not finish it"),
        (replace_by_file, "did not finish it"),
        (replace_by_link, "did not finish it"),
        (spoil_python, "does not run any more"),
        (upgrade_python, "was 3.12 and has become 3.13"),
        (lambda venv: (venv / "bin/isoae").unlink(), "command isoae is gone"),
    ],
)
def test_a_spoiled_environment_is_made_anew(project, spoil, why):
    assert run(project)[0] == 0
    (project / ".venv/old").write_text("", encoding="utf-8")
    spoil(project / ".venv")
    status, said = run(project)
    assert status == 0 and f"{why}.\n" in said and not (project / ".venv/old").exists()
    assert run(project) == (0, "")


def test_a_folder_that_was_moved_or_copied_gets_its_own_environment(project):
    assert run(project)[0] == 0
    copied = shutil.copytree(project, project.parent / "copied", symlinks=True)
    moved = project.rename(project.parent / "moved")
    for folder in (copied, moved):
        status, said = run(folder)
        assert status == 0 and f"it was made in {project}" in said
        assert run(folder) == (0, "")


def test_a_link_to_the_folder_is_the_same_folder(project):
    assert run(project)[0] == 0
    link = project.parent / "link"
    link.symlink_to(project)
    assert run(link) == (0, "")
    moved = project.rename(project.parent / "moved")
    project.symlink_to(moved)  # the old path leads here, too
    assert run(moved) == (0, "")


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_list_of_packages_is_installed_in_place(project, name):
    assert run(project)[0] == 0
    (project / ".venv/old").write_text("", encoding="utf-8")
    (project / name).write_text("# another\n", encoding="utf-8")
    (project / "pip-fails").write_text("", encoding="utf-8")
    status, said = run(project)
    assert status == 1 and "pip's own words" in said and "make install: pip failed" in said
    (project / "pip-fails").unlink()
    for _ in "ab":  # what pip could not finish is not taken for whole, whatever the lock says
        status, said = run(project, version="3.10")
        assert status == 0 and "has changed" in said and (project / ".venv/old").exists()
        assert run(project) == (0, "")
        (project / name).write_text("# a third\n", encoding="utf-8")


def test_a_failed_installation_leaves_nothing_and_says_why(project):
    (project / "pip-fails").write_text("", encoding="utf-8")
    status, said = run(project)
    assert status == 1 and not (project / ".venv").exists()
    own, last = said.splitlines()[-2:]
    assert own == "ERROR: pip's own words" and last.startswith("make install: pip failed")


def test_a_python_that_cannot_make_environments_is_named(project, monkeypatch, capsys):
    base = executable(project / "python3", "#!/bin/sh\necho No module named venv >&2; exit 1\n")
    monkeypatch.setattr(sys, "_base_executable", str(base))
    monkeypatch.setattr(install, "__file__", str(project / "install.py"))
    assert install.main("file") == 1
    *_, own, last = capsys.readouterr().err.splitlines()
    assert own == "No module named venv" and last.startswith(f"make install: {base} could not make")


def test_what_cannot_be_imported_is_said_and_tried_again(project):
    (project / "import-fails").write_text("", encoding="utf-8")
    status, said = run(project)
    assert status == 1 and said.splitlines()[-1].endswith(
        "cannot be imported: ImportError: libx.so"
    )
    assert run(project)[0] == 1
    (project / "import-fails").unlink()
    assert run(project)[0] == 0


def test_of_a_traceback_only_the_last_line_is_shown():
    lines = ["Looking", "ERROR: Exception:", "Traceback (most recent call last):", "OSError: full"]
    assert install.errors_in(lines) == "OSError: full"
    assert install.errors_in(["Looking", "ERROR: a", "b"]) == "ERROR: a\nb"


def test_a_full_disk_is_named(project, monkeypatch):
    usage = shutil.disk_usage(project)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=12 * 10**6))
    assert f"12 MB are left for {project}" in install.full_disk(project)


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("in_place", [False, True])
def test_after_an_interruption_the_next_one_begins_anew(project, which, in_place):
    if in_place:
        assert run(project)[0] == 0
        (project / "requirements.lock").write_text("torch==2\n", encoding="utf-8")
    (project / "stall").write_text("", encoding="utf-8")
    process = start(project)
    until((project / "stalled").exists)
    os.killpg(process.pid, which)
    said = process.communicate(timeout=30)[1]
    assert process.returncode != 0 and "Traceback" not in said
    (project / "stall").unlink()
    status, said = run(project)
    assert status == 0 and "did not finish it" in said


@pytest.mark.parametrize("killed", [False, True])
def test_two_installations_wait_for_each_other(project, killed):
    """So does one whose forerunner was killed while its pip lives on."""
    (project / "stall").write_text("", encoding="utf-8")
    first = start(project)
    until((project / "stalled").exists)
    if killed:
        first.kill()
        first.wait()
    second = start(project)
    assert "waiting" in second.stderr.readline()
    assert len(calls(project)) == 1
    (project / "stall").unlink()
    said = second.communicate(timeout=30)[1]
    assert second.returncode == 0
    if killed:
        assert "did not finish it" in said
    else:
        assert first.communicate(timeout=30) and first.returncode == 0
        assert said == "" and len(calls(project)) == 2


def test_the_users_settings_choose_the_packages_but_not_where_they_go(project):
    away = {name: "/nowhere" for name in ("PIP_TARGET", "PIP_PREFIX", "PYTHONPATH")}
    kept = {"PIP_INDEX_URL": "file:///somewhere", "PIP_FIND_LINKS": "/wheels"}
    assert run(project, PIP_NO_DEPS="1", PIP_USER="1", **away, **kept)[0] == 0
    seen = (project / "variables").read_text(encoding="utf-8").splitlines()
    assert all(f"{name}={value}" in seen for name, value in kept.items())
    assert not [line for line in seen if line.split("=")[0] in {*away, "PIP_NO_DEPS"}]
    assert "PIP_USER=0" in seen


@pytest.mark.parametrize("sign", [":", "$", "{", '"', "`", "\\"])
def test_a_path_that_pythons_tools_cannot_bear_is_named(project, sign):
    folder = project.rename(project.parent / f"a{sign}x")
    status, said = run(folder)
    assert status == 1 and said.count("\n") == 1
    assert repr(sign) in said and not (folder / ".venv").exists()


def test_a_folder_that_cannot_be_written_is_named(project, monkeypatch, capsys):
    def refuse(*_):
        raise PermissionError(13, "Permission denied", str(project / ".venv"))

    monkeypatch.setattr(install, "install", refuse)
    assert install.main("file") == 1
    assert capsys.readouterr().err == f"make install: Permission denied: {project / '.venv'}\n"


def test_the_marker_is_the_last_thing_written(project):
    (project / "stall").write_text("", encoding="utf-8")
    process = start(project)
    until((project / "stalled").exists)
    assert not (project / ".venv" / install.MARKER).exists()
    (project / "stall").unlink()
    process.communicate(timeout=30)
    marker = json.loads((project / ".venv" / install.MARKER).read_text(encoding="utf-8"))
    assert marker["folder"] == str(project) and marker["python"] == "3.12"


def test_old_pythons_can_read_the_script():
    ast.parse((ROOT / "install.py").read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("version", ["3.6", "3.8", "3.10", "3.14"])
def test_real_pythons_that_are_not_promised_say_so(version):
    python = interpreters.find(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    done = subprocess.run(
        [python, "-I", ROOT / "install.py"],
        capture_output=True,
        text=True,
        env={"PATH": "/nowhere"},
    )
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"make install: Python {version}.")


# Real installations


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    """Skips where pip cannot get so much as one small package."""
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    (small,) = [line for line in lock if line.startswith("iniconfig==")]
    command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--retries", "1", small]
    done = subprocess.run(command, cwd=tmp_path_factory.mktemp("index"), capture_output=True)
    if done.returncode:
        pytest.skip("no package index answers")


@pytest.mark.slow
@pytest.mark.parametrize("version", install.PYTHONS)
def test_each_python_installs_from_nothing(version, index, tmp_path):
    python = interpreters.find(version)
    if python is None:
        pytest.skip(f"no Python {version} here")
    folder = tmp_path / "O'Brien ü" / "project"
    subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)

    def command(*words):
        return subprocess.run(words, cwd=folder, capture_output=True, text=True, env=USER)

    try:
        done = command("make", "install", f"PYTHON={python}")
        assert done.returncode == 0, done.stderr
        again = command("make", "install")
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        checked = command(".venv/bin/python", "-m", "pip", "check")
        assert checked.returncode == 0, checked.stdout
        code = "import torch, isoae_lib; print(isoae_lib.__file__, torch.ones(2).sum().item())"
        ran = command(".venv/bin/python", "-I", "-c", code)
        assert ran.stdout == f"{folder}/isoae_lib/__init__.py 2.0\n", ran.stderr
        for locale in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0"}):  # the path has an umlaut
            verified = command("env", *(f"{k}={v}" for k, v in locale.items()), ".venv/bin/isoae",
                           "runs", "verify")  # fmt: skip
            assert " 0 damaged" in verified.stdout, verified.stderr
    finally:
        shutil.rmtree(folder)  # gigabytes, which pytest would keep
