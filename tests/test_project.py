"""The project's own files agree with each other."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import interpreters
import jupytext
import pytest
import yaml
from jupytext.config import load_jupytext_config
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from isoae_lib.paper import sections

ROOT = Path(__file__).resolve().parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"
install = interpreters.load_install()


def pins():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def declared():
    """What the lock must have: all but the extra `metrics`, which only the real FID needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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
    assert "//" not in (ROOT / "requirements.lock").read_text(encoding="utf-8")


def requirements_of(name, extras, platform):
    """What an installed package requires on a platform, which may be another one than this."""
    for line in metadata.requires(name) or []:
        wanted = Requirement(line)
        where = wanted.marker
        if where is None or any(where.evaluate({**platform, "extra": e}) for e in ("", *extras)):
            yield wanted


@pytest.mark.parametrize("python", install.PYTHONS)
@pytest.mark.parametrize(
    ("system", "machine"), [("linux", "x86_64"), ("linux", "aarch64"), ("darwin", "arm64")]
)
def test_the_lock_names_all_that_is_installed_whatever_the_platform(python, system, machine):
    """All but what torch's wheel requires, which differs by platform and by build."""
    platform = {"python_version": python, "python_full_version": f"{python}.0", "os_name": "posix",
                "sys_platform": system, "platform_system": system.capitalize(),
                "platform_machine": machine}  # fmt: skip
    locked = {name_of(p): p for p in pins() if p.marker is None or p.marker.evaluate(platform)}
    todo = [(name, ()) for name in locked if name != "torch"]
    seen = set()
    while todo:
        name, extras = todo.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            required = list(requirements_of(name, extras, platform))
        except metadata.PackageNotFoundError:  # another platform's, known there
            continue
        for wanted in required:
            assert name_of(wanted) in locked, f"{name} requires {wanted}"
            (pin,) = locked[name_of(wanted)].specifier
            assert wanted.specifier.contains(pin.version), f"{name} requires {wanted}, not {pin}"
            todo.append((name_of(wanted), tuple(sorted(wanted.extras))))


@pytest.mark.parametrize("python", install.PYTHONS)
def test_the_first_release_of_each_python_will_do(python):
    """Distributions keep early ones for years."""
    for pin in pins():
        with contextlib.suppress(metadata.PackageNotFoundError):
            admitted = metadata.metadata(pin.name)["Requires-Python"] or ""
            assert SpecifierSet(admitted).contains(f"{python}.0"), f"{pin} wants {admitted}"


def test_the_same_pythons_are_promised_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    prefix = "Programming Language :: Python :: "
    assert tuple(c.removeprefix(prefix) for c in project["classifiers"] if prefix in c) == (
        install.PYTHONS
    )
    assert project["requires-python"] == f">={install.PYTHONS[0]}"
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    assert conda[0].removeprefix("python=") in install.PYTHONS
    (job,) = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values()
    assert tuple(job["strategy"]["matrix"]["python"]) == install.PYTHONS
    words = f"{', '.join(install.PYTHONS[:-1])} or {install.PYTHONS[-1]}"
    for page in ("README.md", "book/run_it_yourself.md"):
        assert f"Python {words}" in (ROOT / page).read_text(encoding="utf-8"), page


def lint(file):
    actionlint = shutil.which("actionlint", path=Path(sys.executable).parent)
    command = [actionlint, "-shellcheck=", "-pyflakes=", "-no-color", file]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_workflows_are_such_as_github_accepts(tmp_path):
    for file in WORKFLOW.parent.iterdir():
        assert lint(file).stdout == ""
    spoiled = tmp_path / "ci.yml"
    for right, wrong in [("timeout-minutes", "timeout"), ("matrix.python", "matrix.version")]:
        spoiled.write_text(
            WORKFLOW.read_text(encoding="utf-8").replace(right, wrong), encoding="utf-8"
        )
        assert wrong in lint(spoiled).stdout


def test_the_citation_is_of_this_version_and_of_the_paper():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    without_git = written["tool"]["setuptools_scm"]["fallback_version"]
    assert (cited["version"], cited["license"]) == (without_git, written["project"]["license"])
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith(f"{cited['license']} License")
    (paper,) = cited["references"]
    assert paper["url"] == written["project"]["urls"]["Paper"]
    assert paper["doi"].endswith(paper["url"].rsplit("/", 1)[-1])


def test_the_container_of_codespaces_is_a_stage_of_the_dockerfile():
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8")
    container = json.loads(text)
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f" AS {container['build']['target']}\n" in dockerfile
    assert f" {container['remoteUser']} \\\n" in dockerfile and 'CMD ["make", "book"]' in dockerfile
    python = re.search(r"FROM python:(\d\.\d+)", dockerfile)[1]
    assert python in install.PYTHONS


