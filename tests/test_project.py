"""The project's own files agree with each other."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import jupytext
import pytest
import yaml
from packaging.requirements import Requirement

from isoae_lib import paper

ROOT = Path(__file__).resolve().parent.parent


def pins():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def declared():
    """What the lock must have: all but the extra `metrics`, which only the real FID needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [part for name, part in project["optional-dependencies"].items() if name != "metrics"]
    return [Requirement(line) for part in (project["dependencies"], *extras) for line in part]


def name_of(requirement):
    return re.sub(r"[-_.]+", "-", requirement.name).lower()


def test_the_lock_satisfies_the_project():
    locked = {name_of(pin): pin for pin in pins()}
    for wanted in declared():
        pin = locked[name_of(wanted)]
        (version,) = [part.version for part in pin.specifier]
        assert wanted.specifier.contains(version), f"{pin} does not satisfy {wanted}"


def test_the_lock_is_exact_and_names_no_host():
    assert all(len(pin.specifier) == 1 and str(pin.specifier).startswith("==") for pin in pins())
    assert len({name_of(pin) for pin in pins()}) == len(pins())
    assert "//" not in (ROOT / "requirements.lock").read_text()


def test_conda_has_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    (by_pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert by_pip == [str(pin) for pin in pins()]


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml", "environment.yml"])
def test_no_key_is_given_twice(name):
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node):
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{name} has a key twice: {keys}"
        return {key: loader.construct_object(value, deep=True) for key, (_, value)
                in zip(keys, node.value)}  # fmt: skip

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    assert yaml.load((ROOT / name).read_text(), Strict)


@pytest.mark.parametrize("stem", paper.NOTEBOOKS)
def test_notebooks_survive_the_round_trip_with_their_parameters(stem):
    text = (ROOT / "notebooks" / f"{stem}.py").read_text()
    notebook = jupytext.reads(text, fmt="py:percent")
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert cell.source == 'preset = "laptop"\nseed = 0'
    again = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
    assert [c.source for c in again.cells] == [c.source for c in notebook.cells]
    assert [c.metadata for c in again.cells] == [c.metadata for c in notebook.cells]


def test_every_notebook_is_a_chapter():
    toc = (ROOT / "_toc.yml").read_text()
    assert re.findall(r"notebooks/(\w+)", toc) == list(paper.NOTEBOOKS)
    assert sorted(p.stem for p in (ROOT / "notebooks").glob("*.py")) == sorted(paper.NOTEBOOKS)


def test_modules_are_small_and_planning_and_the_site_need_no_torch():
    for file in (ROOT / "isoae_lib").glob("*.py"):
        assert len(file.read_text().splitlines()) < 500, file
    code = "import sys, isoae_lib.paper, isoae_lib.site; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_training_needs_only_what_it_says():
    code = (
        "import sys; before = set(sys.modules); import isoae_lib.training; "
        "loaded = {m.split('.')[0] for m in sys.modules}; "
        "assert not loaded & {'scipy', 'pandas', 'matplotlib', 'sklearn', 'typer'}, loaded; "
        "spec = isoae_lib.specs.RunSpec('curve', 'AE', steps=2, points=16); "
        "isoae_lib.training.fit(spec); "
        "assert 'torch._dynamo' not in sys.modules, 'a short run needs no compiler'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
