"""What "Adding something" says in run_it_yourself works to the letter, in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from test_images import idx, packed

from isoae_lib.files import ROOT
from isoae_lib.paper.data import decoding, images

TINY = ["--set", "points=60", "steps=5", "width=8", "depth=1"]
FUNCTION = '''

def sparse(model: Autoencoder, x: Tensor, normals: Tensor, spec: Spec, weight: Weight) -> Terms:
    """SAE: L_rec + lambda E |z|_1."""
    z = model.encoder(x)
    return _rec(x, model.decoder(z), spec) | {"|z|": weight * z.abs().sum(1).mean()}
'''
SHEET = """    Surface(
        "sheet", "Bent sheet", lambda n, rng: rng.uniform((0, 0), (1.5, 0.5), (n, 2)),
        lambda c: np.stack([np.sin(c[:, 0]), c[:, 1], np.cos(c[:, 0])], axis=1), _planar, 0.75, True
    ),
"""
LETTERS = """    "letters": DataSet(
        "Letters", (1, 28, 20), tuple("abcdefghijklmnopqrstuvwxyz"), 200, _idx,
        _idx_parts({train!r}, {test!r}),
        page="https://doi.org", licence="none", pictures="may be shown",
    ),
"""
SHOW_LETTERS = """
from isoae_lib.cli import app
from isoae_lib.paper import runs
from isoae_lib.paper.specs import AMBIENT, RunSpec
assert AMBIENT["letters"] == 560
run = runs.get(RunSpec(data="letters", method="AE", points=150, steps=2, latent=16, width=8))
assert run.data.official and set(run.labels) == set(range(26)) and len(run.data.test[0]) == 52
assert 0 <= run.metrics["knn"] <= 1
app(["data", "status"])
"""
SHOW = """
from isoae_lib.book import tables, workflow
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule
name = {name!r}
run = runs.get(sections.change(sections.spec(name, "smoke"), {settings!r}))
assert run.metrics["edge_ratio_std"] > 0
assert (name, 0) in sections.notebook_runs("03_evaluation_3d", "smoke")
assert name in [job.name for job in workflow.jobs_of("smoke", "book")]
assert sections.cost(name, "paper") > 0
here = rule.table([(name, run)])
claims.ledger(here)
print(tables.edge_ratio_comparison({{}}, here, "smoke").data.to_string())
"""


@pytest.fixture
def copy(tmp_path):
    """The library and the printed tables, to add something to."""
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("isoae_lib", "data/paper", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / "copy" / name, ignore=ignore)
    shutil.copy(ROOT / "Snakefile", tmp_path / "copy")
    return tmp_path / "copy"


def edit(file, before, after):
    text = file.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{file.name} has {text.count(before)} times {before!r}"
    file.write_text(text.replace(before, after), encoding="utf-8")


def shown(copy, name):
    script = SHOW.format(name=name, settings=TINY[1:])
    done = subprocess.run([sys.executable, "-c", script], cwd=copy, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_method_is_a_function_a_row_and_its_name_in_a_section(copy):
    core, sections = copy / "isoae_lib/core", copy / "isoae_lib/paper/sections.py"
    with (core / "objectives.py").open("a", encoding="utf-8") as file:
        file.write(FUNCTION)
    row = '    "SAE": Method(objective="sparse", passes=2),\n'
    edit(core / "methods.py", '    "WAE": Method(', f'{row}    "WAE": Method(')
    edit(sections, "METHODS_3D = (*TABLE_1_METHODS,", 'METHODS_3D = (*TABLE_1_METHODS, "SAE",')
    assert "SAE" in shown(copy, "3d/s-shape/SAE")


@pytest.mark.slow
def test_a_surface_is_one_entry(copy):
    surfaces = copy / "isoae_lib/paper/data/surfaces.py"
    edit(surfaces, "\n)  # fmt: skip\nSURFACES = ", f"\n{SHEET})  # fmt: skip\nSURFACES = ")
    assert "Bent sheet" in shown(copy, "3d/sheet/AE")


@pytest.mark.slow
def test_an_image_data_set_is_one_entry_where_a_decoder_fits(copy):
    """Letters of another size and number in MNIST's file format."""
    folder, sums = copy / "data" / "raw" / "letters", {}
    folder.mkdir(parents=True)
    for part, n in (("train", 200), ("test", 52)):
        labels = (np.arange(n) % 26).astype(np.uint8)
        pixels = np.random.default_rng(n).integers(0, 256, (n, 28, 20), np.uint8)
        files = [folder / name for name in images.DATA_SETS["mnist"].parts[part].files]
        for file, array in zip(files, (pixels, labels), strict=True):
            file.write_bytes(packed(idx(array)))
        sums[part] = decoding.labelled_idx(*files, (28, 20), 26)[2]
    table = copy / "isoae_lib/paper/data/images.py"
    edit(table, "\nDATA_SETS = {\n", f"\nDATA_SETS = {{\n{LETTERS.format(**sums)}")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ISOAE_")}
    done = subprocess.run(
        [sys.executable, "-c", SHOW_LETTERS], cwd=copy, env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "letters        Letters               4 files" in done.stdout
