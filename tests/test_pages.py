"""What a page shows is what the runs say; all chapters have one shape, each method one colour."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from types import SimpleNamespace

import jupytext
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from isoae_lib.book import (
    copies,
    curves,
    downstream,
    images,
    page,
    speed,
    style,
    surfaces,
    sweeps,
    tables,
    theory,
)
from isoae_lib.core import notation
from isoae_lib.core.methods import METHODS
from isoae_lib.files import ROOT
from isoae_lib.paper import baseline_records, runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.metrics import plane
from isoae_lib.paper.printed import table_1


def chapter(published, here=(), preset="smoke", **parameters):
    return page.Chapter("05_classification", preset, parameters, list(here), list(published))


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
    shown = sum("chapter.this_machine()" in cell.source for cell in code)
    assert shown == bool(sections.notebook_runs(stem, "laptop"))


@pytest.mark.parametrize("stem", sections.NOTEBOOKS)
def test_code_that_is_visible_is_short(stem):
    for cell in cells(stem):
        if cell.cell_type == "code" and "hide-input" not in cell.metadata.get("tags", ()):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 10, cell.source


def test_sources_have_one_name_each():
    known = chapter([("3d/s-shape/AE", "theirs")], [("3d/s-shape/AE", "ours")])
    assert known.sources == {
        "published": {("3d/s-shape", "AE"): ["theirs"]},
        "this machine": {("3d/s-shape", "AE"): ["ours"]},
    }
    assert known.evidence == known.sources[known.source] == {("3d/s-shape", "AE"): ["ours"]}


def test_pages_at_laptop_argue_from_published_runs_alone():
    known = chapter([("3d/s-shape/AE", "theirs")], [("3d/s-shape/AE", "ours")], "laptop")
    assert known.sources == {"published": {("3d/s-shape", "AE"): ["theirs"]}}
    assert known.evidence == known.sources[known.source]


def test_at_laptop_nothing_is_computed_that_a_page_compares_with(monkeypatch):
    def computed(*_):
        raise AssertionError

    for name in ("embeddings", "image_embeddings", "pca", "accuracies"):
        monkeypatch.setattr(baseline_records, name, computed)
    known = chapter([], preset="laptop")
    for surface in surfaces.SURFACES:
        assert list(known.embeddings(surface)) == ["U-MAP", "t-SNE", "LLE", "PCA"]
        assert {codes.shape for codes in known.embeddings(surface).values()} == {(2000, 2)}
    row, numbers = known.classic("mnist")
    assert set(row) == set(numbers) == {"U-MAP", "t-SNE", "PCA"}
    assert all(len(codes) == len(labels) == 2000 for codes, labels in row.values())
    assert known.pca("mnist")["published"].keys() == baseline_records.published_pca().keys()
    assert ("mnist", 16) in known.accuracies("mnist")["published"]
    assert known.classic("letters") == ({}, {}) and known.embeddings("sheet") == {}


def test_places_without_runs_are_named(capsys):
    experiments = {"Digits": "sensitivity/mnist", "Clothes": "sensitivity/fashion-mnist"}
    known = chapter([("sensitivity/mnist/I-AE", None)], preset="laptop")
    assert known.at(experiments) == {"Digits": "sensitivity/mnist"}
    assert capsys.readouterr().out == "Clothes: no run is published yet.\n"
    known = chapter([], [("sensitivity/mnist-5k/I-AE", None)])
    assert known.at(experiments) == {"Digits": "sensitivity/mnist-5k"}
    assert capsys.readouterr().out == "Clothes: no run is here yet.\n"


def test_what_the_digits_at_hand_give_stands_in_for_mnist(monkeypatch):
    ours, theirs = {"PCA": {"svm": [0.5]}}, {"PCA": {"svm": [0.9]}}
    monkeypatch.setattr(baseline_records, "accuracies", lambda data, preset: {(data, 16): ours})
    monkeypatch.setattr(baseline_records, "pca", lambda data, preset: {2: "ours"})
    monkeypatch.setattr(baseline_records, "published_accuracies", lambda: {("mnist", 16): theirs})
    monkeypatch.setattr(baseline_records, "published_pca", lambda: {"mnist": {2: "theirs"}})
    known = chapter([])
    assert known.accuracies("mnist-5k") == {
        "published": {("mnist", 16): theirs},
        "this machine": {("mnist-5k", 16): ours, ("mnist", 16): ours},
    }
    assert known.pca("mnist-5k") == {
        "published": {"mnist": {2: "theirs"}},
        "this machine": {"mnist-5k": {2: "ours"}, "mnist": {2: "ours"}},
    }


@pytest.mark.parametrize("section", ["3d", "classification"])
def test_the_card_of_the_published_runs_names_each_of_them(section):
    published = list(runs.published())
    keys = {
        run.spec.key
        for name, run in published
        if name.startswith(f"{section}/") and name not in sections.swept()
    }
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
    assert "3, of which 0 diverged" in card
    other.record["status"] = "diverged"
    card = chapter(published).published_card(name.partition("/")[0]).data
    assert "3, of which 2 diverged" in card
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
    assert "isoae notebook 05_classification --preset smoke --set seed=10<" in shown[1].data


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


def test_no_two_methods_share_a_printed_name():
    assert len(set(map(style.plain, METHODS))) == len(METHODS)
    for left_out in ("L_iso", "L_piso"):
        assert style.plain(f"I-AE-without-{left_out}") == f"I-AE without {left_out}"


def test_a_line_has_the_colour_of_the_method_that_it_shows(monkeypatch):
    times = {f"{key}_ms": 1.0 for _, lines in speed.SWEEPS.values() for key in lines}
    rows = [{"sweep": swept, swept: n} | times for swept in speed.SWEEPS for n in (1, 10)]
    figure = speed.growth(rows)
    for line in [line for axes in figure.axes for line in axes.lines]:
        assert line.get_color() == style.COLOURS[line.get_label().split(",")[0]]
    run = SimpleNamespace(
        metrics={"knn_accuracy": 0.5},
        record={"losses": dict.fromkeys(("L_rec", "L_iso", "L_piso"), 1.0)},
    )
    experiments = list(images.FIGURE_6.values())
    table = {
        (experiment, method): [run]
        for experiment in experiments
        for method in images.WEIGHED.values()
    }
    linear = {"L_rec": 2.0, "knn_accuracy": 0.25, "crowding": 9.0}
    losses = images.loss_curves(table, experiments, {"mnist": {2: linear, 16: {"L_rec": 9.0}}})
    for axes, level in zip(losses.axes, (2.0, None, None, 0.25), strict=True):
        drawn = [line for line in axes.lines if line.get_linestyle() != "None"]
        mine = [line for line in drawn if line.get_color() == style.COLOURS["I-AE"]]
        assert len({line.get_linestyle() for line in mine}) == len(mine) == len(experiments)
        flat = [line for line in drawn if line not in mine]
        assert {line.get_color() for line in flat} <= {style.COLOURS["PCA"]}
        assert [set(line.get_ydata()) for line in flat] == ([{level}] if level else [])
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
    assert list(shown.loc[("Swiss roll with a hole", "paper")]) == ["–"] * 6
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


def test_sizes_that_differ_by_latent_codes_have_a_row_each_and_a_sweep_has_none():
    names = ("AE,latent=16", "CAE,latent=64", "AE,latent=256")
    swept = sections.SECTIONS["classification"].sweep_runs()["CAE,latent=16"][0]
    table = {
        ("classification/mnist", name): [
            SimpleNamespace(
                spec=sections.spec(f"classification/mnist/{name}", "published"),
                record={"data": {"official": True}},
            )
        ]
        for name in (*names, swept)
    }
    shown = images.scales({"published": table}, "classification")
    assert [title for title, _ in shown.index] == [
        "MNIST, S-CNN, d = 16, 64", "MNIST, S-CNN, d = 256"
    ]  # fmt: skip
    assert list(shown["images"]) == ["60,000", "10,000"]


def test_choices_stand_in_one_unit_and_only_where_they_were_trained():
    summed = SimpleNamespace(
        record={"losses": {"L_rec": 31.4, "L_iso": 3.0, "L_piso": 0.5}},
        metrics={"rmse": 0.2, "singular_value_median": 0.7, "condition_median": 9.0},
    )
    table = {("sensitivity/mnist", "I-AE,weight=0.075,reduction=sum"): [summed]}
    shown = images.ablations(table, "sensitivity/mnist")
    assert list(shown.index) == ["1: reduction=sum"] and "L_rec" not in shown
    assert shown.iloc[0]["RMSE"] == 0.2 and shown.iloc[0]["L_iso"] == 3.0
    assert shown.iloc[0]["singular value of df"] == 0.7
    assert images.ablations({}, "sensitivity/mnist").empty


def test_of_a_sweep_the_most_accurate_is_chosen_and_of_equals_the_lowest():
    accuracies = {"CAE": (0.5, 0.7, 0.7, 0.6), "DAE": (0.1, None, 0.3)}  # None: it diverged
    section = "visualization-CNN"
    numbers = dict.fromkeys(("rmse", "singular_value_median", "crowding"), 1.0)
    table = {
        (f"{section}/mnist", name): [
            SimpleNamespace(metrics=numbers | {"knn_accuracy": value} if value else {})
        ]
        for method, values in accuracies.items()
        for name, value in zip(sections.SECTIONS[section].sweep_runs()[method], values, strict=True)
    }
    shown = sweeps.sweep(table, section)
    assert len(shown) == 7 and "RAE-GP" not in shown.index.get_level_values(1)
    chosen = shown.index[shown[""] == "chosen"]
    assert list(chosen) == [
        ("S-CNN", "CAE", "weight 0.001"),
        ("S-CNN", "DAE", "noise 0.2"),
    ]
    assert sweeps.sweep({}, section).empty


@pytest.mark.parametrize("section", sweeps.SHOWN)
def test_the_rivals_have_what_the_published_sweep_chose(section):
    published, part = rule.table(runs.published()), sections.SECTIONS[section]
    shown = sweeps.sweep(published, section)
    assert len(shown) == sum(len(tried) for tried in part.sweep_runs().values())
    chosen = [setting.split() for _, _, setting in shown.index[shown[""] == "chosen"]]
    written = [
        [name, str(getattr(part.spec(part.data_sets[0], at, "published"), name))]
        for at in part.sweep_runs()
        for name, _ in [part.sweep[at.partition(",")[0]]]
    ]
    assert written == chosen


def test_a_sweep_on_surfaces_takes_the_lowest_and_of_table_2_the_best_on_average():
    names = sections.SECTIONS["classification"].sweep_runs()["DAE,latent=16"]
    accuracies = ({"svm": 0.9, "knn": 0.5}, {"svm": 0.6, "knn": 0.9}, {"svm": 0.7, "knn": 0.8})
    table = {
        ("classification/mnist", name): [SimpleNamespace(metrics=numbers | {"test_rmse": 0.1})]
        for name, numbers in zip(names, accuracies, strict=True)
    }
    shown = sweeps.sweep(table, "classification")
    assert list(shown.index[shown[""] == "chosen"]) == [("d = 16", "DAE", "noise 0.1")]
    names = sections.SECTIONS["3d"].sweep_runs()["IRAE"]
    table = {
        ("3d/s-shape", name): [SimpleNamespace(metrics={"edge_ratio_std": std, "rmse": 1.0})]
        for name, std in zip(names, (0.3, 0.1, 0.2), strict=True)
    }
    shown = sweeps.sweep(table, "3d")
    assert list(shown.index[shown[""] == "chosen"]) == [("S shape", "IRAE", "weight 0.01")]


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


def varied_runs(experiment, names, numbers):
    """Return a table of stand-ins: name -> the metrics of each of its seeds."""
    table = {}
    for name, each in zip(names, numbers, strict=True):
        table[experiment, name] = [
            SimpleNamespace(
                spec=sections.spec(f"{experiment}/{name}", "published", seed), metrics=metrics
            )
            for seed, metrics in enumerate(each)
        ]
    return table


def test_a_line_joins_the_means_over_seeds_of_each_length():
    def seeds(*numbers):
        return [{"crowding": n, "knn_accuracy": n + 1, "rmse": n + 2} for n in numbers]

    here, methods = "visualization-FC/mnist", sections.FIGURE_5_METHODS
    other = ("I-AE,steps=100", "I-AE,steps=100,rate=0.1", "AE,latent=16,steps=9")
    given = (*[seeds(2.0, 4.0)] * len(methods), seeds(5.0, 6.0, 10.0), seeds(99.0), seeds(99.0))
    table = varied_runs(here, (*methods, *other), given)
    table["there", "I-AE"] = table[here, other[1]]
    linear = {"crowding": 0.5, "knn_accuracy": 1.5, "rmse": 2.5}
    figure = curves.in_the_plane(table, here, linear)
    whole = sections.spec(f"{here}/I-AE", "published").steps
    for axes, start in zip(figure.axes, (0, 1, 2), strict=True):
        line, points, *others, level = axes.lines
        assert set(level.get_ydata()) == {start + 0.5}
        assert np.array_equal(line.get_xdata(), [100, whole])
        assert line.get_ydata() == pytest.approx([7 + start, 3 + start])
        assert sorted(points.get_ydata()) == [n + start for n in (2, 4, 5, 6, 10)]
        assert len(others) == 2 * (len(methods) - 1)
    plt.close(figure)


def test_ticks_are_not_written_over_each_other():
    names = [f"I-AE,steps={n}" for n in (100, 130, 200, 250, 1000)]
    runs = varied_runs("classification/mnist", names, [[{"svm": 0.5}]] * len(names))
    figure, axes = plt.subplots()
    found = [run for (run,) in runs.values()]
    curves._line(axes, found, "steps", "svm")
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "200", "1,000"]
    plt.close(figure)


def test_figure_4_shows_the_surface_on_which_leaving_out_l_piso_adds_most():
    def run(area):
        return SimpleNamespace(metrics={"extra_area": area})

    areas = {"a": (3.0, 2.5), "b": (1.0, 0.1), "c": (0.5, 0.9)}  # without L_piso, with it
    rows = {
        name: {"I-AE-without-L_piso": run(without), "I-AE": run(whole)}
        for name, (without, whole) in areas.items()
    }
    assert surfaces.most_added(rows) == ("b", rows["b"])


def test_i_ae_is_first_where_its_mean_is_and_all_methods_are_there():
    def seeds(*numbers):
        return [{"svm": n, "knn": 0.5} for n in numbers]

    names = ("I-AE,latent=16", "AE,latent=16", "I-AE,latent=16,steps=9", "AE,latent=16,steps=9")
    given = (seeds(0.9, 0.6), seeds(0.8, 0.8), seeds(0.7), seeds(0.6))
    table = varied_runs(
        "classification/mnist", (*names, "AE,latent=16,steps=5"), (*given, seeds(0))
    )
    said = curves.first_along(table, "mnist", {16: ("AE", "I-AE")}, "steps")
    assert said == "I-AE is first in 1 of 4 places."
    assert len(curves.varied(table, "classification/mnist", "I-AE,latent=64", "steps")) == 0


def test_the_paper_s_own_way_is_compared_with_the_best_rival():
    table = {}
    for data, ours in zip(sections.OF_PAPER, (0.1, 0.2, 0.3), strict=True):
        stds = dict.fromkeys(sections.SECTIONS["3d"].compared, 0.5) | {"CAE": 0.2, "I-AE": 0.0}
        stds |= {curves.OWN: ours, f"{curves.OWN},steps=7": 0.0}  # the longest counts
        numbers = [[{"edge_ratio_std": std}] for std in stds.values()]
        table |= varied_runs(f"3d/{data}", tuple(stds), numbers)
    said = curves.own_protocol_says(table).splitlines()
    for line, std, word in zip(said, (0.1, 0.2, 0.3), ("", "not ", "not "), strict=True):
        assert f": {std:.3f} after " in line
        assert f"steps, {word}lower than the best rival (CAE, 0.200)." in line


def test_numbers_of_a_data_set_have_its_runs_and_its_classic_embeddings():
    known = chapter(runs.published(), preset="laptop")
    published, there = known.evidence, known.at(images.FIGURE_5)
    shown, coil = (
        images.figure_5_numbers(published, there, data, known.classic(data)[1])
        for data in ("mnist", "coil20")
    )
    assert {title for title, _ in shown.index} == {"MNIST, FC-NN", "MNIST, S-CNN", "MNIST"}
    crowding = rule.values(published, "visualization-FC/mnist", "I-AE", "crowding").mean()
    assert shown.loc[("MNIST, FC-NN", "I-AE"), "crowding"].startswith(f"{crowding:.2f}±")
    assert "variation of rotations" not in shown
    assert "variation of rotations" in coil
    linear = baseline_records.published_pca()["mnist"][2]
    assert shown.loc[("MNIST", "PCA"), "crowding"] == f"{linear['crowding']:.2f}"
    assert shown.loc[("MNIST", "PCA"), "error per pixel"] == f"{linear['rmse']:.3f}"


def test_the_head_trains_the_runs_of_the_seeds_that_are_asked_for(monkeypatch):
    monkeypatch.setattr(page.style, "use", lambda: None)
    monkeypatch.setattr(page.runs, "named", lambda wanted, preset: (list(wanted), preset))
    monkeypatch.setattr(page.runs, "published", lambda: iter([]))
    known = page.head("02_toy_projection", "smoke", seed=5, more=1)
    assert known.of_build == (sections.notebook_runs("02_toy_projection", "smoke", 5), "smoke")
    assert known.parameters == {"seed": 5, "more": 1}


def test_a_long_table_is_shown_whole(monkeypatch):
    """Nothing from a table's middle is left out, as pandas does from 60 rows on."""
    monkeypatch.setattr(page.style, "use", lambda: None)
    monkeypatch.setattr(page.runs, "named", lambda *_: [])
    monkeypatch.setattr(page.runs, "published", lambda: iter([]))
    long = pd.DataFrame({"number": range(500)})
    with pd.option_context("display.max_rows", 60):
        assert long._repr_html_().count("<tr") < 100
        page.head("09_speed", "smoke", seed=0)
        assert long._repr_html_().count("<tr") == 501


