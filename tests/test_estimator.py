"""One's own points: scikit-learn's conventions, and what a fit keeps of them."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from own_points import gutter, turned
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from torch import nn

from isoae_lib import IsometricAutoencoder
from isoae_lib.core import checkpoints, training
from isoae_lib.core.faithfulness import kept
from isoae_lib.core.methods import METHODS
from isoae_lib.errors import InputError
from isoae_lib.files import ROOT

TINY = {"hidden": (16,), "steps": 20, "batch_size": 32, "random_state": 0}
QUICK = {
    "hidden": (32, 32), "steps": 250, "batch_size": 64, "learning_rate": 1e-2, "random_state": 0
}  # fmt: skip


@pytest.fixture(scope="module")
def half_cylinder():
    return gutter(500, 0)


@pytest.fixture(scope="module")
def unrolled(half_cylinder):
    torch.manual_seed(0)
    return IsometricAutoencoder(**QUICK).fit(half_cylinder[0])


@parametrize_with_checks([IsometricAutoencoder(**TINY)])
def test_it_is_a_transformer_of_scikit_learn(estimator, check, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # without it, one of the checks is skipped
    check(estimator)


def test_asking_for_it_is_what_loads_pytorch():
    code = (
        "import sys, isoae_lib; assert 'torch' not in sys.modules; "
        "isoae_lib.IsometricAutoencoder; assert 'torch' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_it_unrolls_a_half_cylinder_and_rolls_it_up_again(half_cylinder, unrolled):
    points, flat = half_cylinder
    correlation, _, scale = kept(unrolled.transform(points), flat)
    assert correlation > 0.99
    assert scale == pytest.approx(1, abs=0.05)
    back = unrolled.inverse_transform(unrolled.transform(points))
    assert np.abs(back - points).mean() < 0.03
    assert back == pytest.approx(unrolled.reconstruct(points))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x + np.array([100, -200, 300]),
        lambda x: x * 1e4,
        lambda x: x * 1e-4,
        lambda x: turned(x, 6),
        lambda x: x[::-1],
    ],
    ids=["shift", "large", "small", "rotation", "order"],
)
def test_how_points_are_placed_plays_no_part(change, half_cylinder):
    points, flat = half_cylinder
    moved = change(points)
    size = np.linalg.norm(moved[0] - moved[1]) / np.linalg.norm(points[0] - points[1])
    if moved.shape == points.shape and np.array_equal(moved, points[::-1]):
        flat, size = flat[::-1], 1
    codes = IsometricAutoencoder(**QUICK).fit_transform(moved)
    correlation, _, scale = kept(codes, flat)
    assert correlation > 0.99
    assert scale / size == pytest.approx(1, abs=0.05)


def test_shift_and_scale_by_powers_of_two_change_no_bit(half_cylinder):
    points = half_cylinder[0].astype(np.float32).astype(np.float64)
    model = IsometricAutoencoder(**TINY)
    codes = model.fit_transform(points)
    assert np.allclose(model.fit_transform(8 * points), 8 * codes, rtol=1e-12)


def test_columns_may_be_scaled_one_by_one(half_cylinder):
    points = half_cylinder[0]
    model = IsometricAutoencoder(**TINY, scale="columns")
    codes = model.fit_transform(points)
    assert model.fit_transform(points * [1, 64, 1 / 1024]) == pytest.approx(codes, rel=1e-5)
    standard = StandardScaler().fit_transform(points)
    assert IsometricAutoencoder(**TINY).fit_transform(standard) == pytest.approx(codes, rel=1e-3)


def test_the_same_seed_gives_the_same_bits_and_another_other_ones(half_cylinder):
    points = half_cylinder[0]
    first, again, other = (
        IsometricAutoencoder(**TINY | {"random_state": seed}).fit_transform(points)
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again) and not np.allclose(first, other)


@pytest.mark.parametrize("state", [torch.no_grad, torch.inference_mode])
def test_a_caller_without_gradients_gets_the_same_fit(state, half_cylinder):
    wanted = IsometricAutoencoder(**TINY).fit_transform(half_cylinder[0])
    with state():
        found = IsometricAutoencoder(**TINY).fit_transform(half_cylinder[0])
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize("method", METHODS)
def test_rivals_can_be_compared(method, half_cylinder):
    model = IsometricAutoencoder(**TINY, method=method).fit(half_cylinder[0])
    assert np.isfinite(model.score(half_cylinder[0]))


def test_new_points_go_where_their_neighbours_are(half_cylinder, unrolled):
    new, flat = gutter(300, seed=7)
    assert kept(unrolled.transform(new), flat)[0] > 0.99


def test_points_off_the_sheet_are_as_far_from_it_as_they_are(half_cylinder, unrolled):
    """A point at radius 1.4 is 0.4 away from the half cylinder, whose units these are."""
    inside = half_cylinder[0][(np.abs(half_cylinder[0][:, 0]) < 0.8)]
    off = inside * [1.4, 1.4, 1]
    assert np.median(unrolled.distance_to_manifold(off)) == pytest.approx(0.4, abs=0.08)
    assert np.median(unrolled.distance_to_manifold(inside)) < 0.05


def test_codes_are_in_the_units_of_the_data(half_cylinder, unrolled):
    there = unrolled.distance_to_manifold(half_cylinder[0])
    back = unrolled.reconstruct(half_cylinder[0]) - half_cylinder[0]
    assert there == pytest.approx(np.linalg.norm(back, axis=1))


def test_a_search_over_the_weight_ends_inside_its_range(half_cylinder):
    weights = [1e-5, 0.05, 50.0]
    search = GridSearchCV(IsometricAutoencoder(**QUICK), {"weight": weights}, cv=2, refit=False)
    assert search.fit(half_cylinder[0]).best_params_ == {"weight": 0.05}


def test_it_works_in_a_pipeline_with_names_in_and_out(half_cylinder):
    table = pd.DataFrame(half_cylinder[0], columns=["x", "y", "z"])
    model = IsometricAutoencoder(**TINY).set_output(transform="pandas")
    codes = clone(model).fit(table).transform(table)
    assert list(codes) == ["isometricautoencoder0", "isometricautoencoder1"]
    assert codes.index.equals(table.index)
    with pytest.raises(ValueError, match="feature names"):
        model.fit(table).transform(table[["z", "y", "x"]])
    pipe = make_pipeline(StandardScaler(), IsometricAutoencoder(**TINY))
    assert pipe.fit_transform(half_cylinder[0]).shape == (500, 2)


def test_a_saved_model_is_the_same_and_holds_no_points(half_cylinder, tmp_path):
    table = pd.DataFrame(half_cylinder[0], columns=["x", "y", "z"])
    model = IsometricAutoencoder(**TINY, weight=np.float64(0.1)).fit(table)
    folder = model.save(tmp_path / "model")
    again = IsometricAutoencoder.load(folder)
    assert np.array_equal(again.transform(table), model.transform(table))
    assert again.history_ == model.history_ and again.weight == 0.1
    assert np.isfinite(again.partial_fit(table).transform(table)).all()
    assert list(again.feature_names_in_) == ["x", "y", "z"]
    assert sorted(file.name for file in folder.iterdir()) == ["model.json", "weights.safetensors"]
    more = IsometricAutoencoder(**TINY, weight=0.1).fit(pd.concat([table] * 8)).save(tmp_path / "m")
    sizes = [(f / "weights.safetensors").stat().st_size for f in (folder, more)]
    assert sizes[0] == sizes[1]


def test_what_is_no_model_is_not_loaded_and_not_overwritten(half_cylinder, tmp_path):
    model = IsometricAutoencoder(**TINY).fit(half_cylinder[0])
    (tmp_path / "mine").mkdir()
    with pytest.raises(InputError, match="is there already and is no model"):
        model.save(tmp_path / "mine")
    with pytest.raises(InputError, match="holds no model"):
        IsometricAutoencoder.load(tmp_path / "mine")
    folder = model.save(tmp_path / "model")
    assert model.save(folder) == folder
    weights = folder / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        IsometricAutoencoder.load(folder)


def networks():
    torch.manual_seed(0)
    return (
        nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 2)),
        nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 3)),
    )


def test_networks_of_ones_own_are_trained_and_stay_as_they_were(half_cylinder, tmp_path):
    encoder, decoder = networks()
    before = encoder[0].weight.clone()
    model = IsometricAutoencoder(encoder=encoder, decoder=decoder, **QUICK).fit(half_cylinder[0])
    assert kept(model.transform(half_cylinder[0]), half_cylinder[1])[0] > 0.95
    assert torch.equal(before, encoder[0].weight)
    folder = model.save(tmp_path / "model")
    with pytest.raises(InputError, match="hand in encoder and decoder"):
        IsometricAutoencoder.load(folder)
    again = IsometricAutoencoder.load(folder, *networks())
    assert np.array_equal(again.transform(half_cylinder[0]), model.transform(half_cylinder[0]))


def test_images_keep_their_shape():
    images = np.random.default_rng(0).integers(0, 256, (60, 1, 8, 8)).astype(np.uint8)
    encoder = nn.Sequential(
        nn.Conv2d(1, 4, 4, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 4 * 4, 2)
    )
    decoder = nn.Sequential(
        nn.Linear(2, 4 * 4 * 4), nn.ReLU(), nn.Unflatten(1, (4, 4, 4)),
        nn.ConvTranspose2d(4, 1, 4, 2, 1),
    )  # fmt: skip
    model = IsometricAutoencoder(encoder=encoder, decoder=decoder, steps=20, random_state=0)
    assert model.fit_transform(images).shape == (60, 2)
    assert model.reconstruct(images).shape == images.shape
    assert model.reconstruct(images).dtype == np.float32
    assert model.inverse_transform(model.transform(images)).shape == images.shape
    assert np.isfinite(model.score(images))


def test_networks_that_do_not_fit_are_refused(half_cylinder):
    encoder, decoder = networks()
    with pytest.raises(InputError, match="belong together"):
        IsometricAutoencoder(encoder=encoder).fit(half_cylinder[0])
    with pytest.raises(InputError, match="the encoder does not take points of shape"):
        IsometricAutoencoder(encoder=decoder, decoder=encoder).fit(half_cylinder[0])
    with pytest.raises(InputError, match=r"the encoder gives \(2,\)"):
        IsometricAutoencoder(3, encoder=encoder, decoder=decoder).fit(half_cylinder[0])


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"n_components": 4}, "n_components is 4, more than the columns"),
        ({"n_components": 0}, "n_components is 0: it must be a whole number, 1 or more"),
        ({"steps": 1.5}, "steps is 1.5: it must be a whole number"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"weight": float("nan")}, "weight is nan"),
        ({"hidden": (16, 0)}, "hidden is (16, 0)"),
        ({"method": "I-EA"}, "unknown method 'I-EA': did you mean I-AE"),
        ({"scale": "rows"}, "unknown scale 'rows'"),
        ({"validation_fraction": 1}, "validation_fraction is 1"),
        ({"device": "abacus"}, "device 'abacus' is not on this machine"),
        ({"patience": -1}, "patience is -1"),
        ({"checkpoint": "x", "random_state": None}, "set random_state"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_wrong_parameter_is_one_sentence(wrong, says, half_cylinder):
    with pytest.raises(InputError) as caught:
        IsometricAutoencoder(**TINY | wrong).fit(half_cylinder[0])
    assert says in str(caught.value) and "\n" not in str(caught.value)


def test_before_a_fit_there_is_nothing_to_ask(half_cylinder):
    model = IsometricAutoencoder()
    for ask in (model.transform, model.inverse_transform, model.score, model.diagnose):
        with pytest.raises(NotFittedError):
            ask(half_cylinder[0])


def test_training_ends_early_where_nothing_is_gained(half_cylinder):
    settings = TINY | {"steps": 1000, "learning_rate": 0.0}
    model = IsometricAutoencoder(**settings, patience=3).fit(half_cylinder[0])
    assert model.history_[-1]["step"] == 500 + 4 * 20  # from half of the steps on, 4 looks


def test_the_weights_that_are_best_on_points_held_out_are_kept(half_cylinder):
    settings = QUICK | {"steps": 100}
    model = IsometricAutoencoder(**settings).fit(half_cylinder[0])
    losses = {row["step"]: row["held_out"] for row in model.history_}
    assert model.n_steps_ == min(losses, key=losses.get)


def test_a_fit_that_diverges_says_so(half_cylinder):
    with pytest.warns(ConvergenceWarning, match="smaller learning_rate"):
        IsometricAutoencoder(**TINY | {"learning_rate": 1e30}).fit(half_cylinder[0])


def test_more_points_are_learnt_without_losing_the_map(half_cylinder, unrolled):
    points, flat = gutter(800, 3)
    left = flat[:, 0] < np.pi / 2
    model = IsometricAutoencoder(**QUICK).fit(points[left])
    before = model.distance_to_manifold(points).mean()
    for _ in range(15):
        model.partial_fit(points)
    assert model.distance_to_manifold(points).mean() < 0.5 * before
    assert kept(model.transform(points), flat)[0] > 0.98
    assert [row["step"] for row in model.history_] == sorted(r["step"] for r in model.history_)


def test_a_single_new_point_is_enough_to_go_on(half_cylinder):
    model = IsometricAutoencoder(**TINY).fit(half_cylinder[0])
    before = model.transform(half_cylinder[0])
    after = model.partial_fit(half_cylinder[0][:1]).transform(half_cylinder[0])
    assert not np.array_equal(before, after) and after == pytest.approx(before, abs=0.1)
    with pytest.raises(ValueError, match="minimum of 2"):
        IsometricAutoencoder(**TINY).partial_fit(half_cylinder[0][:1])


class Killed(Exception):  # noqa: N818
    pass


def test_a_fit_that_was_stopped_goes_on_with_the_same_bits(half_cylinder, tmp_path, monkeypatch):
    file, points = tmp_path / "fit.checkpoint", half_cylinder[0]
    settings = TINY | {"steps": 100}
    whole = IsometricAutoencoder(**settings).fit(points)
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0)
    save, written = checkpoints.save, []

    def killed(*words):
        save(*words)
        written.append(words)
        if len(written) == 2:
            raise Killed

    monkeypatch.setattr(checkpoints, "save", killed)
    with pytest.raises(Killed):
        IsometricAutoencoder(**settings, checkpoint=file).fit(points)
    monkeypatch.setattr(checkpoints, "save", save)
    assert file.exists()
    other = IsometricAutoencoder(**settings | {"hidden": (8,)}, checkpoint=file).fit(points)
    assert other.n_steps_ > 0 and not file.exists()  # another fit does not go on from there
    save(*written[-1])
    again = IsometricAutoencoder(**settings, checkpoint=file).fit(points)
    assert np.array_equal(again.transform(points), whole.transform(points))
    assert [row["held_out"] for row in again.history_] == [r["held_out"] for r in whole.history_]
    assert not list(tmp_path.iterdir())


def test_progress_is_shown_only_where_somebody_looks(half_cylinder, capsys):
    IsometricAutoencoder(**TINY).fit(half_cylinder[0])
    assert capsys.readouterr() == ("", "")
    IsometricAutoencoder(**TINY, verbose=True).fit(half_cylinder[0])
    assert "20/20" in capsys.readouterr().err


def test_a_fit_warns_of_nothing(half_cylinder):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = IsometricAutoencoder(**TINY).fit(half_cylinder[0])
        model.transform(half_cylinder[0])
        json.dumps(model.history_)
