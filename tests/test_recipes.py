"""Each recipe of CONTRIBUTING.md, followed to the letter in a copy of the project.

The tests read the page: they write its lines to the files that it names, and run its commands.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from test_images import idx, packed

from isoae_lib.files import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
RECIPES = dict(re.findall(r"^### (.+)\n((?:(?!##).*\n)+)", PAGE, re.MULTILINE))
STEP = re.compile(r"^\d\. ((?:.+\n)+)\n   ```(\w+)\n((?:.*\n)*?)   ```$", re.MULTILINE)
SPOT = re.compile(
    r"(Make|Above|Below|Behind|At the end of)(?: `([^`]+)`(?: and `([^`]+)`)? in)? `([\w./]+\.\w+)`"
)
BLANKS = re.compile(r"write them there in place of `(\w+)` and `(\w+)`")
HEAD = """
from isoae_lib.book import downstream, surfaces, verdicts, workflow
from isoae_lib.paper import claims, estimate, runs, sections
from isoae_lib.paper.claims import rule

def planned(name):
    jobs = {job.name: job.seconds for job in workflow.jobs_of("smoke", "book")}
    assert jobs[name] > 0 and (name, 0) in sections.notebook_runs("08_claims", "paper"), jobs
    section = sections.SECTIONS[name.split("/")[0]]
    assert name in [run for run, _ in section.runs("smoke")]
    estimate.seconds_per_step = lambda *_: 1.0  # a calibration takes ten seconds
    costs = {cost.shows: (cost.runs, cost.seconds > 0) for cost in estimate.costs("smoke")}
    assert costs[section.shows] == (len(section.runs("smoke")), True), costs

def here(name):
    return {"here": rule.table([(name, runs.load(name, "smoke"))])}
"""

SHOW_METHOD = """
name = "3d/s-shape/SAE"
planned(name)
print(float(surfaces.table_1(here(name)).loc[("S shape", "here"), "SAE"].rstrip("¹")))
"""
SHOW_SURFACE = """
name = "3d/sheet/I-AE"
planned(name)
print(float(surfaces.table_1(here(name)).loc[("Bent sheet", "here"), "I-AE"].rstrip("¹")))
"""
SHOW_IMAGES = """
name = "classification/letters/I-AE,latent=16"
planned(name)
assert runs.load(name, "smoke").data.official
table = downstream.accuracy_table("knn", here(name), {})
print(float(table.loc[("Letters", 16, "here"), "I-AE"].rstrip("¹")))
assert not [claim for claim in claims.CLAIMS if "Letters" in claim.name]
"""
SHOW_CLAIM = """
ledger = claims.ledger(rule.table(runs.published()), "03_evaluation_3d")
print(verdicts.as_text(ledger))
(found,) = [outcome for outcome in ledger if outcome.claim.name == "half of AE"]
for experiment, method in found.runs:
    planned(f"{experiment}/{method}")