def embeddings(n=40):
    """Codes whose first coordinate is their class."""
    labels = np.random.default_rng(0).integers(0, 10, n)
    return np.column_stack([labels, np.arange(n)]).astype(float), labels


def test_points_of_an_embedding_have_the_colours_of_their_classes(monkeypatch):
    monkeypatch.setattr(images, "SHOWN", 15)
    codes, labels = embeddings()
    row = {"AE": (codes, labels), "CAE": (codes + np.array([10, 0]), labels)}
    figure = images.embeddings({}, "visualization-FC/mnist", lambda data: (row, data))
    colours = np.array(images.class_colours(10))
    for axes, method, first in zip(figure.axes, row, (0, 10), strict=True):
        (points,) = axes.collections
        classes = points.get_offsets()[:, 0].astype(int) - first
        assert axes.get_title() == method and len(classes) == 15
        assert np.allclose(points.get_facecolor()[:, :3], colours[classes])
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == list(
        images.DATA_SETS["mnist"].classes
    )
    drawn = [handle.get_color() for handle in legend.legend_handles]
    assert np.allclose(drawn, colours)
    plt.close(figure)


def test_a_panel_shows_the_codes_of_the_weight_in_its_title():
    codes, labels = embeddings()
    table = {
        ("sensitivity/mnist", method): [SimpleNamespace(codes=codes + weight, labels=labels)]
        for weight, method in images.WEIGHED.items()
    }
    figure = images.weight_row(table, "sensitivity/mnist")
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [rf"$\lambda_{{iso}} = {w:g}$" for w in sections.FIGURE_6_WEIGHTS]
    for axes, weight in zip(figure.axes, sections.FIGURE_6_WEIGHTS, strict=True):
        assert axes.collections[0].get_offsets()[:, 1].min() == weight
    plt.close(figure)


