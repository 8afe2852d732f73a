"""Captions of figures: lines `#| label: ...` at the head of a cell, as Quarto writes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from typing import Any

import yaml

from isoae_lib.errors import InputError

MARK = "#| "
WANTED = ("label", "fig-cap", "fig-alt")  # a name for references, a caption, a text for the blind


def apply(cells: Iterable[Any], stem: str) -> None:
    """Move the lines `#| ...` of a notebook's cells to where the pages look for captions.

    Raises
    ------
    InputError
        If a cell has some of `WANTED`, but not all, or something else.
    """
    for cell in cells:
        lines = cell.source.splitlines()
        head = [*takewhile(lambda line: line.startswith(MARK), lines)]
        if not head:
            continue
        said = yaml.safe_load("\n".join(line.removeprefix(MARK) for line in head))
        if not isinstance(said, dict) or sorted(said) != sorted(WANTED):
            raise InputError(f"{stem}: '{head[0]}' begins a caption: give {', '.join(WANTED)}.")
        label, caption, alt = (str(said[name]) for name in WANTED)
        cell.metadata["mystnb"] = {
            "figure": {"name": label, "caption": caption}, "image": {"alt": alt}
        }  # fmt: skip
        cell.source = "\n".join(lines[len(head) :])


def check(cells: Iterable[Mapping[str, Any]], stem: str) -> None:
    """Check that each picture of an executed notebook is a figure with a caption of its own.

    Raises
    ------
    InputError
        If a cell draws a picture and has no caption, or draws several.
    """
    for number, cell in enumerate(cells):
        pictures = sum("image/png" in out.get("data", ()) for out in cell.get("outputs", ()))
        if pictures and "mystnb" not in cell["metadata"]:
            raise InputError(f"{stem}: cell {number} draws a figure: give it {', '.join(WANTED)}.")
        if pictures > 1:
            raise InputError(f"{stem}: cell {number} draws {pictures} figures: draw one per cell.")
