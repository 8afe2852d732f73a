"""What a reference leads to stands in the title of its link."""

from __future__ import annotations

import re

from sphinx.application import Sphinx

FILES = {
    "conf.py": "extensions = ['isoae_lib.book.previews', 'sphinxcontrib.bibtex']\n"
    "bibtex_bibfiles = ['works.bib']",
    "works.bib": "@book{key, author={A. Person}, title={On Tests}, publisher={Press}, year={2020}}",
    "index.rst": "First\n=====\n\n.. toctree::\n\n   folder/second\n\n"
    "To :ref:`there <mark>`, :cite:p:`key`, :doc:`the page <folder/second>`, :eq:`sum`, "
    "`outside <https://example.org/#mark>`_.\n\n"
    ".. math:: 1 + 1 = 2\n   :label: sum",
    "folder/second.rst": ".. _mark:\n\nSecond\n======\n\nOf :math:`\\lambda = 1` by Person "
    ":cite:p:`key`, see :ref:`above <mark>`.\n\nLater.\n\n.. bibliography::\n",
}


def test_a_link_has_the_first_words_of_what_it_leads_to(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    out = tmp_path / "out"
    Sphinx(tmp_path, tmp_path, out, out, "html", status=None, warningiserror=True).build()
    pages = {name: (out / name).read_text(encoding="utf-8")
             for name in ("index.html", "folder/second.html")}  # fmt: skip
    titles = {
        name: dict(re.findall(r'reference internal" href="([^"]*#\S*)" title="([^"]*)"', html))
        for name, html in pages.items()
    }
    mark = r"Of \(\lambda = 1\) by Person, see above."
    assert titles == {
        "index.html": {
            "folder/second.html#mark": mark,
            "folder/second.html#id3": "A. Person. On Tests. Press, 2020.",
            "#equation-sum": r"\(1 + 1 = 2\)",
        },
        "folder/second.html": {"#mark": mark, "#id3": "A. Person. On Tests. Press, 2020."},
    }
    assert 'href="https://example.org/#mark">outside' in pages["index.html"]
