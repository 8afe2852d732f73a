"""What "Adding something" says in run_it_yourself works to the letter, in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

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
CLAIM = """    Claim(
        "even ratios", "4.1", "edge ratios are even", "in words", "std is at most 9",
        on_each(["3d/s-shape"], ("AE",), lambda runs, experiment: demands("so", True)),
    ),
"""
JUDGE = """
from types import SimpleNamespace
from isoae_lib.paper import claims
long = SimpleNamespace(spec=SimpleNamespace(steps=9999, seed=0), metrics={})
(found,) = [o for o in claims.ledger({("3d/s-shape", "AE"): [long]}) if o.ours == "so"]
print(found.claim.name, found.verdict, found.seeds)
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
from isoae_lib.book import surfaces, workflow
from isoae_lib.paper import claims, runs, sections, specs
from isoae_lib.paper.claims import rule
name = {name!r}
run = runs.get(specs.change(sections.spec(name, "smoke"), {settings!r}))
assert run.metrics["edge_ratio_std"] > 0
assert (name, 0) in sections.notebook_runs("03_evaluation_3d", "smoke")
assert name in [job.name for job in workflow.jobs_of("smoke", "book")]
assert workflow.seconds_of(sections.spec(name, "paper")) > 0
here = rule.table([(name, run)])
claims.ledger(here)
print(surfaces.table_1({{"here": here}}).to_string())
"""
CHAPTER = """# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %%
from isoae_lib.paper import runs, sections
for name, run in runs.named(sections.notebook_runs("10_more", preset, seed), preset):
    print(name, run.record["status"])
"""
SECTION = """    Section(
        name="more", shows="Figure 99", notebook="10_more",
        data_sets=("s-shape",), compared=("AE", "CAE"),
        scales=dict.fromkeys(SCALES, {"points": 60, "steps": 5, "width": 8, "depth": 1}),
    ),
"""
PLANNED = """
from isoae_lib.book import workflow
from isoae_lib.paper import estimate
names = [job.name for job in workflow.jobs_of("smoke", "book")]
assert {"more/s-shape/AE", "more/s-shape/CAE", "10_more"} <= set(names), names
estimate.CALIBRATION = 0.1
assert [cost.runs for cost in estimate.costs("smoke") if cost.shows == "Figure 99"] == [2]
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


def python(copy, *words):
    done = subprocess.run(
        [sys.executable, *words], env=os.environ | {"PYTHONPATH": str(copy)}, cwd=copy,
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def shown(copy, name):
    return python(copy, "-c", SHOW.format(name=name, settings=TINY[1:]))


@pytest.mark.slow
def test_a_method_is_a_function_a_row_and_its_name_in_a_section(copy):
    core, sections = copy / "isoae_lib/core", copy / "isoae_lib/paper/sections.py"
    with (core / "objectives.py").open("a", encoding="utf-8") as file:
        file.write(FUNCTION)
    row = '    "SAE": Method(objective="sparse", passes=2),\n'
    edit(core / "methods.py", '    "WAE": Method(', f'{row}    "WAE": Method(')
    edit(sections, 'added=("I-AE-without-L_piso",', 'added=("SAE", "I-AE-without-L_piso",')
    assert "SAE" in shown(copy, "3d/s-shape/SAE")


@pytest.mark.slow
def test_a_surface_is_one_entry(copy):
    surfaces = copy / "isoae_lib/paper/data/surfaces.py"
    edit(surfaces, "\n)  # fmt: skip\nSURFACES = ", f"\n{SHEET})  # fmt: skip\nSURFACES = ")
    assert "Bent sheet" in shown(copy, "3d/sheet/AE")


@pytest.mark.slow
def test_a_chapter_is_a_notebook_and_a_section(copy):
    """And a line in `_toc.yml`, which another test demands of every notebook."""
    (copy / "notebooks" / "10_more.py").write_text(CHAPTER, encoding="utf-8")
    sections = copy / "isoae_lib/paper/sections.py"
    edit(sections, "\n)  # fmt: skip\nSECTIONS = ", f"\n{SECTION})  # fmt: skip\nSECTIONS = ")
    python(copy, "-c", PLANNED)
    page = python(copy, "-m", "isoae_lib.cli", "notebook", "10_more", "--preset", "smoke").strip()
    assert "more/s-shape/CAE finished" in Path(page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_a_claim_is_one_entry(copy):
    edit(copy / "isoae_lib/paper/claims/surfaces.py", "CLAIMS = (\n", f"CLAIMS = (\n{CLAIM}")
    assert python(copy, "-c", JUDGE) == "even ratios reproduced [0]\n"


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
