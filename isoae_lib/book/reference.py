"""What the pages said: the text outputs of their published part, which `make test` compares with.

`python -m isoae_lib.book.reference` renews the copies in `tests/reference`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from isoae_lib.book import surroundings
from isoae_lib.book.execute import execute
from isoae_lib.files import ROOT, write_whole
from isoae_lib.paper import sections

REFERENCE = ROOT / "tests" / "reference"
IGNORED = "nbval-ignore-output"  # a cell whose output depends on the machine, or is no text


def renew(stem: str) -> Path:
    """Execute a notebook, training nothing, and write the copy to compare with; return its file."""
    executed = ROOT / "build" / "reference" / f"{stem}.ipynb"
    executed.parent.mkdir(parents=True, exist_ok=True)
    execute(stem, sections.CANARIES, executed)
    notebook = json.loads(executed.read_text(encoding="utf-8"))
    file = REFERENCE / executed.name
    file.parent.mkdir(exist_ok=True)
    write_whole(file, json.dumps(without_pictures(notebook), indent=1, ensure_ascii=False) + "\n")
    return file


def without_pictures(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return an executed notebook with the text of its outputs alone; ignored outputs go."""
    cells = []
    for cell in notebook["cells"]:
        outputs = cell.get("outputs", [])
        if IGNORED in cell["metadata"].get("tags", ()):
            outputs = []
        kept = [
            output | {"data": _text(output["data"])} if "data" in output else output
            for output in outputs
        ]
        cells.append(cell | {"outputs": kept} if "outputs" in cell else cell)
    return notebook | {"cells": cells}


def _text(data: dict[str, Any]) -> dict[str, Any]:
    return {kind: content for kind, content in data.items() if not kind.startswith("image/")}


if __name__ == "__main__":
    surroundings.settle()
    for stem in sections.NOTEBOOKS:
        print(renew(stem).relative_to(ROOT), flush=True)
