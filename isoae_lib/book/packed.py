"""Arrays in pages: rounded to whole numbers, as differences, compressed. `packed.js` reads them."""

from __future__ import annotations

import base64
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from isoae_lib.paper.planes import Rounded


def packed(array: Rounded) -> dict[str, Any]:
    """Return an array as `packed.js` reads it.

    Whole numbers are written as differences from their neighbours along the last two axes. These
    are small, and so can be compressed.
    """
    differences = array.whole
    for axis in range(array.whole.ndim)[-2:]:
        differences = np.diff(differences, axis=axis, prepend=np.int16(0))
    content = zlib.compress(differences.astype("<i2").tobytes(), 9)
    return {
        "shape": array.whole.shape, "step": array.step,
        "packed": base64.b64encode(content).decode(),
    }  # fmt: skip


def asset(name: str) -> str:
    """Return the text of a script or a style sheet of this folder, to stand in a page."""
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
