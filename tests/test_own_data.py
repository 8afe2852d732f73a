"""The chapter on one's own data shows what was measured, and nothing else."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import numpy as np
import pytest

from isoae_lib import IsometricAutoencoder
from isoae_lib.book import own_data
from isoae_lib.core.faithfulness import kept

DEFAULTS = inspect.signature(IsometricAutoencoder).parameters


@pytest.mark.parametrize("name", own_data.DATA_SETS)
def test_published_fits_are_those_of_these_points_with_the_defaults(name):
    points, known = own_data.DATA_SETS[name](), own_data.published(name)
    for kind in own_data.MAPS:
        assert known.arrays[kind].shape == (len(points.x), 2)
    assert known.arrays["far"].shape == (len(points.x),)
    assert known.numbers["fitted"] == (~points.new).sum()
    assert known.numbers["hidden"] == list(DEFAULTS["hidden"].default)
    changed = {
        key: value
        for key, value in known.numbers["parameters"].items()
        if value != DEFAULTS[key].default
    }
    assert changed == {"random_state": 0} | ({"scale": "columns"} if name == "table" else {})


def test_the_first_of_each_data_set_is_marked():
    shown = own_data.answer()
    for name, title in own_data.TITLES.items():
        for key, column in own_data.COMPARED.items():
            numbers = {
                kind: row.get(key) for kind, row in own_data.published(name).numbers["maps"].items()
            }
            first = [kind for kind, cell in shown.loc[title][column].items() if "¹" in cell]
            if None in numbers.values():
                assert not first
            else:
                assert first == [k for k, v in numbers.items() if v == max(numbers.values())]


def test_half_a_cylinder_keeps_lengths_and_a_whole_one_closes():
    points, flat = own_data.half_cylinder()
    assert np.hypot(*points.T[:2]) == pytest.approx(1)
    i, j = np.random.default_rng(0).integers(0, len(flat), (2, 1000))
    around = 2 * np.arcsin(np.linalg.norm((points[i] - points[j])[:, :2], axis=1) / 2)
    across = points[i, 2] - points[j, 2]
    assert np.hypot(around, across) == pytest.approx(np.linalg.norm(flat[i] - flat[j], axis=1))
    assert own_data.half_cylinder(turns=1)[1][:, 0].max() > 6


def test_distances_are_kept_by_a_motion_and_a_scale_only():
    flat = np.random.default_rng(0).normal(size=(300, 2))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    assert kept(3 * flat @ turn + 5, flat) == pytest.approx((1, 1, 3))
    assert kept(flat * [1, 3], flat).pearson < own_data.MARGIN


def test_a_walk_begins_and_ends_at_its_digits():
    x = own_data.digits().x
    rows = own_data.walk(x)
    start, end = x[own_data.published("digits").arrays["between_rows"]]
    assert np.array_equal(rows["pixels"][0], start) and np.array_equal(rows["pixels"][-1], end)
    assert len(rows["codes"]) == len(rows["pixels"])
    near = [np.linalg.norm(rows["codes"][k] - x, axis=1).min() for k in (0, -1)]
    assert max(near) < np.linalg.norm(x - x.mean(0), axis=1).mean()


@pytest.fixture
def made_up(monkeypatch):
    """Points of two classes, and what is said of them: class 0 is far away."""
    labels = np.tile(np.repeat([0, 1], 5), 20)
    rng = np.random.default_rng(0)
    points = own_data.Points(rng.normal(size=(200, 4)), labels, list("abcd"))
    far = (labels == 0) + 0.1 * rng.random(200)
    codes = np.stack([labels, labels], 1).astype(float)
    arrays = {"far": far, "far_from_benign": far, "I-AE": codes}
    monkeypatch.setattr(own_data, "published", lambda name: SimpleNamespace(arrays=arrays))
    return points


def test_the_furthest_are_new_points_in_falling_order(made_up):
    found = own_data.extremes(made_up, 3)
    far = own_data.published("digits").arrays["far"]
    at = [[int(np.flatnonzero((made_up.x == row).all(1))[0]) for row in found[k]] for k in found]
    assert all(made_up.new[row] for rows in at for row in rows)
    new = np.sort(far[made_up.new])
    assert np.array_equal(far[at[0]], new[:3]) and np.array_equal(far[at[1]], new[:-4:-1])


def test_codes_that_are_the_class_name_the_class_of_a_new_point(made_up):
    shown = own_data.new_points(made_up)["right class"]
    assert shown["I-AE, 2 numbers"] == 1
    assert shown.drop("I-AE, 2 numbers").max() < 0.9


def test_a_distance_that_is_the_class_tells_all_malignant_tumours(made_up):
    shown = own_data.malignant(made_up).iloc[:, 0]
    assert shown["distance from the sheet of I-AE"] == 1
    assert shown.drop("distance from the sheet of I-AE").between(0.2, 0.8).all()


def test_the_page_is_right_about_malignant_tumours_and_the_time_of_few_points():
    sheet, plane, column = own_data.malignant(own_data.table()).iloc[:, 0]
    assert abs(sheet - plane) < 0.01 and min(sheet, plane) > 0.8 and max(sheet, plane) < column
    shown = own_data.beside()["fit, s"].str.replace(",", "").astype(float)
    few = [data for data, _ in shown.index if "10,000" not in data]
    assert all(shown[data].idxmax() == "I-AE" for data in few)


def test_a_seed_is_right_only_where_lengths_and_their_scale_are(monkeypatch):
    rows = [
        {"surface": "cone", "correlation": c, "scale": s}
        for c, s in ((0.9995, 1.01), (0.9985, 1.0), (0.9995, 0.97), (0.9995, 1.03), (1.0, 0.99))
    ]
    rows += [{"surface": "cap", "std": 0.03, "floor": 0.02}]
    given = {"rows": rows, "device": "cpu", "points": 7}
    monkeypatch.setattr(own_data, "benchmark", {"own_seeds": given}.get)
    shown = own_data.seeds()
    assert list(shown.index) == ["cone"]
    assert shown.loc["cone"].tolist() == ["2 of 5", "0.99950", "0.999", "0.970 to 1.030"]
    assert "1 seeds: 1.50 to 1.50 of the floor" in own_data.on_a_cap()
