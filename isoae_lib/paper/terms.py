"""What the terms of the image data sets allow to show, and what is published of each of them."""

from __future__ import annotations

import json

from isoae_lib.files import ROOT
from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.records import FIGURES


def may_be_shown(data: str) -> bool:
    """Tell whether pictures of a data set, and pictures decoded from it, may be published."""
    return data not in DATA_SETS or not DATA_SETS[data].pictures.startswith("may not")


def table() -> str:
    """Return a table in Markdown: each image data set, its terms, and what is published of it."""
    lines = [
        "| data set | licence or terms | its pictures | records | with codes | with pictures |"
    ]
    lines.append("| --- | --- | --- | --- | --- | --- |")
    for name, known in DATA_SETS.items():
        title = f"[{known.title}]({known.page})"
        cells = (title, known.licence, known.pictures, *map(str, _published(name)))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _published(data: str) -> tuple[int, int, int]:
    """Return how many records a data set has, and how many keep codes and decoded pictures."""
    files = ROOT.glob(f"data/*/*/{data}/*/*/run.json")
    records = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    codes = [record for record in records if record["spec"]["latent"] == 2]
    pictures = [record for record in records if {*FIGURES} & {*record["files"]}]
    return len(records), len(codes), len(pictures)
