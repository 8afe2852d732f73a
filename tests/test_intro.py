"""The first page: its figures and numbers are those of the published records."""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.image import imread

from isoae_lib.book import intro, style
from isoae_lib.files import ROOT
from isoae_lib.paper import floors, printed, runs
from isoae_lib.paper.claims import committed
from isoae_lib.paper.claims.rule import table

FIGURE = re.compile(r"```\{figure\} images/([\w-]+)\.png\n(?:.+\n)*?:alt: (.+)\n\n(.+)\n```")
PAGE = ROOT / "book" / "intro.md"


def numbers(data, method):
    """The mean and the deviation of Table 1's number, as its first three records have them."""
    folder = runs.PUBLISHED["runs"] / "3d" / data / method
    found = [runs.read(seed).metrics["edge_ratio_std"] for seed in sorted(folder.iterdir())]
    return f"{np.mean(found):.3f} ± {np.std(found, ddof=1):.3f}"


def test_the_page_shows_figures_and_numbers_in_place_of_its_comments(tmp_path, monkeypatch):
    monkeypatch.setattr(floors, "on_the_book_s_grid", lambda: np.array([0.0, 2.468]))
    page = tmp_path / "intro.md"
    shutil.copy(PAGE, page)
    intro.fill(page)
    text = page.read_text(encoding="utf-8")
    assert re.findall("<!-- (.+) -->", text) == ["verdicts", "end of verdicts"]
    figures = {name: (alt, caption) for name, alt, caption in FIGURE.findall(text)}
    assert list(figures) == ["roll", "table-1", "verdicts"]
    for name in figures:
        height, width, _ = imread(tmp_path / "images" / f"{name}.png").shape
        assert width >= 750 and height >= 300
    for words in figures["roll"]:
        assert numbers("swiss-roll", "I-AE") in words and numbers("swiss-roll", "CAE") in words
    (alt, caption) = figures["table-1"]
    for data, row in printed.table_1().items():
        for method in ("I-AE", "CAE"):
            assert f"{method} {numbers(data, method)} (paper {row[method]:.2f})" in alt
    assert "1.234" in alt and "1.234" in caption  # the floor
    found = [of["verdict"] for of in committed.read()["claims"].values()]
    for verdict in set(found):
        assert re.search(rf"\b{found.count(verdict)} {verdict}[,.]", figures["verdicts"][0])
    assert f"{len(found)} claims" in figures["verdicts"][1]
    rows = dict(re.findall(r"^\| ([^|]+) \| (\d+) \|", text, re.MULTILINE))
    every = [run.record["device"] for kind in runs.PUBLISHED for _, run in runs.published(kind)]
    assert {name.split(", ")[-1] for name in map(str, rows)} == {d.split(", ")[-1] for d in every}
    assert sum(map(int, rows.values())) == len(every)


def test_without_a_build_the_page_has_a_count_and_no_picture_that_is_not_there():
    text = PAGE.read_text(encoding="utf-8")
    for picture in re.findall(r"\{figure\} (\S+)", text):
        assert (PAGE.parent / picture).is_file()
    for name in ("roll", "table 1", "cost", "verdicts"):
        assert text.count(f"\n<!-- {name} -->\n") == 1


def test_what_the_page_says_in_words_is_what_the_verdicts_say():
    """If this fails, write the minute of the introduction anew."""
    found = {name: of["verdict"] for name, of in committed.read()["claims"].items()}
    for surface in ("S shape", "Swiss roll", "Open sphere"):
        assert found[f"lowest std, {surface}"] == "reproduced"
    assert found["crowding, MNIST"] == found["crowding, Fashion-MNIST"] == "partly"  # PCA has less
    assert {"undecided", "not attempted at this scale"} & set(found.values())
    published = table((name, run) for name, run in runs.published() if name.startswith("3d/"))
    ours = [run.metrics["edge_ratio_std"] for run in published["3d/open-sphere", "I-AE"]]
    assert max(ours) < floors.on_the_book_s_grid().std()


def test_the_cost_is_summed_by_device():
    def run(device, steps, hours):
        record = {"device": device, "seconds": 3600 * hours}
        return SimpleNamespace(record=record, spec=SimpleNamespace(steps=steps))

    shown = intro.cost([run("cuda, A", 700, 1), run("cpu, B", 1, 0.25), run("cuda, A", 800, 2)])
    assert shown.splitlines()[2:] == ["| A | 2 | 1,500 | 3.0 |", "| cpu, B | 1 | 1 | 0.2 |"]


@pytest.fixture
def published():
    """CAE is the best rival on the S shape, AE elsewhere."""
    return {
        (f"3d/{data}", method): [SimpleNamespace(metrics={"edge_ratio_std": k / 10})]
        for data in printed.table_1()
        for k, method in enumerate(
            ("I-AE", "CAE", "AE", "TCAE", "RAE-GP", "DAE")
            if data == "s-shape"
            else ("I-AE", "AE", "CAE", "TCAE", "RAE-GP", "DAE"),
            start=1,
        )
    }


def test_bars_of_table_1_are_those_of_the_best_rival_and_diamonds_the_paper_s(published):
    figure = intro.table_1(published, 0.123)
    for axes, (data, row) in zip(figure.axes, printed.table_1().items(), strict=True):
        rival = "CAE" if data == "s-shape" else "AE"
        assert intro.best_rival(published, data) == rival
        assert [label.get_text() for label in axes.get_yticklabels()] == ["I-AE", rival]
        assert [bar.get_width() for bar in axes.patches] == [0.1, 0.2]
        colours = [style.mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
        assert colours == [style.COLOURS["I-AE"].upper(), style.COLOURS[rival].upper()]
        (ours, theirs, *floor) = (float(line.get_xdata()[0]) for line in axes.lines)
        assert (ours, theirs) == (row["I-AE"], row[rival])
        assert floor == ([0.123] if data == "open-sphere" else [])
        assert [text.get_text() for text in axes.texts] == ["0.100", "0.200"]
    plt.close(figure)