def test_views_of_an_object_are_joined_to_a_closed_ring_in_its_colour():
    rings = np.random.default_rng(0).normal(size=(20, plane.POSES, 2))
    row = {"AE": (rings.reshape(-1, 2), None)}
    where = "visualization-COIL/coil20"
    figure = images.close_ups(
        {}, where, lambda data: (row if data == "coil20" else {}, {}), (3, 17)
    )
    for line, k in zip(figure.axes[0].lines, (3, 17), strict=True):
        assert np.array_equal(line.get_xydata(), [*rings[k], rings[k, 0]])
        assert line.get_color() == images.class_colours(20)[k]
    plt.close(figure)


def test_bars_of_a_loss_span_the_seeds_around_their_mean(monkeypatch):
    table = {
        ("here", method): [
            SimpleNamespace(
                metrics={"knn_accuracy": 0.5},
                record={"losses": {"L_rec": n, "L_iso": 2 * n, "L_piso": 9}},
            )
            for n in (1.0, 2.0, 6.0)
        ]
        for method in images.WEIGHED.values()
    }
    monkeypatch.setattr(images, "data_title", str)
    figure = images.loss_curves(table, ["here"], {})
    for axes, factor in zip(figure.axes[:2], (1, 2), strict=True):
        (bars,) = axes.containers
        assert set(bars.lines[0].get_ydata()) == {3.0 * factor}
        (spans,) = bars.lines[2]
        assert {tuple(span[:, 1]) for span in spans.get_segments()} == {(factor, 6.0 * factor)}
    assert [axes.get_yscale() for axes in figure.axes] == ["linear", "log", "log", "linear"]
    plt.close(figure)


