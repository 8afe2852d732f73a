"""The library as a package: built, installed, and used far from the project."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib

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


BASE = """
import runpy, sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)
sys.meta_path.insert(0, Absent())
"""
FIT = """
import numpy as np
from isoae_lib import IsometricAutoencoder
rng = np.random.default_rng(0)
np.save("points.npy", rng.normal(size=(60, 3)))
model = IsometricAutoencoder(hidden=(8,), steps=5, random_state=0).fit(np.load("points.npy"))
assert model.transform(np.load("points.npy")).shape == (60, 2)
print(model.diagnose(np.load("points.npy")))
"""


def copy_of_the_project(folder):
    for name in ("pyproject.toml", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder)
    leave = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "isoae_lib", folder / "isoae_lib", ignore=leave)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A folder inside a git repository of somebody else, with the wheel installed in `packages`."""
    source, folder = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("elsewhere")
    copy_of_the_project(source)
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


def extras():
    """The packages that only extras bring, by the names that they are imported under."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for part in project["optional-dependencies"].values() for line in part]
    named = {re.match(r"[\w-]+", line)[0].replace("-", "_") for line in lines}
    others = {"PIL", "umap", "IPython", "yaml", "sphinx", "pyarrow"}
    return (named | others) - {"joblib", "sympy"}  # scikit-learn and PyTorch bring these two


def test_the_base_installation_is_enough_for_one_s_own_points(elsewhere):
    base = BASE.format(absent=extras())
    done = run(elsewhere, "-c", base + FIT)
    assert done.returncode == 0 and "variance lost" in done.stdout, done.stderr

    def isoae(*words):
        start = f"sys.argv[1:] = {list(words)}; from isoae_lib.start import main; main()"
        return run(elsewhere, "-c", base + start)

    done = isoae("fit", "points.npy", "--out", "model", "--steps", "3")
    assert (done.returncode, done.stdout) == (0, "model\n"), done.stderr
    done = isoae("transform", "model", "points.npy", "--out", "codes.csv")
    assert (done.returncode, done.stdout) == (0, "codes.csv\n"), done.stderr
    done = isoae("diagnose", "model", "points.npy", "--out", "report.html")
    assert done.returncode == 0 and (elsewhere / "report.html").exists(), done.stderr
    done = isoae("transform", "model", "codes.csv", "--out", "more.csv")
    assert done.returncode == 2 and "pip install 'isoae-lib[table]'" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("tag", "version"), [("", "0.1.0"), ("v1.2.3", "1.2.3")])
def test_the_version_is_that_of_the_tag(tag, version, tmp_path):
    copy_of_the_project(tmp_path)
    git = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(tmp_path)]
    for words in (
        (["init", "-q"], ["add", "."], ["commit", "-qm", "x"], ["tag", tag]) if tag else ()
    ):
        subprocess.run([*git, *words], check=True)
    build = [sys.executable, "-P", "-m", "build", "--no-isolation", "--outdir", tmp_path / "dist"]
    subprocess.run([*build, str(tmp_path)], check=True, capture_output=True)
    made = sorted(file.name for file in (tmp_path / "dist").iterdir())
    assert made == [f"isoae_lib-{version}-py3-none-any.whl", f"isoae_lib-{version}.tar.gz"]
    if importlib.util.find_spec("twine"):
        check = [sys.executable, "-m", "twine", "check", "--strict", *(tmp_path / "dist").iterdir()]
        subprocess.run(check, check=True)


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
