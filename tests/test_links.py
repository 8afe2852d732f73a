"""Links to the repository: those of its remote, without what is secret in it, or none."""

from __future__ import annotations

import subprocess

import jinja2
import jupytext
import pytest
import yaml

from isoae_lib.book import links, site
from isoae_lib.files import ROOT
from isoae_lib.paper import sections

HERE = "https://github.com/o-1/r.2_x"
WEB = HERE.partition("github")[0]  # addresses of strangers are not written whole in this project


def git(folder, *words):
    who = ["-c", "user.name=someone", "-c", "user.email=someone@there"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A repository with one commit and no remote."""
    monkeypatch.setattr(links, "ROOT", tmp_path)
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    return tmp_path


@pytest.mark.parametrize(
    ("remote", "known"),
    [
        ("git@github.com:o-1/r.2_x.git", True),
        ("git@github.com:o-1/r.2_x", True),
        ("ssh://git@github.com/o-1/r.2_x.git", True),
        ("https://github.com/o-1/r.2_x", True),
        ("https://github.com/o-1/r.2_x/", True),
        ("https://github.com/o-1/r.2_x.git", True),
        (f"{WEB}somebody:SECRET@github.com/o-1/r.2_x.git", True),
        (f"{WEB}SECRET@github.com/o-1/r.2_x", True),
        ("https://github.com/o-1", False),
        ("https://github.com/o-1/r/x", False),
        (f"{WEB}github.com.example/o-1/r", False),
        (f"{WEB}example/github.com/o-1/r", False),
        (f"{WEB}example/SECRET@github.com/o-1/r", False),
        (f"{WEB}gitlab.com/o-1/r.git", False),
        ("git@example:o-1/r.git", False),
        ('https://github.com/o-1/"><script>', False),
        ("../github.com/o-1/r", False),
        ("/folder/r.git", False),
    ],
)
def test_the_repository_is_that_of_the_remote_without_what_is_secret(remote, known, project):
    git(project, "remote", "add", "origin", remote)
    assert links.repository() == (HERE if known else None)


def test_without_a_remote_or_a_repository_or_git_there_are_no_links(project, tmp_path, monkeypatch):
    assert links.repository() is None  # no remote
    git(project, "remote", "add", "origin", HERE)
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    assert links.repository() == HERE
    inside = project / "unpacked"  # in somebody else's repository
    inside.mkdir()
    monkeypatch.setattr(links, "ROOT", inside)
    assert links.repository() is None
    monkeypatch.setattr(links, "ROOT", project)
    monkeypatch.setenv("PATH", "")
    assert links.repository() is None


def test_only_with_a_known_repository_the_configuration_has_links(project):
    without = yaml.safe_load(site._config("smoke"))["sphinx"]["config"]
    assert not {"repository_url", "launch_buttons", "icon_links"} & {*without["html_theme_options"]}
    git(project, "remote", "add", "origin", HERE.replace("github", "u:SECRET@github"))
    commit = git(project, "rev-parse", "HEAD")
    assert "SECRET" not in site._config("smoke")
    sphinx = yaml.safe_load(site._config("smoke"))["sphinx"]["config"]
    theme = sphinx["html_theme_options"]
    assert theme["navbar_persistent"] == without["html_theme_options"]["navbar_persistent"]
    assert (theme["repository_url"], theme["repository_branch"]) == (HERE, links.BRANCH)
    assert f'href="{HERE}/commit/{commit}"' in theme["extra_footer"]
    assert all(theme[f"use_{kind}_button"] for kind in ("repository", "issues", "source"))
    assert theme["launch_buttons"]["colab_url"]
    assert theme["icon_links"][0]["url"] == HERE.replace("github.com", "codespaces.new")
    source = jinja2.Template(sphinx["html_context"]["edit_page_url_template"])
    for page, file in (("notebooks/a.ipynb", "notebooks/a.py"), ("book/b.md", "book/b.md")):
        assert source.render(file_name=page) == f"{HERE}/blob/{commit}/{file}"


def test_notebooks_for_colab_fetch_the_commit_and_are_not_executed(project, tmp_path):
    (project / "notebooks").symlink_to(ROOT / "notebooks")
    links.write_for_colab(tmp_path / "out", HERE)
    assert sorted(f.stem for f in (tmp_path / "out").iterdir()) == sorted(sections.NOTEBOOKS)
    for stem in sections.NOTEBOOKS:
        first, *rest = jupytext.read(tmp_path / "out" / f"{stem}.ipynb").cells
        assert f"git clone -q {HERE} isoae" in first.source
        assert f"checkout -q {git(project, 'rev-parse', 'HEAD')}" in first.source
        own = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent").cells
        assert [cell.source for cell in rest] == [cell.source for cell in own]
        assert not any(cell.get("outputs") for cell in (first, *rest))


def test_the_workflow_of_the_pages_fills_the_branch_that_colab_reads():
    pages = (ROOT / ".github" / "workflows" / "pages.yml").read_text(encoding="utf-8")
    assert f"HEAD:refs/heads/{links.BRANCH}" in pages
