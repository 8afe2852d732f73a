"""Captions at the head of a cell become figures of the pages; a figure without one is refused."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_code_cell, new_output

from isoae_lib.book import captions
from isoae_lib.errors import InputError

HEAD = """#| label: fig-a
#| fig-cap: >-
#|   Edge ratios,
#|   even: $x = 1$.
#| fig-alt: "Bars: two"
"""


def test_a_caption_leaves_the_code_and_becomes_a_figure():
    cell, other = new_code_cell(HEAD + "draw()\n# a comment"), new_code_cell("#| is or\n1")
    captions.apply([cell], "01")
    assert cell.source == "draw()\n# a comment"
    assert cell.metadata["mystnb"] == {
        "figure": {"name": "fig-a", "caption": "Edge ratios, even: $x = 1$."},
        "image": {"alt": "Bars: two"},
    }
    with pytest.raises(InputError, match=r"01: '#\| is or' begins a caption: give label"):
        captions.apply([other], "01")


@pytest.mark.parametrize("line", HEAD.splitlines()[::4])
def test_a_caption_without_a_part_is_refused(line):
    cell = new_code_cell(HEAD.replace(line, "#| fig-width: 3") + "draw()")
    with pytest.raises(InputError, match=r"give label, fig-cap, fig-alt\."):
        captions.apply([cell], "01")


def test_a_cell_without_a_caption_stays_as_it_is():
    cell = new_code_cell("# | no mark\ndraw()")
    captions.apply([cell], "01")
    assert cell.source == "# | no mark\ndraw()" and not cell.metadata


@pytest.mark.parametrize(
    ("count", "captioned", "said"),
    [
        (1, True, ""),
        (0, False, ""),
        (1, False, "cell 0 draws a figure"),
        (2, True, "cell 0 draws 2 figures"),
    ],
)
def test_every_picture_needs_a_caption_of_its_own(count, captioned, said):
    picture = new_output("display_data", {"image/png": "AAAA"})
    text = new_output("stream", name="stdout", text="words")
    cell = new_code_cell("draw()", outputs=[text, *[picture] * count])
    if captioned:
        cell.metadata["mystnb"] = {}
    if not said:
        captions.check([cell], "01")
        return
    with pytest.raises(InputError, match=f"01: {said}"):
        captions.check([cell], "01")
