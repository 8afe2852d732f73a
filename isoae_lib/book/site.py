"""Assemble the book's source from pages and executed notebooks, and build the html."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
from pathlib import Path

import yaml
from filelock import FileLock

from isoae_lib.book import cluster, copies, links, making, tied
from isoae_lib.errors import InputError, choose
from isoae_lib.files import ROOT, writing
from isoae_lib.paper import sections


def html_folder(preset: str) -> Path:
    """Return the folder of a preset's pages: `build/html`, and another one for `smoke`."""
    return ROOT / "build" / ("html" if preset != "smoke" else "smoke/html")


def assemble(preset: str) -> Path:
    """Build the html of a preset from its executed notebooks; return the first page.

    One process at a time builds pages; others wait for it.

    Raises
    ------
    InputError
        If a notebook is not executed yet, or its copy was edited; if Sphinx gives a warning or an
        error; if the pages cannot be written.
    """
    choose("preset", preset, sections.PRESETS)
    base = ROOT / "build" / preset
    with writing(base):
        base.mkdir(parents=True, exist_ok=True)
        with FileLock(base.parent / ".site.lock"):
            return _assemble(preset, base)


def _assemble(preset: str, base: Path) -> Path:
    from isoae_lib.book import intro  # brings torch, which planning does without

    source = base / "source"
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    for name in ("_toc.yml", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, source)
    (source / "_config.yml").write_text(_config(preset), encoding="utf-8")
    shutil.copytree(ROOT / "book", source / "book", ignore=shutil.ignore_patterns("static"))
    shutil.copytree(ROOT / "book" / "static", source / "_static")
    (source / "notebooks").mkdir()
    for stem in sections.NOTEBOOKS:
        executed = copies.folder(preset) / f"{stem}.ipynb"
        if not copies.is_of_book(executed, preset):
            reason = "is not as the build made it" if executed.is_file() else "is missing"
            raise InputError(f"{executed} {reason}: run `isoae book --preset {preset}`.")
        shutil.copy(executed, source / "notebooks")
    intro.fill(source / "book" / "intro.md")
    _copy_scripts(source / "_extra")
    if here := links.repository():
        links.write_for_colab(source / "_extra" / "notebooks", here)
    log = base / "site.log"
    with log.open("w", encoding="utf-8") as lines:
        done = subprocess.run(
            tied.command(
                "jupyter_book.cli.main:main", "build", str(source), "--all",
                "--path-output", str(base / "site"), "-W", "-n", "--keep-going",
            ),
            stdout=lines, stderr=subprocess.STDOUT, cwd=ROOT,
        )  # fmt: skip
    if done.returncode:
        worst = [
            line
            for line in log.read_text(encoding="utf-8").splitlines()
            if "WARNING" in line or "ERROR" in line
        ]
        reason = worst[0] if worst else "see the log"
        raise InputError(f"the book was not built ({reason}); the log is {log}.")
    target = html_folder(preset)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(base / "site" / "_build" / "html", target)
    return target / "index.html"


def _config(preset: str) -> str:
    """Return `_config.yml` with what a build changes.

    There is no announcement, scripts need no network, tables of the data sets and of this build
    are filled in, and pages have links to the repository where it is known.
    """
    from isoae_lib.paper import terms  # brings torch

    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    sphinx = config["sphinx"]["config"]
    del sphinx["html_theme_options"]["announcement"]
    sphinx["suppress_warnings"].remove("ref.numref")
    sphinx["html_extra_path"] = ["_extra"]
    sphinx["mathjax_path"] = "../mathjax.js"  # seen from _static
    sphinx["myst_substitutions"] = {
        "data_sets": terms.table(),
        "surroundings": making.surroundings(preset),
        "run_times": making.run_times(preset),
        "packages": making.packages(),
        "cluster": cluster.hours(),
    }
    if here := links.repository():
        links.add(config, here)
    return yaml.safe_dump(config, sort_keys=False)


def _copy_scripts(folder: Path) -> None:
    """Copy the two scripts that pages load from the packages that contain them: no network."""
    folder.mkdir()
    plotly = _package("plotly") / "package_data" / "plotly.min.js"
    mathjax = _package("sphinx-mathjax-offline") / "static" / "mathjax" / "tex-svg.js"
    shutil.copy(plotly, folder / "plotly.min.js")
    shutil.copy(mathjax, folder / "mathjax.js")


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise InputError(f"the package {name} is not installed: run `make install`.")
    return Path(spec.origin).parent