def test_a_clone_has_the_same_bytes_whatever_git_is_set_to(tmp_path):
    options = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]
    clone = ["git", *options, "clone", "-q", ROOT, tmp_path / "clone"]
    if subprocess.run(clone, capture_output=True).returncode:
        pytest.skip("not a git repository")
    listing = ["git", "-C", tmp_path / "clone", "ls-files", "--eol"]
    lines = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.splitlines()
    for line in lines:
        stored, written, attribute, *_ = line.split()
        assert stored[2:] == written[2:], f"line ends change: {line}"
        assert stored != "i/crlf" or attribute == "attr/-text", f"the next commit changes {line}"


def test_conda_has_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    (by_pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert by_pip == [str(pin) for pin in pins()]


@pytest.mark.parametrize("name", ["_config.yml", "_toc.yml", "environment.yml", "CITATION.cff"])
def test_no_key_is_given_twice(name):
    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader, node):
        keys = [loader.construct_object(key) for key, _ in node.value]
        assert len(keys) == len(set(keys)), f"{name} has a key twice: {keys}"
        return {key: loader.construct_object(value, deep=True) for key, (_, value)
                in zip(keys, node.value)}  # fmt: skip

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    assert yaml.load((ROOT / name).read_text(encoding="utf-8"), Strict)


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
def test_notebooks_survive_the_round_trip_with_their_parameters(stem):
    text = (ROOT / "notebooks" / f"{stem}.py").read_text(encoding="utf-8")
    notebook = jupytext.reads(text, fmt="py:percent")
    (cell,) = [c for c in notebook.cells if "parameters" in c.metadata.get("tags", [])]
    assert cell.source == 'preset = "laptop"\nseed = 0'
    again = jupytext.reads(jupytext.writes(notebook, fmt="py:percent"), fmt="py:percent")
    assert [c.source for c in again.cells] == [c.source for c in notebook.cells]
    assert [c.metadata for c in again.cells] == [c.metadata for c in notebook.cells]


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
@pytest.mark.parametrize("folder", ["", "notebooks"])
def test_saving_an_unchanged_notebook_in_jupyterlab_leaves_no_difference(stem, folder):
    """As jupytext's contents manager does it, with what JupyterLab adds on opening."""
    config = load_jupytext_config(str(ROOT / folder / f"{stem}.py"))
    text = (ROOT / "notebooks" / f"{stem}.py").read_text(encoding="utf-8")
    notebook = jupytext.reads(text, "py", config=config)
    notebook.metadata |= {
        "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "x"},
        "language_info": {"name": "python", "version": "3.13.0"},
    }
    for cell in notebook.cells:
        cell.metadata |= {"trusted": True, "editable": True, "jupyter": {"source_hidden": True}}
    assert jupytext.writes(notebook, "py:percent", config=config) == text


def test_every_notebook_is_a_chapter():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert re.findall(r"notebooks/(\w+)", toc) == list(sections.NOTEBOOKS)
    assert sorted(p.stem for p in (ROOT / "notebooks").glob("*.py")) == sorted(sections.NOTEBOOKS)


def test_modules_are_small_and_planning_its_cost_and_the_site_need_no_torch():
    for file in (ROOT / "isoae_lib").rglob("*.py"):
        assert len(file.read_text(encoding="utf-8").splitlines()) <= 400, file
    code = (
        "import sys; from isoae_lib.book import site, workflow; import isoae_lib.cli; "
        "assert sum(job.seconds for job in workflow.jobs_of('paper', 'book')) > 1e6; "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_training_needs_only_what_it_says():
    code = (
        "import sys; import numpy as np; from isoae_lib.core import spec, training; "
        "loaded = {m.split('.')[0] for m in sys.modules}; "
        "assert not loaded & {'scipy', 'pandas', 'matplotlib', 'sklearn', 'typer'}, loaded; "
        "assert not {'isoae_lib.paper', 'isoae_lib.book'} & set(sys.modules); "
        "training.fits([spec.Spec(method='AE', steps=2)], [np.eye(16)]); "
        "assert 'torch._dynamo' not in sys.modules, 'a short run needs no compiler'"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def textual(call):
    """Tell whether a call opens a file as text and leaves the encoding to the locale."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name not in ("open", "read_text", "write_text") or owner in ("os", "tarfile", "Image"):
        return False
    words = [word.value for word in ast.walk(call) if isinstance(word, ast.Constant)]
    binary = any(isinstance(word, str) and re.fullmatch("[rwax+]+b", word) for word in words)
    named = "encoding" in [keyword.arg for keyword in call.keywords]
    return not named and (name != "open" or not binary)


@pytest.mark.parametrize("folder", ["isoae_lib", "benchmarks", "notebooks", "tests"])
def test_text_is_utf_8_whatever_the_locale(folder):
    unnamed = [
        f"{file.name}:{node.lineno}"
        for file in sorted((ROOT / folder).rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and textual(node)
    ]
    assert not unnamed
