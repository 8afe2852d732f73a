"""The manifest of a release names every published file, and notices a changed byte."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess

import pytest

from isoae_lib.book import links, manifest
from isoae_lib.files import ROOT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A small project with one file of each kind, and with files that are not published."""
    for module in (manifest, links):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    for name in manifest.SINGLE:
        shutil.copy(ROOT / name, tmp_path)
    for name in (
        "book/page.md", "notebooks/01.py", "data/runs/run.json", "data/raw/mnist/images.gz",
        "data/runs/.seed-0.writing/run.json", "notebooks/__pycache__/01.pyc", "isoae_lib/code.py",
    ):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def listed():
    """The manifest's files by name."""
    graph = json.loads(manifest.write().read_text(encoding="utf-8"))["@graph"]
    about, root, *files = graph
    assert about["about"] == {"@id": root["@id"]} and about["@id"] == manifest.NAME
    assert root["hasPart"] == [{"@id": file["@id"]} for file in files]
    return {file["@id"]: (file["contentSize"], file["sha256"]) for file in files}


def test_every_published_file_is_listed_and_no_other(project):
    ours = {"book/page.md", "notebooks/01.py", "data/runs/run.json"}
    assert set(listed()) == ours | set(manifest.SINGLE)
    assert listed()["book/page.md"] == ("12", hashlib.sha256(b"book/page.md").hexdigest())


def test_the_same_files_give_the_same_bytes_and_a_changed_byte_shows(project):
    first, before = manifest.write().read_bytes(), listed()
    assert manifest.write().read_bytes() == first
    (project / "data/runs/run.json").write_bytes(b"data/runs/run.jsoN")
    after = listed()
    assert {name for name in before if before[name] != after[name]} == {"data/runs/run.json"}
    (project / "data/runs/more.csv").touch()
    assert set(listed()) - set(before) == {"data/runs/more.csv"}


def test_what_git_keeps_in_the_folders_of_the_manifest_is_listed():
    command = ["git", "ls-files", "-z", "book", "data", "notebooks"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("not a git checkout")
    kept = {name for name in done.stdout.split("\0") if (ROOT / name).is_file()}
    assert kept and kept <= {path.relative_to(ROOT).as_posix() for path in manifest._published()}
