"""What made these pages: the machine, the versions of packages, the time of every notebook."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, requires, version

from isoae_lib.book import copies
from isoae_lib.paper import sections
from isoae_lib.paper.provenance import commit


def surroundings(preset: str) -> str:
    """Return a table in Markdown: what the notebooks of a build ran on."""
    import torch  # planning a build does without

    from isoae_lib.paper.machine import processor

    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    facts = {
        "commit": f"`{commit()}`",
        "preset": f"`{preset}`",
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{processor()}; {os.cpu_count()} cores",
        "GPU": gpu,
        "Python": platform.python_version(),
    }
    return _table(("what", "this build"), facts.items())


def packages() -> str:
    """Return a table in Markdown: the versions of what this project asks for."""
    asked = sorted({re.split(r"[^\w-]", line)[0] for line in requires("isoae-lib") or ()})
    return _table(("package", "version"), [(name, found) for name in asked if (found := _is(name))])


def _is(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def run_times(preset: str) -> str:
    """Return a table in Markdown: how long each notebook took, once its runs were there."""
    seconds = {}
    for stem in sections.NOTEBOOKS:
        made = copies.folder(preset) / f"{stem}.json"
        if made.is_file():
            seconds[stem] = json.loads(made.read_text(encoding="utf-8"))["seconds"]
    rows = [(f"{{doc}}`../notebooks/{stem}`", f"{took:.0f}") for stem, took in seconds.items()]
    return _table(("chapter", "seconds"), [*rows, ("all", f"{sum(seconds.values()):.0f}")])


def _table(head: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    lines = [f"| {head[0]} | {head[1]} |", "| --- | --- |"]
    return "\n".join([*lines, *(f"| {name} | {value} |" for name, value in rows)])
