"""What a page shows is what the runs say; all chapters have one shape, each method one colour."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from types import SimpleNamespace

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from isoae_lib.book import copies, images, page, speed, style, surfaces, tables
from isoae_lib.files import ROOT
from isoae_lib.paper import runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.printed import table_1

SPACING = ("spacing_variation", "spacing_variation_above", "spacing_variation_below")


def chapter(published, of_build=(), **parameters):
    return page.Chapter("05_classification", "smoke", parameters, list(of_build), list(published))


def cells(stem):
    return jupytext.read(ROOT / "notebooks" / f"{stem}.py", fmt="py:percent").cells


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
def test_a_chapter_has_a_head_and_a_tail_and_repeats_every_parameter(stem):
    """Whoever gives a notebook a parameter more must pass it to the head."""
    code = [cell for cell in cells(stem) if cell.cell_type == "code"]
    calls = [n for cell in code for n in ast.walk(ast.parse(cell.source)) if type(n) is ast.Call]
    (head,) = [call for call in calls if ast.unparse(call.func) == "page.head"]
    assert [ast.unparse(a) for a in head.args] == [repr(stem), "preset"]
    given = [f"{k.arg}={ast.unparse(k.value)}" for k in head.keywords]
    assert given == [f"{name}={name}" for name in copies.defaults(stem) if name != "preset"]
    assert any("page.head(" in cell.source for cell in code[1:2])
    assert "Where these numbers come from" in "".join(cell.source for cell in cells(stem)[-4:])
    if sections.notebook_runs(stem, "smoke"):
        assert any("chapter.provenance(" in cell.source for cell in code[-2:])


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
def test_code_that_is_visible_is_short(stem):
    for cell in cells(stem):
        if cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", ()):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 10, cell.source


def test_both_tables_of_verdicts_stand_under_their_own_names(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda *outputs: shown.extend(outputs))
    ours, theirs = (
        [(f"toy/curve/{m}", SimpleNamespace(spec=SimpleNamespace(seed=0, steps=999), record={},
                                           metrics=dict.fromkeys(SPACING, value)))
         for m, value in (("I-AE", first), ("CAE", 1.0))]
        for first in (0.25, 2.0)
    )  # fmt: skip
    chapter(theirs, ours).verdicts("1")
    build, good, published, bad = (output.data for output in shown)
    assert "this build" in build and "published" in published
    assert ">reproduced<" in good and ">not<" in bad


def test_sources_have_one_name_each():
    known = chapter([("3d/s-shape/AE", "theirs")], [("3d/s-shape/AE", "ours")])
    assert known.sources == {
        "published": {("3d/s-shape", "AE"): ["theirs"]},
        "this build (smoke)": {("3d/s-shape", "AE"): ["ours"]},
    }


def test_places_without_published_runs_are_named(capsys):
    places = {"Digits": "sensitivity/mnist", "Clothes": "sensitivity/fashion-mnist"}
    known = chapter([("sensitivity/mnist/I-AE", None)])
    assert known.published_at(places) == {"Digits": "sensitivity/mnist"}
    assert capsys.readouterr().out == "Clothes: no run is published yet.\n"


@pytest.mark.parametrize("section", ["3d", "classification"])
def test_the_card_of_the_published_runs_names_each_of_them(section):
    published = list(runs.published())
    keys = {run.spec.key for name, run in published if name.startswith(f"{section}/")}
    card = chapter(published).published_card(section).data
    assert set(re.findall(r"<code>([0-9a-f]{16})</code>", card)) == keys
    assert bool(keys) != ("No run of this chapter is published" in card)


def test_the_card_of_a_sweep_has_its_runs_and_no_others():
    published, section = list(runs.published()), "visualization-CNN"
    known = chapter(published)
    keys = [
        set(re.findall(r"<code>([0-9a-f]{16})</code>", card.data))
        for card in (known.published_card(section), known.published_card(section, sweep=True))
    ]
    assert all(keys) and not keys[0] & keys[1]
    swept = sections.swept()
    assert keys[1] == {
        run.spec.key for name, run in published if name in swept and name.startswith(section)
    }


def test_a_card_names_every_device_and_version_once():
    (name, first), *_ = runs.published()
    versions = first.record["versions"] | {"torch": "9"}
    record = first.record | {"device": "an abacus", "seconds": 2.0, "versions": versions}
    other = replace(first, record=record)
    published = [(name, run) for run in (first, other, other)]
    card = chapter(published).published_card(name.partition("/")[0]).data
    assert "4 s on an abacus" in card and f"s on {first.record['device']}" in card
    assert card.count("torch 9") == 1 and f"torch {first.record['versions']['torch']}" in card


def test_a_card_names_data_that_are_not_official():
    (name, run), *_ = runs.published()
    section = name.partition("/")[0]
    assert "not the official data" not in chapter([(name, run)]).published_card(section).data
    run.record["data"]["official"] = False
    card = chapter([(name, run)]).published_card(section).data
    assert f"<th>not the official data</th><td>{run.spec.data}</td>" in card


def test_a_card_repeats_the_parameters(monkeypatch):
    shown = []
    monkeypatch.setattr(page, "display", lambda *outputs: shown.extend(outputs))
    chapter([], seed=10).provenance("classification")
    assert "isoae notebook 05_classification --preset smoke --set seed=10<" in shown[0].data


def test_a_table_shows_mean_and_deviation_of_each_row_and_column():
    here = {
        ("there", "A"): [SimpleNamespace(metrics={"m": 1.0}), SimpleNamespace(metrics={"m": 3})]
    }
    frame = tables.measured({"first": (here, "there", "A"), "no run": (here, "there", "B")},
                            {"printed": ("m", 1), "other": ("n", 0)})  # fmt: skip
    assert frame.to_dict("index") == {
        "first": {"printed": "2.0 ± 1.4", "other": "diverged"},
        "no run": {"printed": "none", "other": "none"},
    }


def test_no_two_methods_share_a_colour_and_nothing_else_has_one():
    colours = [to_hex(colour) for colour in style.COLOURS.values()]
    others = [to_hex(colour) for colour in (*style.INKS, style.REFERENCE["color"])]
    assert len({*colours, *others}) == len(colours) + len(others)


def test_a_line_has_the_colour_of_the_method_that_it_shows(monkeypatch):
    times = {f"{key}_ms": 1.0 for _, lines in speed.SWEEPS.values() for key in lines}
    rows = [{"sweep": swept, swept: n} | times for swept in speed.SWEEPS for n in (1, 10)]
    figure = speed.growth(rows)
    for line in [line for axes in figure.axes for line in axes.lines]:
        assert line.get_color() == style.COLOURS[line.get_label().split(",")[0]]
    run = SimpleNamespace(
        metrics={}, record={"losses": dict.fromkeys(("L_rec", "L_iso", "L_piso"), 1.0)}
    )
    places = list(images.FIGURE_6.values())
    table = {(place, method): [run] for place in places for method in images.WEIGHED.values()}
    losses = images.loss_curves(table, places)
    for axes in losses.axes:
        assert {line.get_color() for line in axes.lines} == {style.COLOURS["I-AE"]}
        drawn = [line for line in axes.lines if line.get_linestyle() != "None"]
        assert len({line.get_linestyle() for line in drawn}) == len(places)
    plt.close("all")


def test_table_1_marks_the_first_three_and_shows_what_is_there():
    methods = sections.SECTIONS["3d"].compared
    here = {("3d/s-shape", m): [SimpleNamespace(metrics={"edge_ratio_std": 0.04 + k})]
            for k, m in enumerate(methods)}  # fmt: skip
    here["3d/swiss-roll", "AE"] = [SimpleNamespace(metrics={"edge_ratio_std": 0.01})]
    shown = surfaces.table_1({"ours": here})[list(methods)]
    cells = ["0.040¹", "1.04²", "2.04³", "3.04", "4.04", "5.04"]
    assert list(shown.loc[("S shape", "ours")]) == cells
    assert list(shown.loc[("Swiss roll", "ours")]) == ["–"] * 5 + ["0.010¹"]
    for data, row in table_1().items():
        paper = shown.loc[(surfaces.SURFACES[data].title, "paper")]
        for method, number in row.items():
            mark = "¹" if number == min(row.values()) else ""
            assert paper[method].strip("²³") == f"{number:.2f}{mark}"


def test_the_scale_is_that_of_the_specs_and_counts_seeds():
    def group(name, seeds):
        specs = [sections.spec(name, "published", seed) for seed in range(seeds)]
        return [SimpleNamespace(spec=s, record={"data": {"official": False}}) for s in specs]

    table = {
        ("3d/s-shape", "AE"): group("3d/s-shape/AE", 1),
        ("visualization-FC/mnist", "AE"): group("visualization-FC/mnist/AE", 1),
        ("visualization-FC/mnist", "CAE"): group("visualization-FC/mnist/CAE", 3),
        ("sensitivity/mnist", "I-AE"): group("sensitivity/mnist/I-AE", 1),
    }
    shown = images.scales({"published": table, "this build": {}}, "visualization-FC")
    assert list(shown.index) == [("MNIST, FC-NN", "published")]
    spec, row = sections.spec("visualization-FC/mnist/AE", "published"), shown.iloc[0]
    epochs = spec.steps * spec.batch / spec.points
    assert float(row["epochs"]) == pytest.approx(epochs, abs=0.05)
    assert row["images"] == f"{spec.points:,}" and row["steps"] == f"{spec.steps:,}"
    assert row["seeds"] == "3" and row["official data"].startswith("no")


def test_choices_stand_in_one_unit_and_only_where_they_were_trained():
    summed = SimpleNamespace(
        record={"losses": {"L_rec": 31.4, "L_iso": 3.0, "L_piso": 0.5}}, metrics={"rmse": 0.2}
    )
    table = {("sensitivity/mnist", "I-AE,weight=0.075,reduction=sum"): [summed]}
    shown = images.ablations(table, "sensitivity/mnist")
    assert list(shown.index) == ["1: reduction=sum"] and "L_rec" not in shown
    assert shown.iloc[0]["RMSE"] == 0.2 and shown.iloc[0]["L_iso"] == 3.0
    assert images.ablations({}, "sensitivity/mnist").empty


def test_of_a_sweep_the_most_accurate_is_chosen_and_of_equals_the_lowest():
    accuracies = {"CAE": (0.5, 0.7, 0.7, 0.6), "DAE": (0.1, None, 0.3)}  # None: it diverged
    section = "visualization-CNN"
    table = {
        (f"{section}/mnist", name): [
            SimpleNamespace(metrics={} if value is None else {"knn_accuracy": value})
        ]
        for method, values in accuracies.items()
        for name, value in zip(sections.SECTIONS[section].sweep_runs()[method], values, strict=True)
    }
    shown = images.sweep(table, section)
    assert len(shown) == 7 and "RAE-GP" not in shown.index.get_level_values(1)
    chosen = shown.index[shown[""] == "chosen"]
    assert list(chosen) == [
        ("S-CNN", "CAE", "weight 0.001"),
        ("S-CNN", "DAE", "noise 0.2"),
    ]
    assert images.sweep({}, section).empty


def test_the_rivals_have_what_the_published_sweep_chose():
    published = rule.table(runs.published())
    for section in ("visualization-FC", "visualization-CNN"):
        shown, part = images.sweep(published, section), sections.SECTIONS[section]
        assert len(shown) == sum(len(part.sweep_runs()[method]) for method in part.tuned)
        chosen = {m: setting.split() for _, m, setting in shown.index[shown[""] == "chosen"]}
        written = {m: [*map(str, *settings.items())] for m, settings in part.tuned.items()}
        assert written == chosen


def test_surfaces_show_a_weaker_and_a_stronger_setting_in_order():
    numbers = {
        "CAE,weight=0.001": (0.3,),
        "CAE": (0.1, 0.3),
        "CAE,weight=0.1": (0.2,),
        "I-AE": (0.02,),
    }
    table = {
        ("3d/s-shape", name): [SimpleNamespace(metrics={"edge_ratio_std": v}) for v in values]
        for name, values in numbers.items()
    }
    shown = surfaces.other_settings(table, "s-shape")
    assert list(shown.index) == [
        ("I-AE", "weight 0.01"),
        *(("CAE", f"weight {w}") for w in ("0.001", "0.01", "0.1")),
    ]
    assert list(shown["std"]) == ["0.020", "0.300", "0.200 ± 0.141", "0.200"]
    assert list(shown["seeds"]) == [1, 1, 2, 1]


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


def test_published_numbers_of_a_data_set_have_its_runs_and_its_classic_embeddings():
    published = rule.table(runs.published())
    shown = images.published_numbers(published, "mnist")
    assert {title for title, _ in shown.index} == {"MNIST, FC-NN", "MNIST, S-CNN", "MNIST"}
    crowding = rule.values(published, "visualization-FC/mnist", "I-AE", "crowding").mean()
    assert shown.loc[("MNIST, FC-NN", "I-AE"), "crowding"].startswith(f"{crowding:.2f}±")
    assert "variation of rotations" not in shown
    assert "variation of rotations" in images.published_numbers(published, "coil20")