"""


@pytest.fixture
def copy(tmp_path):
    """A copy of the project, with the published runs of one section."""
    folder, ignore = tmp_path / "copy", shutil.ignore_patterns("__pycache__")
    for name in ("isoae_lib", "data/paper", "data/runs/3d", "book", "notebooks", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignore)
    for name in ("Snakefile", "_toc.yml", "README.md", "pyproject.toml", "data/verdicts.json"):
        shutil.copy(ROOT / name, folder / name)
    return folder


def follow(copy, recipe):
    """Do the steps of a recipe, one after the other; return what the last command prints."""
    for words, kind, code in STEP.findall(RECIPES[recipe]):
        words, code = " ".join(words.split()), re.sub("^   ", "", code, flags=re.MULTILINE)
        if kind != "bash":
            file = write(copy, words, code)
            continue
        printed = shell(copy, code)
        for blanks in BLANKS.findall(words):
            for blank, line in zip(blanks, printed.splitlines(), strict=True):
                edit(file, rf"\b{blank}\b", lambda _, line=line: line)
    return printed


def write(copy, words, code):
    """Write lines where the words of a step say; return the file."""
    verb, first, second, file = SPOT.match(words).groups()
    file, first = copy / file, re.escape(first or "")
    both = rf"{first}(?:.|\n)*?{re.escape(second)}" if second else first
    if verb == "Make":
        file.write_text(code, encoding="utf-8")
    elif verb == "Above":
        edit(file, rf"\n+^{first}", lambda found: f"\n\n\n{code}\n\n{found[0].lstrip()}")
    elif verb == "Behind":
        edit(file, both, lambda found: f"{found[0]}{code.strip()} ")
    elif verb == "Below":
        edit(file, rf"{both}.*\n", lambda found: found[0] + code)
    elif first:
        entries = rf"^{first} = .*[({{]\n(?:.|\n)*?(?=^[)}}])"
        edit(file, entries, lambda found: found[0] + code)
    else:
        file.write_text(f"{file.read_text(encoding='utf-8')}\n\n{code}", encoding="utf-8")
    return file


def edit(file, pattern, change):
    text, count = re.subn(pattern, change, file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert count == 1, f"{file.name} has {count} times {pattern}"
    file.write_text(text, encoding="utf-8")


def shell(copy, code):
    """Run commands in the copy, which has its own store and its own data folder."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("ISOAE_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-ec", code], cwd=copy, env=own | {"PYTHONPATH": str(copy), "PATH": path},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def python(copy, code):
    return shell(copy, f"python - <<'END'\n{HEAD}{code}\nEND")


pytestmark = pytest.mark.slow


def test_a_method(copy):
    before = json.loads((copy / "tests/golden.json").read_text(encoding="utf-8"))["losses"]
    folder = Path(follow(copy, "A method").splitlines()[-1])
    assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["metrics"]
    golden = json.loads((copy / "tests/golden.json").read_text(encoding="utf-8"))["losses"]
    assert golden.keys() - before.keys() == {"s-shape/SAE", "mnist-5k/SAE"}
    assert golden.items() >= before.items()
    page = python(copy, SHOW_METHOD)
    assert float(page) > 0


def test_a_surface(copy):
    follow(copy, "A surface")
    page = python(copy, SHOW_SURFACE)
    assert float(page) > 0


def test_a_data_set_of_images(copy):
    folder = copy / "data/raw/letters"
    folder.mkdir(parents=True)
    for part, n in (("train", 208), ("t10k", 52)):
        labels = (np.arange(n) % 26).astype(np.uint8)
        pixels = np.random.default_rng(n).integers(0, 256, (n, 28, 28), np.uint8)
        for kind, array in (("images-idx3", pixels), ("labels-idx1", labels)):
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(packed(idx(array)))
    follow(copy, "A data set of images")
    page = python(copy, SHOW_IMAGES)
    assert 0 <= float(page) <= 100
    assert re.search("letters +official", shell(copy, "isoae data verify"))


def test_a_claim(copy):
    before = (copy / "README.md").read_text(encoding="utf-8")
    printed = follow(copy, "A claim")
    after = (copy / "README.md").read_text(encoding="utf-8")
    assert printed.splitlines()[-1] in after and after != before
    page = python(copy, SHOW_CLAIM)
    assert re.search(r"✓ reproduced: half of AE \(4\.1, Table 1\): S shape: 0\.\d+ ", page)


def test_a_chapter(copy):
    executed = follow(copy, "A chapter").strip()
    cells = json.loads(Path(executed).read_text(encoding="utf-8"))["cells"]
    shown = "".join(
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in cells
        for output in cell.get("outputs", [])
    )
    assert "edge ratios" in shown and "more/s-shape/CAE" in shown
    python(copy, 'planned("more/s-shape/CAE")')
    book = yaml.safe_load((copy / "_toc.yml").read_text(encoding="utf-8"))
    assert {"file": "notebooks/11_more"} in book["parts"][0]["chapters"]
