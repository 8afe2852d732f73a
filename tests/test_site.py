"""The book as `make book` configures it, and what `jupyter-book build .` makes of the sources."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from isoae_lib.book import copies, intro, links, making, site
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT
from isoae_lib.paper import sections, terms
from isoae_lib.paper.data.images import DATA_SETS


def test_the_book_needs_no_network_and_has_no_banner():
    config = yaml.safe_load(site._config("smoke"))["sphinx"]["config"]
    assert "announcement" not in config["html_theme_options"]
    assert "ref.numref" not in config["suppress_warnings"]
    assert config["mathjax_path"] == "../mathjax.js" and config["html_extra_path"] == ["_extra"]


def test_the_page_of_the_data_sets_has_the_terms_of_each_and_counts_what_is_published(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(terms, "ROOT", tmp_path)
    for name, latent, files in (
        ("runs/a/mnist/AE/seed-0", 2, ["embedding.npz", "figures.npz"]),
        ("runs/a/mnist/AE/seed-1", 2, ["embedding.npz"]),
        ("curves/b/mnist/I-AE/seed-0", 16, ["embedding.npz"]),
        ("runs/b/celeba/I-AE/seed-0", 128, ["pictures.npz"]),
    ):
        record = tmp_path / "data" / name / "run.json"
        record.parent.mkdir(parents=True)
        content = {"spec": {"latent": latent}, "files": dict.fromkeys(files, "checksum")}
        record.write_text(json.dumps(content), encoding="utf-8")
    table = yaml.safe_load(site._config("smoke"))["sphinx"]["config"]["myst_substitutions"][
        "data_sets"
    ]
    rows = dict(zip(("head", "line", *DATA_SETS), table.splitlines(), strict=True))
    for name, known in DATA_SETS.items():
        for fact in (known.title, known.page, known.licence, known.pictures):
            assert fact in rows[name]
    counts = {name: row.split("|")[4:-1] for name, row in rows.items()}
    assert [int(count) for count in counts["mnist"]] == [3, 2, 1]
    assert [int(count) for count in counts["celeba"]] == [1, 0, 1]
    assert "{{ data_sets }}" in (ROOT / "book" / "data_sets.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_jupyter_book_in_the_root_shows_the_chapters_and_says_that_they_are_not_executed(tmp_path):
    """And reads neither the environment nor what was built."""
    for name in ("_config.yml", "_toc.yml", "README.md", "CONTRIBUTING.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    for name in ("book", "notebooks"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for strange in (".venv/lib/pages", "build/laptop/source", "_build/html", "isoae_lib"):
        (tmp_path / strange).mkdir(parents=True)
        (tmp_path / strange / "stranger.md").write_text("# A stranger", encoding="utf-8")
        (tmp_path / strange / "stranger.py").write_text(
            "# %% [markdown]\n# # A stranger", encoding="utf-8"
        )
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", ".", "-W"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    html = tmp_path / "_build" / "html"
    pages = {page.relative_to(html) for page in html.rglob("*.html")}
    assert {Path("notebooks") / f"{stem}.html" for stem in sections.NOTEBOOKS} <= pages
    assert not [page for page in pages if "stranger" in page.name]
    for page in html.glob("notebooks/*.html"):
        assert "These chapters are not executed" in page.read_text(encoding="utf-8")
    assert (ROOT / ".gitignore").read_text(encoding="utf-8").split().count("_build/") == 1


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """The pages of the book, in a project of one chapter that is not executed."""
    for name in ("_toc.yml", "_config.yml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "book", tmp_path / "book")
    for module in (site, copies):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(links, "git", lambda *_: "")
    monkeypatch.setattr(making, "commit", lambda: "abc")
    return tmp_path


def test_the_first_page_is_filled_and_an_error_of_sphinx_is_reported(sources, monkeypatch):
    """With a function in the place of Sphinx."""
    monkeypatch.setattr(sections, "NOTEBOOKS", ("08_claims",))
    monkeypatch.setattr(intro, "fill", lambda page: page.write_text("filled", encoding="utf-8"))
    page = copies.folder("smoke") / "08_claims.ipynb"
    page.parent.mkdir(parents=True)
    page.write_text("{}", encoding="utf-8")
    copies.sign(page, "smoke", {}, 1.0)
    said = []

    def sphinx(command, stdout, **_):
        source = Path(command[command.index("build") + 1])
        assert (source / "book" / "intro.md").read_text(encoding="utf-8") == "filled"
        assert (source / "notebooks" / "08_claims.ipynb").read_bytes() == page.read_bytes()
        html = source.parent / "site" / "_build" / "html"
        html.mkdir(parents=True, exist_ok=True)
        (html / "index.html").write_text("pages", encoding="utf-8")
        stdout.write("all is well\n" + "".join(said))
        return SimpleNamespace(returncode=len(said))

    monkeypatch.setattr(site.subprocess, "run", sphinx)
    assert site.assemble("smoke").read_text(encoding="utf-8") == "pages"
    said.append("a.md:1: ERROR: no such label\n")
    with pytest.raises(InputError, match=r"not built \(a\.md:1: ERROR: no such label\)"):
        site.assemble("smoke")


def test_only_copies_that_the_build_made_become_pages(sources):
    page = sources / "build" / "smoke" / "executed" / "01_theory.ipynb"
    with pytest.raises(InputError, match=r"01_theory\.ipynb is missing: run `isoae book"):
        site.assemble("smoke")
    page.parent.mkdir(parents=True)
    page.write_text("{}", encoding="utf-8")
    copies.sign(page, "smoke", {"seed": 5}, 1.0)
    with pytest.raises(InputError, match=r"01_theory\.ipynb is not as the build made it"):
        site.assemble("smoke")
    assert not (sources / "build" / "smoke" / "html").exists()
