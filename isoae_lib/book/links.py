"""Links from the pages to the repository, where the git remote says which one it is."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

from isoae_lib.files import ROOT
from isoae_lib.paper import sections
from isoae_lib.paper.provenance import commit

# Names and passwords before the @ are matched, and left out of what the pages say.
GITHUB = re.compile(
    r"(?:https://(?:[^/@]*@)?github\.com/|(?:ssh://)?git@github\.com[:/])"
    r"([\w-]+/[\w.-]+?)(?:\.git)?/?"
)
BRANCH = "colab"  # .github/workflows/pages.yml puts the unexecuted notebooks there


def repository() -> str | None:
    """Return the address of the project's repository on GitHub, or None where none is known."""
    found = GITHUB.fullmatch(git("remote", "get-url", "origin"))
    return f"https://github.com/{found[1]}" if found else None


def git(*words: str) -> str:
    """Return what git says of this project; nothing without git, or if it is no repository."""
    command = ["git", f"--git-dir={ROOT / '.git'}", *words]  # never a repository around it
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def add(config: dict[str, Any], here: str) -> None:
    """Add links and launch buttons for the repository `here` to the content of `_config.yml`."""
    at = git("rev-parse", "HEAD")
    sphinx = config["sphinx"]["config"]
    sphinx["html_theme_options"] |= {
        "repository_url": here,
        "repository_branch": BRANCH,
        "use_repository_button": True,
        "use_issues_button": True,
        "use_source_button": True,
        "extra_footer": f'<a href="{here}/commit/{at}">Commit {commit()}</a>',
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
        "icon_links": [{
            "name": "Open in Codespaces", "icon": "fa-solid fa-laptop-code",
            "url": here.replace("github.com", "codespaces.new", 1),
        }],
    }  # fmt: skip
    sphinx["html_context"] = {
        "edit_page_provider_name": "GitHub",
        # a chapter of the book is the executed copy of a Python file
        "edit_page_url_template": f"{here}/blob/{at}/"
        "{{ file_name | replace('.ipynb', '.py') }}",
    }


def write_for_colab(folder: Path, here: str) -> None:
    """Write the notebooks, unexecuted, each with a first cell that fetches this commit."""
    import jupytext
    from nbformat.v4 import new_code_cell

    fetch = (
        f"!git clone -q {here} isoae && git -C isoae checkout -q {git('rev-parse', 'HEAD')}\n"
        '%cd isoae\n%pip install -q -e ".[paper,book]"'
    )
    for stem in sections.NOTEBOOKS:
        notebook = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent")
        notebook.cells.insert(0, new_code_cell(fetch))
        folder.mkdir(parents=True, exist_ok=True)
        jupytext.write(notebook, folder / f"{stem}.ipynb")