def test_the_summary_of_a_network_ends_with_its_sums():
    shown, rows = images.network_summary("S-CNN", 2, 1.0), notation.summary("S-CNN", 2)
    assert len(shown) == len(rows) + 1 and shown.iloc[-1]["layer"] == "together"
    assert shown.iloc[-1]["parameters"] == f"{sum(row.parameters for row in rows):,}"
    assert shown.iloc[-1]["multiply-adds"] == f"{sum(row.multiply_adds for row in rows):,}"
    assert shown.iloc[0]["output"] == "32 x 16 x 16"


def test_a_line_of_the_right_slope_begins_below_the_last_errors():
    at = np.array([2.0, 20.0, 200.0])
    figure = theory.convergence(at, {"a": 1 / at, "b": 4 / at**2}, slope=-2)
    *_, line = figure.axes[0].lines
    assert line.get_ydata() == pytest.approx(2 / at**2)
    plt.close(figure)


def test_times_stand_under_the_implementation_that_was_timed():
    """Subnormal numbers slow the double backward pass down unless they are flushed to zero."""
    rows = [{"network": "MLP", "batch": 200, "reference_default_ms": 9.0,
             "reference_flushed_ms": 3.0, "ours_iae_ms": 1.0}]  # fmt: skip
    shown = speed.step_times(rows).loc[("MLP", 200)].to_dict()
    assert shown == {"double backward": 9.0, "flushed": 3.0, "I-AE, ours": 1.0}


def test_a_row_of_figure_5_has_the_first_seed():
    first, second = (SimpleNamespace(codes=f"codes {k}", labels=f"labels {k}") for k in "12")
    assert images.codes_of(
        {("here", "CAE"): [first, second], ("there", "AE"): [first]}, "here"
    ) == {"CAE": ("codes 1", "labels 1")}


def test_a_row_of_a_table_of_surfaces_has_the_runs_of_its_surface_and_method():
    rows = surfaces.rows_of({"ours": {}}, ("AE", "I-AE-without-L_piso"))
    for data, known in surfaces.SURFACES.items():
        for name, method in (("AE", "AE"), ("I-AE without L_piso", "I-AE-without-L_piso")):
            assert rows.pop(("ours", known.title, name)) == ({}, f"3d/{data}", method)
    assert not rows


def test_what_a_preset_does_not_have_is_not_drawn():
    assert images.embeddings({}, None, lambda _: ({}, {})) is None
    assert images.close_ups({}, None, lambda _: ({}, {}), (0,)) is None
    assert images.weight_row({}, None) is None
    assert downstream.figure_7({}, None, "rebuilt") is None
