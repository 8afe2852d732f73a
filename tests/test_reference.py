"""The copies that `make test` compares pages with: text alone, of every page."""

from __future__ import annotations

import copy
import json

import pytest

from isoae_lib.book import reference
from isoae_lib.paper import sections

PICTURE = {
    "output_type": "display_data",
    "metadata": {},
    "data": {"image/png": "AAAA", "text/plain": "<Figure>"},
}
PRINTED = {"output_type": "stream", "name": "stdout", "text": "0.019\n"}


def notebook_of(tags, *outputs):
    code = {"cell_type": "code", "metadata": {"tags": tags}, "source": "1", "outputs": [*outputs]}
    text = {"cell_type": "markdown", "metadata": {}, "source": "words"}
    return {"cells": [text, code], "nbformat": 4}


def test_pictures_go_and_text_stays_in_order():
    notebook = notebook_of([], PRINTED, PICTURE)
    before = copy.deepcopy(notebook)
    words, code = reference.without_pictures(notebook)["cells"]
    assert words == before["cells"][0] and notebook == before
    assert code["outputs"] == [PRINTED, PICTURE | {"data": {"text/plain": "<Figure>"}}]


def test_outputs_that_depend_on_the_machine_are_left_out():
    _, code = reference.without_pictures(notebook_of([reference.IGNORED], PRINTED))["cells"]
    assert code["outputs"] == []


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
def test_every_page_has_a_copy_with_its_present_code(stem):
    """Its outputs are compared by nbval."""
    import jupytext

    from isoae_lib.book import captions
    from isoae_lib.files import ROOT

    file = reference.REFERENCE / f"{stem}.ipynb"
    assert file.is_file(), "run `make reference`"
    kept = json.loads(file.read_text(encoding="utf-8"))["cells"]
    source = jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent").cells
    captions.apply(source, stem)
    of_copy = [
        cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        for cell in kept
        if "injected-parameters" not in cell["metadata"].get("tags", ())
    ]
    assert of_copy == [cell.source for cell in source], "run `make reference`"
