"""Section 3: orders of convergence."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from isoae_lib.book.style import INKS, REFERENCE


def convergence(at: ArrayLike, errors: Mapping[str, ArrayLike], slope: float) -> Figure:
    """Errors against steps or samples, both axes logarithmic, beside a line of the right slope."""
    figure, axes = plt.subplots(figsize=(6.5, 3.6))
    for (name, each), colour, marker in zip(errors.items(), INKS, "os^", strict=False):
        axes.loglog(at, each, marker=marker, color=colour, label=name)
    first = 0.5 * np.asarray(each)[0] / np.asarray(at)[0] ** slope  # apart from the last line
    axes.loglog(at, first * np.asarray(at) ** slope, label=f"slope {slope:g}", **REFERENCE)
    axes.legend()
    return figure
