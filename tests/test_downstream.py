"""Tables 2 and 7 as they are shown, references beside them, and densities on a manifold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.stats import gaussian_kde
from test_claims import world

from isoae_lib.book import downstream, tables
from isoae_lib.paper import claims, density, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.printed import table_2, table_7
from isoae_lib.paper.runs import Run


def table(section, data, numbers, metric, steps=5000):
    """Runs with a metric for every seed, by method."""
    return rule.table(
        (f"{section}/{data}/{method}",
         SimpleNamespace(spec=SimpleNamespace(method=method, steps=steps, seed=seed),
                         metrics={metric: value}, record={}))
        for method, values in numbers.items()
        for seed, value in enumerate(values)
    )  # fmt: skip


def a_run(metrics, steps=5000):
    return [SimpleNamespace(spec=SimpleNamespace(steps=steps, seed=0), metrics=metrics, record={})]


def test_the_first_three_are_marked_and_equals_share():
    numbers = {"a": 0.9, "b": 0.9, "c": 0.8, "d": 0.7, "e": 0.1, "f": np.nan}
    cells = dict.fromkeys(numbers, "x")
    assert tables.ranked(cells, numbers, highest=True) == {
        "a": "x¹", "b": "x¹", "c": "x²", "d": "x³", "e": "x", "f": "x",
    }  # fmt: skip
    assert tables.ranked(cells, numbers, highest=False)["e"] == "x¹"


def test_table_2_has_every_printed_row_and_ours_beside_it():
    numbers = {f"{m},latent=16": (0.5, 0.7) for m in sections.SECTIONS["classification"].methods}
    runs = table("classification", "mnist", numbers, "svm")
    reference = {"PCA": {"svm": [0.25]}, "pixels": {"svm": [0.7, 0.8]}}
    known = {"ours": {("mnist", 16): reference, ("coil20", 64): reference}}
    frame = downstream.accuracy_table("svm", {"ours": runs}, known)
    printed = frame.xs("paper", level="from")
    assert len(printed) == len(sections.SECTIONS["classification"].data_sets) * len(
        sections.LATENTS
    )
    assert list(frame.columns) == [*sections.SECTIONS["classification"].methods, "PCA", "pixels"]
    assert set(printed["IRAE"]) == {"–"}
    assert list(printed.loc[("MNIST", 16)][:5]) == ["91.4¹", "90.4³", "90.5²", "90.4", "90.2"]
    ours = frame.loc[("MNIST", 16, "ours")]
    assert ours["AE"] == "60.0±14.1¹" and ours["PCA"] == "25.0" and ours["pixels"] == "75.0"
    assert set(frame.loc[("MNIST", 64, "here")][:6]) == {downstream.NOTHING}
    without_runs = frame.loc[("COIL-20", 64, "ours")]
    assert without_runs["PCA"] == "25.0" and set(without_runs[:6]) == {downstream.NOTHING}
    assert len(frame.loc[[name for name in frame.index if name[:2] in printed.index]]) == 2 * len(
        printed
    )


def test_table_2_has_rows_for_data_that_the_paper_does_not_have(monkeypatch):
    more = replace(downstream.TABLE_2, added_data=("cifar10",))
    monkeypatch.setattr(downstream, "TABLE_2", more)
    frame = downstream.accuracy_table("knn", {}, {})
    assert list(frame.xs("CIFAR-10").index) == [(d, "here") for d in sections.LATENTS]


def test_table_2_marks_the_printed_best():
    for classifier in ("svm", "knn"):
        frame = downstream.accuracy_table(classifier, {}, {})
        for (data, d), row in table_2(classifier).items():
            title = downstream.images.DATA_SETS[data].title
            for method, value in row.items():
                mark = "¹" if value == max(row.values()) else ""
                assert frame.loc[(title, d, "paper"), method].strip("²³") == (
                    f"{100 * value:.1f}{mark}"
                )


def test_table_7_has_every_printed_number_and_marks_the_least():
    numbers = {m: (1.0 + k,) for k, m in enumerate(sections.SECTIONS["generalization"].methods)}
    runs = table("generalization", "cifar10", numbers, "error_per_pixel")
    for data in sections.SECTIONS["generalization"].data_sets:
        frame = downstream.generalization_table(data, {"ours": runs}, {})
        assert list(frame.index) == [
            *map(downstream.table_7_name, sections.SECTIONS["generalization"].methods), "PCA"
        ]  # fmt: skip
        for distance in ("L2", "FID"):
            printed = table_7()[data, distance]
            shown = frame["paper", distance]
            for method, value in printed.items():
                mark = "¹" if value == min(printed.values()) else ""
                cell = shown[downstream.table_7_name(method)]
                assert cell.strip("²³") == f"{value:g}{mark}"
            assert shown["IRAE"] == "–"
    ours = downstream.generalization_table("cifar10", {"ours": runs}, {})["ours"]
    assert list(ours) == ["error x 1000"]
    assert ours["error x 1000"].iloc[0] == "1.00¹" and ours["error x 1000"].iloc[3] == "4.00"
    assert ("here", "not run at this scale") in downstream.generalization_table(
        "celeba", {"ours": runs}, {}
    )


def test_every_number_of_table_7_stands_in_its_own_row_and_column():
    experiment = "generalization/mnist"
    names = (
        "error_per_pixel", "error_norm", "frechet_rebuilt", "fid", "frechet_samples",
        "frechet_mixture",
    )  # fmt: skip
    runs = {
        (experiment, method): a_run({name: first + k for k, name in enumerate(names)})
        for method, first in {"I-AE-without-L_iso": 1.0, "I-AE": 11.0}.items()
    }
    scored = {2: {"rmse": 0.7}, 16: {"test_rmse": 0.6, "error_per_pixel": 0.5, "error_norm": 0.4}}
    others = {16: dict.fromkeys(names, 9.0)}
    pca = {"ours": {"mnist": scored, "cifar10": others}, "theirs": {"mnist": others}}
    shown = downstream.generalization_table("mnist", {"ours": runs}, pca)
    assert list(shown.index) == [
        "L_piso", "L_piso + L_iso", "AE", "AEW", "CAE", "RAE-SN", "RAE-L2", "WAE", "IRAE", "PCA",
    ]  # fmt: skip
    assert shown.loc["L_piso"].to_dict() == {
        ("paper", "L2"): "0.96¹", ("paper", "FID"): "6.09³", ("ours", "error x 1000"): "1.00¹",
        ("ours", "norm"): "2.00¹", ("ours", "Frechet, own features"): "3.00¹",
        ("ours", "FID"): "4.0¹",
    }  # fmt: skip
    assert shown["paper", "L2"]["L_piso + L_iso"] == "0.99²"
    assert shown["ours", "error x 1000"]["L_piso + L_iso"] == "11.00²"
    assert list(shown.loc["PCA"]) == ["–", "–", "0.50", "0.40", "–", "–"]
    sampled = downstream.sampling_table(runs, {"MNIST": experiment})
    assert sampled["MNIST", "one Gaussian"]["L_piso"] == "5.00¹"
    assert sampled["MNIST", "ten Gaussians"]["L_piso"] == "6.00¹"
    assert sampled["MNIST", "one Gaussian"]["L_piso + L_iso"] == "15.00²"


def test_scaled_features_have_a_table_of_their_own():
    runs = {
        ("classification/mnist", "I-AE,latent=16"): a_run({"svm": 0.5, "svm_standardised": 0.75})
    }
    known = {"ours": {("mnist", 16): {"PCA": {"svm": [0.25], "svm_standardised": [0.375]}}}}
    frame = downstream.accuracy_table("svm", {"ours": runs}, known, "_standardised")
    assert "paper" not in frame.index.get_level_values("from")
    assert list(frame.loc[("MNIST", 16, "ours"), ["I-AE", "PCA"]]) == ["75.0¹", "37.5"]


def test_errors_on_test_images_stand_beside_those_of_pca():
    numbers = {"AE,latent=16": (0.1, 0.2), "CAE,latent=16": (0.3,), "AE,latent=64": (0.4,)}
    runs = table("classification", "mnist", numbers, "test_rmse")
    scored = {2: {"rmse": 9.0}, 16: {"test_rmse": 0.125, "error_norm": 9.0}, 64: {}}
    frame = downstream.error_table({"ours": runs}, {"ours": {"mnist": scored}})
    assert list(frame.columns) == [*sections.SECTIONS["classification"].methods, "PCA"]
    assert list(frame.loc[("MNIST", 16, "ours"), ["AE", "CAE", "PCA"]]) == [
        "0.150±0.071¹", "0.300²", "0.125",
    ]  # fmt: skip
    assert list(frame.loc[("MNIST", 64, "ours"), ["AE", "PCA"]]) == ["0.400¹", "–"]
    added = sections.SECTIONS["classification"].added_data
    assert len(frame) == len(table_2("svm")) + len(added) * len(sections.LATENTS)


def test_both_ways_to_split_have_their_own_accuracies():
    experiment = "classification/coil20"
    runs = {
        (experiment, "I-AE,latent=64"): a_run({"svm": 0.1, "knn": 0.2}),
        (experiment, "I-AE,latent=64,split=random"): a_run({"svm": 0.3, "knn": 0.4}),
    }
    shown = downstream.split_table(runs)["I-AE"]
    assert {where: cell for where, cell in shown.items() if cell != downstream.NOTHING} == {
        ("stratified", 64, "svm"): "10.0¹", ("stratified", 64, "knn"): "20.0¹",
        ("random", 64, "svm"): "30.0¹", ("random", 64, "knn"): "40.0¹",
    }  # fmt: skip


def test_what_cannot_be_judged_is_shown_of_the_stand_in_too():
    rebuilt = {("generalization/mnist-5k", "AE"): a_run({"error_per_pixel": 2.0}, steps=40)}
    pca = {"ours": {"mnist-5k": {16: {"error_per_pixel": 4.0}}, "mnist": {}}}
    shown = downstream.generalization_table("mnist", {"ours": rebuilt}, pca)
    assert shown["ours", "error x 1000"]["PCA"] == "4.00"
    assert shown["ours", "error x 1000"]["AE"] == "2.00¹"
    named = {("classification/mnist-5k", "AE,latent=16"): a_run({"svm": 0.5}, steps=40)}
    known = {"ours": {("mnist-5k", 16): {"PCA": {"svm": [0.25]}}}}
    row = downstream.accuracy_table("svm", {"ours": named}, known).loc[("MNIST", 16, "ours")]
    assert row["AE"] == "50.0¹" and row["PCA"] == "25.0"


def test_what_is_younger_than_the_paper_is_not_in_its_claims():
    paper = {key: group for key, group in world().items() if "IRAE" not in key[1]}
    best = [SimpleNamespace(spec=SimpleNamespace(method="IRAE", steps=5000, seed=seed), record={},
                            metrics={"svm": 1.0, "knn": 1.0}) for seed in range(3)]  # fmt: skip
    younger = {("classification/mnist", f"IRAE,latent={d}"): best for d in sections.LATENTS}
    found = claims.ledger(paper | younger, "05_classification")
    assert found == claims.ledger(paper, "05_classification")
    assert rule.Verdict.NOT_ATTEMPTED not in {outcome.verdict for outcome in found}


def test_seeds_are_paired_by_number_and_only_those_that_all_have():
    def group(first, numbers):
        return [SimpleNamespace(spec=SimpleNamespace(seed=s), metrics={"m": v})
                for s, v in enumerate(numbers, first)]  # fmt: skip

    runs = {("p", "a"): group(0, (1.0, 2.0, 3.0)), ("p", "b"): group(1, (20.0, 30.0, 40.0))[::-1]}
    found = rule.paired(runs, "p", ("a", "b"), "m")
    assert list(found["a"]) == [2.0, 3.0] and list(found["b"]) == [20.0, 30.0]


def test_colours_come_back_in_place():
    image = np.zeros((3, 4, 4), np.uint8)
    image[1, 2, 3] = 255
    shown = downstream.as_picture(image.ravel())
    assert shown.shape == (4, 4, 3) and tuple(shown[2, 3]) == (0, 255, 0)
    assert downstream.as_picture(np.arange(9, dtype=np.uint8)).tolist()[1] == [3, 4, 5]


@pytest.mark.parametrize("there", ["the run's", "another", "none"])
def test_test_images_stand_beside_what_was_made_of_them_or_not_at_all(there, monkeypatch):
    spec = sections.spec("generalization/mnist-5k/AE", "smoke")
    data = Data(spec)
    tests = data.test[0]
    record = {"data": {"sha256": data.digest if there != "another" else "of others"}}
    if there == "none":
        spec = sections.spec("generalization/cifar10/AE", "published")
        monkeypatch.setenv("ISOAE_DATA_DIR", "nowhere")
    run = Run(spec, record, np.empty(0), np.empty(0), [], Path())
    assert run.has_data == (there == "the run's")
    shown = downstream.test_images(run)
    assert set(shown) == ({"test image"} if there == "the run's" else set())
    assert all(np.array_equal(row, tests) for row in shown.values())


def test_pictures_that_may_not_be_published_are_not_shown_and_a_sentence_says_so():
    """Neither faces nor what networks made of them, even where this machine has CelebA."""
    faces = np.zeros((8, 12), np.uint8)
    known = {}
    for data in ("celeba", "cifar10"):
        here, spec = SimpleNamespace(test=(faces, None)), SimpleNamespace(data=data)
        run = SimpleNamespace(spec=spec, data=here, has_data=True, figure=lambda kind: faces)
        known[f"generalization/{data}", "AE"] = [run]
        rows = downstream.test_images(run) | downstream.kept_pictures(
            known, f"generalization/{data}", "rebuilt"
        )
        assert list(rows) == ([] if data == "celeba" else ["test image", "AE"])
    figure = downstream.pictures({})
    assert not figure.axes and "forbid" in figure.texts[0].get_text()
    plt.close(figure)


def stretched(n):
    """A run whose decoder (z_1, z_2 ** 2 / 2, 0) of points uniform in area stretches by z_2."""
    chart = np.random.default_rng(0).uniform((0, 0.5), (1, 1.5), size=(n, 2))
    codes = np.column_stack([chart[:, 0], np.sqrt(2 * chart[:, 1])])
    sigma = np.sort(np.column_stack([np.ones(n), codes[:, 1]]))[:, ::-1]
    return SimpleNamespace(codes=codes, chart=chart, singular_values=sigma)


def test_only_the_corrected_density_of_a_stretched_map_is_even():
    run = stretched(4000)
    inside = density.inner(run)
    assert 0.4 < inside.mean() < 0.6
    plain, right = (density.on_manifold(run, corrected)[inside] for corrected in (False, True))
    assert density.unevenness(right) < 0.1 < density.unevenness(plain)
    assert right.mean() == pytest.approx(1, abs=0.1)  # uniform on an area of 1


def test_the_table_of_densities_has_both_and_the_error():
    run = stretched(300)
    run.metrics = {"rmse": 0.25}
    shown = downstream.density_table({"AE": run}).loc["AE"]
    plain, right = (density.on_manifold(run, corrected) for corrected in (False, True))
    inside = density.inner(run)
    wanted = [density.unevenness(plain[inside]), density.unevenness(right[inside]), 0.25]
    assert list(shown) == [f"{value:.3f}" for value in wanted]


def test_a_density_is_divided_by_the_area_that_the_decoder_makes():
    codes = np.random.default_rng(0).standard_normal((20, 2))
    run = SimpleNamespace(codes=codes, singular_values=np.tile([3, 2], (20, 1)))
    of_codes, of_points = (density.on_manifold(run, corrected) for corrected in (False, True))
    assert of_points == pytest.approx(of_codes / 6, rel=1e-5)


def test_unevenness_does_not_depend_on_the_unit():
    assert density.unevenness(np.array([2.0, 6.0])) == pytest.approx(0.5)
    assert density.unevenness(np.array([20.0, 60.0])) == pytest.approx(0.5)


def test_the_figure_shows_densities_of_codes_whatever_the_decoder_does():
    run = stretched(20)
    figure = downstream.densities({"I-AE": run})
    of_codes = gaussian_kde(run.codes.T)(run.codes.T)
    (drawn,) = figure.axes[0].collections
    assert drawn.get_array().data == pytest.approx(of_codes / of_codes.mean())
    plt.close(figure)


def test_tables_are_frames():
    assert isinstance(downstream.split_table({}), pd.DataFrame)
    assert len(downstream.split_table({})) == 12
    shown = downstream.sampling_table({}, {"MNIST": "generalization/mnist"})
    assert list(shown.index) == [
        downstream.table_7_name(m) for m in sections.SECTIONS["generalization"].methods
    ]


def test_what_table_7_is_judged_by_is_a_mean_over_seeds():
    def group(errors):
        return [
            SimpleNamespace(
                spec=SimpleNamespace(points=8000), record={"data": {"official": False}},
                metrics={"mean_image_error": error, "classifier_accuracy": 0.5},
            )
            for error in errors
        ]  # fmt: skip

    shown = downstream.data_table({("there", "AE"): group((1.0, 2.0))}, {"MNIST": "there"})
    assert shown.loc["MNIST"].to_dict() == {
        "training images": "8,000", "official data": "no: a copy",
        "error of the mean image": "1.50", "accuracy of the classifier": "0.500",
    }  # fmt: skip


def test_a_row_of_pictures_shows_the_images_of_its_method_in_order():
    rng = np.random.default_rng(0)
    rows = {m: rng.integers(0, 256, (n, 49), np.uint8) for m, n in (("I-AE", 3), ("test image", 4))}
    figure = downstream.pictures(rows)
    grid = iter(figure.axes)
    for name, row in zip(("L_piso + L_iso", "test image"), rows.values(), strict=True):
        for k, image in enumerate(row[:3]):
            axes = next(grid)
            (drawn,) = axes.images
            assert np.array_equal(drawn.get_array(), image.reshape(7, 7))
            assert drawn.get_clim() == (0, 255) and drawn.get_cmap().name == "gray"
            assert axes.get_ylabel() == ("" if k else name)
    plt.close(figure)


def test_of_mnist_and_its_stand_in_the_one_with_all_methods_is_shown():
    every = {m: (2.0,) for m in sections.SECTIONS["generalization"].methods}
    runs = table("generalization", "mnist-5k", every, "error_per_pixel")
    runs |= table("generalization", "mnist", {"AE": (1.0,)}, "error_per_pixel")
    shown = downstream.generalization_table("mnist", {"ours": runs}, {})["ours", "error x 1000"]
    assert shown["AE"] == shown["WAE"] == "2.00¹"
