"""What a figure draws is what the runs say."""

from __future__ import annotations

from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

from isoae_lib.book import images
from isoae_lib.paper import sections


def test_a_line_joins_the_means_over_seeds_of_each_length():
    def run(steps, number):
        metrics = {"crowding": number, "knn_accuracy": number + 1, "rmse": number + 2}
        return SimpleNamespace(spec=SimpleNamespace(steps=steps), metrics=metrics)

    table = {("here", m): [run(400, 2.0), run(400, 4.0)] for m in sections.FIGURE_5_METHODS}
    table["here", "I-AE,steps=100"] = [run(100, 5.0), run(100, 6.0), run(100, 10.0)]
    table["here", "I-AE,steps=100,rate=0.1"] = [run(100, 99.0)]  # another experiment
    table["there", "I-AE,steps=9"] = [run(9, 99.0)]
    figure = images.along_steps(table, "here")
    for axes, start in zip(figure.axes, (0, 1, 2), strict=True):
        line, points, *others = axes.lines
        assert np.array_equal(line.get_xdata(), [100, 400])
        assert line.get_ydata() == pytest.approx([7 + start, 3 + start])
        assert sorted(points.get_ydata()) == [n + start for n in (2, 4, 5, 6, 10)]
        assert len(others) == 2 * (len(sections.FIGURE_5_METHODS) - 1)
    plt.close(figure)
