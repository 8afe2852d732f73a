"""A Sphinx extension: what a reference leads to, as the title of its link."""

from __future__ import annotations

import functools
import posixpath
import re

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def setup(app: Sphinx) -> dict[str, bool]:
    """Have titles added to the links of each page, once they are resolved."""
    app.connect("doctree-resolved", _add_titles)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _add_titles(app: Sphinx, doctree: nodes.document, page: str) -> None:
    for link in doctree.findall(nodes.reference):
        if link.get("internal") and not link.get("reftitle"):
            address, _, name = link.get("refuri", f"#{link.get('refid', '')}").partition("#")
            folder = posixpath.dirname(page)
            there = posixpath.normpath(posixpath.join(folder, address.removesuffix(".html")))
            target = _targets(app.env, there if address else page).get(name)
            if target is not None and (text := _text_of(target)):
                link["reftitle"] = text


@functools.cache
def _targets(env: BuildEnvironment, page: str) -> dict[str, nodes.Element]:
    """Return the elements of a page by their ids."""
    if page not in env.found_docs:
        return {}
    found = env.get_doctree(page).findall(nodes.Element)
    return {name: element for element in found for name in element.get("ids", ())}


def _text_of(target: nodes.Element) -> str:
    """Return the first paragraph, caption or equation of a target, with formulas in TeX."""
    kinds = (nodes.paragraph, nodes.caption, nodes.math_block)
    for first in target.findall(lambda node: isinstance(node, kinds)):
        words = "".join(map(_words_of, first.findall(nodes.Text)))
        return re.sub(r"\s+([,.:;)]|$)", r"\1", re.sub(r"\s+", " ", words))
    return ""


def _words_of(text: nodes.Text) -> str:
    if isinstance(text.parent, nodes.math | nodes.math_block):
        return f"\\({text.strip()}\\)"
    source = text.parent.parent  # a citation has only its key yet
    named = isinstance(source, addnodes.pending_xref) and not source.get("refexplicit")
    return "" if named else str(text)
