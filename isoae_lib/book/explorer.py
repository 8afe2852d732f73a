"""A plane to explore: what decoders make of a place and of a line, under a pointer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import HTML
from matplotlib.colors import to_hex

from isoae_lib.book.images import class_colours
from isoae_lib.book.interactive import png
from isoae_lib.book.packed import asset, packed
from isoae_lib.book.style import COLOURS, plain
from isoae_lib.paper.claims.rule import Table
from isoae_lib.paper.metrics.plane import chosen
from isoae_lib.paper.metrics.rounding import as_bytes
from isoae_lib.paper.planes import PARTS, Plane, is_known, of_run, rounded
from isoae_lib.paper.runs import Run

CODES = 1000  # drawn in a plane
RIVALS = ("AE", "CAE")
SHADES = 15  # of grey between black and white in the still picture: a small file
STILL = 12  # images along an axis of the still picture


def with_planes(runs: Table, experiment: str) -> dict[str, Run]:
    """Return the first runs of I-AE and its rivals whose planes are known, by method.

    There are none if that of I-AE is not known, or no rival's.
    """
    first = {method: runs.get((experiment, method), [])[:1] for method in ("I-AE", *RIVALS)}
    known = {method: run for method, group in first.items() for run in group if is_known(run)}
    return known if "I-AE" in known and len(known) > 1 else {}


def explorer(source: str, runs: Mapping[str, Run], classes: Sequence[str]) -> HTML:
    """Show the planes of runs on the same images side by side, to be explored.

    The first method is on the left. Readers choose which of the others is on the right. Where no
    script runs, and on paper, there is a still picture.

    Parameters
    ----------
    source : str
        Where the runs come from, in words.
    runs : mapping of str to Run
        Two methods or more, as `with_planes` returns them; or none.
    classes : sequence of str
        Names of the classes of the images.
    """
    if not runs:
        return HTML("<p>No plane of these methods is recorded yet.</p>")
    planes = {method: of_run(run) for method, run in runs.items()}
    first, plane = next(iter(runs.values())), next(iter(planes.values()))
    some = chosen(min(len(run.codes) for run in runs.values()), CODES)
    side = round(np.sqrt(len(plane.mean.whole)))
    data = {
        "picture": [side, side],
        "parts": PARTS,
        "classes": list(classes),
        "colours": [to_hex(colour) for colour in class_colours(len(classes))],
        "labels": first.labels[some].tolist(),
        "planes": [
            _as_json(planes[method], run.codes[some])
            | {"title": plain(method), "colour": _colour(method)}
            for method, run in runs.items()
        ],
    }
    script = asset("packed.js") + asset("explorer.js")
    still = mosaics(list(planes.values())[:2])
    sizes = ", ".join(f"{plain(m)} {plane.side} x {plane.side}" for m, plane in planes.items())
    words = f"Source: {source}. Decoded at so many places, and interpolated between them: {sizes}."
    written = json.dumps(data).replace("</", "<\\/")
    return HTML(_FRAGMENT % (asset("explorer.css"), still, words, script, written))


_FRAGMENT = """<style>%s</style>
<figure class="explorer" id="explorer"><img class="still" alt="Images decoded on a grid of places in
the plane: I-AE on the left, its first rival on the right" src="%s">
<figcaption>%s</figcaption></figure>
<script>
(function () {
%s
explore(document.getElementById("explorer"), %s);
})();
</script>
"""


def _colour(method: str) -> str:
    """Return a method's colour; of black, that of the page's text, which is light in the dark."""
    return COLOURS[method] if COLOURS[method] != "#000000" else "currentColor"


def _as_json(plane: Plane, codes: np.ndarray) -> dict[str, Any]:
    """Return a plane, and codes (n, 2) as shares of its width and height, for the script."""
    within = rounded(((codes - plane.low) / (plane.high - plane.low)).T)
    arrays = {
        "mean": plane.mean, "components": plane.components, "weights": plane.weights,
        "metric": plane.metric, "codes": within,
    }  # fmt: skip
    corners = {"low": plane.low.tolist(), "high": plane.high.tolist()}
    return corners | {name: packed(array) for name, array in arrays.items()}


def mosaics(planes: Sequence[Plane]) -> str:
    """Return what decoders make of a grid of places, side by side, as the address of a PNG."""
    rows = []
    for plane in planes:
        grid = np.linspace(plane.low, plane.high, STILL, axis=1)
        places = np.stack(np.meshgrid(grid[0], grid[1][::-1]), axis=-1).reshape(-1, 2)
        images = 1 - plane.at(places)  # dark on light
        side = round(np.sqrt(images.shape[1]))
        tiles = images.reshape(STILL, STILL, side, side).transpose(0, 2, 1, 3)
        rows.append(np.pad(tiles.reshape(STILL * side, -1), ((0, 0), (0, side)), constant_values=1))
    return png(as_bytes(np.rint(np.concatenate(rows, axis=1) * SHADES) / SHADES))
