"""The library as a package: built, installed, and used far from the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from isoae_lib.files import ROOT

pytestmark = pytest.mark.slow
USE = """
import pathlib, torch, isoae_lib
from isoae_lib.core import isometry, networks, objectives, training
from isoae_lib.paper import runs
from isoae_lib.paper import datasets
from isoae_lib.paper.data import surfaces
from isoae_lib.paper.specs import RunSpec
assert pathlib.Path(isoae_lib.__file__).is_relative_to(pathlib.Path.cwd() / "packages")
points, chart = surfaces.surface("s-shape").sample(50, 0)
model = networks.fully_connected(3, 2, width=8, depth=1)
z = torch.tensor(chart, dtype=torch.float32)
u = isometry.unit_vectors(50, 2, z)
assert isometry.L_iso(model.decoder, z, u) > 0
spec = RunSpec(data="s-shape", method="I-AE", points=60, steps=5, batch=20, width=8, depth=1)
run = runs.get(spec)
assert run.folder == pathlib.Path.cwd() / "build" / "store" / spec.key, run.folder
assert run.record["commit"] == "unknown" and runs.get(spec).metrics == run.metrics
assert list(runs.published()) == []
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder inside a git repository of somebody else, with the wheel installed in `packages`."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("elsewhere")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "isoae_lib", source / "isoae_lib")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "-q"]
    alone = ["--no-deps", "--no-index"]
    for words in (
        ["wheel", *alone, "--no-build-isolation", "-w", str(source / "wheels"), str(source)],
        ["install", *alone, "--target", str(folder / "packages"), "-f", str(source / "wheels"),
         "isoae-lib"],
    ):  # fmt: skip
        subprocess.run([*pip, *words], check=True)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def run(folder, *words):
    env = {name: value for name, value in os.environ.items() if not name.startswith("ISOAE_")}
    return subprocess.run(
        [sys.executable, "-P", *words], cwd=folder, capture_output=True, text=True, check=False,
        env=env | {"PYTHONPATH": str(folder / "packages")},
    )  # fmt: skip


def test_the_library_works_and_keeps_its_records_in_the_current_folder(elsewhere):
    before = sorted((elsewhere / "packages").rglob("*.py"))
    done = run(elsewhere, "-c", USE)
    assert done.returncode == 0, done.stderr
    assert sorted((elsewhere / "packages").rglob("*.py")) == before
    assert not list((elsewhere / "packages").rglob("run.json"))
    done = run(elsewhere, "-m", "isoae_lib.cli", "data", "status")
    assert done.stdout.splitlines()[0] == f"data folder: {elsewhere / 'data' / 'raw'}"


@pytest.mark.parametrize(
    "words",
    [
        ["notebook", "01_theory"],
        ["book"],
        ["site"],
        ["paper"],
        ["manifest"],
        ["claims"],
        ["runs", "verdicts"],
        ["runs", "publish", "3d/s-shape/AE"],
        ["baselines", "--publish", "mnist"],
    ],
    ids=" ".join,
)
def test_what_needs_the_project_says_so(words, elsewhere):
    done = run(elsewhere, "-m", "isoae_lib.cli", *words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("isoae: this needs the project's folder")
