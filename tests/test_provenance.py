"""The digest follows the code that decides a number, under every Python; a commit is ours."""

from __future__ import annotations

import os
import shutil
import subprocess

import interpreters
import pytest

from isoae_lib.files import ROOT
from isoae_lib.paper import provenance

ROOTS = (*provenance.TRAINING, *provenance.MEASURING)
DECIDING = provenance.modules_behind(*ROOTS)
DIGEST = provenance.code_digest(*ROOTS)
ASK = "from isoae_lib.paper import provenance as p; print(p.code_digest(*p.TRAINING, *p.MEASURING))"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the library, to change."""
    folder = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        ROOT / "isoae_lib", folder / "isoae_lib", ignore=shutil.ignore_patterns("__pycache__")
    )
    return folder


def digest_of(folder, monkeypatch, *modules):
    monkeypatch.setattr(provenance, "PACKAGE", folder / "isoae_lib")
    for known in (provenance.code_digest, provenance.modules_behind, provenance._syntax):
        known.cache_clear()
    try:
        return provenance.code_digest(*(modules or ROOTS))
    finally:
        monkeypatch.undo()
        for known in (provenance.code_digest, provenance.modules_behind, provenance._syntax):
            known.cache_clear()


def with_more(folder, module, more, monkeypatch):
    """Return the digest of the library with some text behind a module."""
    file = folder / provenance._file(module).relative_to(ROOT)
    text = file.read_text(encoding="utf-8")
    try:
        file.write_text(text + more, encoding="utf-8")
        return digest_of(folder, monkeypatch)
    finally:
        file.write_text(text, encoding="utf-8")


def test_what_trains_and_measures_decides_and_what_shows_does_not():
    trains = (
        "training step objectives isometry chain_rule networks architectures spec early_stopping"
    )
    data = "surfaces curves images decoding"
    measures = "measures surfaces plane classifiers reconstruction feature_networks frechet"
    assert {f"core.{name}" for name in f"{trains} networks architectures".split()} <= set(DECIDING)
    assert {f"paper.data.{name}" for name in data.split()} <= set(DECIDING)
    assert {"paper.datasets", "paper.specs", "paper.fitting"} <= set(DECIDING)
    assert {f"paper.metrics.{name}" for name in measures.split()} <= set(DECIDING)
    shows = ("cli", "book", "paper.runs", "paper.sections", "paper.claims")
    assert not [name for name in DECIDING if name.startswith(shows)]


def test_what_measures_does_not_train():
    trains = provenance.modules_behind(*provenance.TRAINING)
    assert not [name for name in trains if name.startswith("paper.metrics")]


@pytest.mark.parametrize("module", DECIDING)
def test_a_line_more_in_a_deciding_module_changes_the_digest(module, copy, monkeypatch):
    assert with_more(copy, module, "\nREMARK = 0\n", monkeypatch) != DIGEST


@pytest.mark.parametrize("module", ["paper.sections", "book.tables", "paper.runs"])
def test_a_line_more_elsewhere_does_not(module, copy, monkeypatch):
    assert with_more(copy, module, "\nREMARK = 0\n", monkeypatch) == DIGEST


@pytest.mark.parametrize("module", ROOTS)
def test_a_remark_does_not(module, copy, monkeypatch):
    assert with_more(copy, module, "\n# a remark\n", monkeypatch) == DIGEST


@pytest.mark.parametrize(
    ("before", "after", "same"),
    [
        ("x = 1", "x = 2", False),
        ("x = 1", "x = 1.0", False),
        ("x = 0", "x = False", False),
        ("x = a - b", "x = b - a", False),
        ("x = f(1)[0]", "x = f(1)[1]", False),
        ("x = [a]", "x = (a,)", False),
        ("def f(a): return a", "def f(a=None): return a", False),
        ("def f(*, a=None): 0", "def f(*, a): 0", False),
        ("x = f'{a:.2f}'", "x = f'{a:.3f}'", False),
        ("return None", "return", False),
        ("def f():\n 'Say.'\n return 1", "def f():\n 'Other.'\n return 1  # why", True),
        ("x = (1 +\n 2)", "x = 1 + 2", True),
    ],
)
def test_what_changes_a_digest(before, after, same, tmp_path, monkeypatch):
    (tmp_path / "isoae_lib").mkdir()
    digests = []
    for code in (before, after):
        (tmp_path / "isoae_lib" / "module.py").write_text(
            "def outer():\n" + "".join(f"    {line}\n" for line in code.splitlines()),
            encoding="utf-8",
        )
        digests.append(digest_of(tmp_path, monkeypatch, "module"))
    assert (digests[0] == digests[1]) == same


@pytest.mark.parametrize(
    "how",
    ["import isoae_lib.b", "import isoae_lib.b as other", "from isoae_lib import b",
     "from isoae_lib.b import x", "def f():\n    from isoae_lib import b", "from . import b",
     "from .b import x"],
)  # fmt: skip
def test_imports_are_followed_however_they_are_written(how, tmp_path, monkeypatch):
    package = tmp_path / "isoae_lib"
    package.mkdir()
    (package / "a.py").write_text(how + "\n", encoding="utf-8")
    (package / "b.py").write_text(
        "import os, c\nfrom isoae_lib import c, missing\n", encoding="utf-8"
    )
    (package / "c.py").write_text("from isoae_lib import a\n", encoding="utf-8")  # in a circle
    (package / "os.py").write_text("", encoding="utf-8")  # not this one: b asks for the system's
    monkeypatch.setattr(provenance, "PACKAGE", package)
    provenance.modules_behind.cache_clear()
    provenance._syntax.cache_clear()
    try:
        assert provenance.modules_behind("a") == ("a", "b", "c")
    finally:
        provenance.modules_behind.cache_clear()
        provenance._syntax.cache_clear()


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_python_gives_the_same_digest(version):
    python = interpreters.find(version)
    if python is None:
        pytest.skip(f"no Python {version} on this machine")
    done = subprocess.run([python, "-c", ASK], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == DIGEST


def git(folder, *words):
    author = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", *author, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "another's"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "file").write_text("", encoding="utf-8")
    git(folder, "add", "file")
    git(folder, "commit", "-qm", "first")
    return folder


def test_a_commit_is_that_of_the_project(repository, monkeypatch):
    monkeypatch.setattr(provenance, "ROOT", repository)
    clean = provenance.commit()
    assert len(clean) >= 7 and int(clean, 16) >= 0
    (repository / "file").write_text("changed", encoding="utf-8")
    assert provenance.commit() == clean + "+"


def test_the_commit_of_another_repository_is_not_taken(repository, monkeypatch, tmp_path):
    inside = repository / "unpacked"
    inside.mkdir()
    for root in (inside, tmp_path):
        monkeypatch.setattr(provenance, "ROOT", root)
        assert provenance.commit() == "unknown"
        for name, value in (("GIT_DIR", repository / ".git"), ("GIT_WORK_TREE", root)):
            monkeypatch.setenv(name, str(value))
        assert provenance.commit() == "unknown"
        monkeypatch.delenv("GIT_DIR")
        monkeypatch.delenv("GIT_WORK_TREE")


def test_without_git_the_commit_is_unknown(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == "unknown"
