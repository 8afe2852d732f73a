"""Training, validation and test images never meet, and splits are what they are called."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_images import COIL20_FILE, faces, png, views, write_zip

from isoae_lib.core import arrays
from isoae_lib.core.networks import fully_connected, normalised
from isoae_lib.errors import InputError
from isoae_lib.paper import datasets, sections
from isoae_lib.paper.data import decoding, images
from isoae_lib.paper.datasets import Data, split_views
from isoae_lib.paper.specs import AMBIENT, RunSpec

DIGITS = RunSpec(data="mnist-5k", method="AE", points=3000, validation=500, network="FC-NN")


def rows(pixels):
    return {row.tobytes() for row in pixels}


def test_training_validation_and_test_images_do_not_meet():
    train, _ = Data(DIGITS).train
    validation = Data(DIGITS).held_out
    test, labels = Data(DIGITS).test
    assert [len(part) for part in (train, validation, test, labels)] == [3000, 500, 1000, 1000]
    assert len(rows(train) | rows(validation) | rows(test)) == 4500


def test_the_split_of_coil20_is_what_it_is_called_and_follows_the_seed(data):
    (data / "coil20").mkdir(parents=True)
    pictures = ((name, png(array)) for name, array in views())
    write_zip(data / "coil20" / COIL20_FILE, pictures)
    for split in ("stratified", "random"):
        spec = RunSpec(data="coil20", method="AE", points=1080, network="S-CNN", split=split)
        (train, _), (test, objects) = Data(spec).train, Data(spec).test
        assert (len(train), len(test)) == (1080, 360)
        assert len(rows(train) | rows(test)) == 1440
        assert np.array_equal(test[:, 0], objects + 1)
        assert (np.bincount(objects, minlength=20) == 18).all() == (split == "stratified")
        assert rows(test) != rows(Data(replace(spec, seed=1)).test[0])


def test_the_faces_that_choose_the_epoch_are_no_test(data):
    faces(data / "celeba" / decoding.CELEBA_FOLDER, 80)
    spec = RunSpec(data="celeba", method="AE", points=64, validation=8, network="CelebA-CNN")
    test, _ = Data(spec).test
    parts = Data(spec).train[0], Data(spec).held_out, test
    assert [len(part) for part in parts] == [64, 8, 8]
    assert len(set.union(*map(rows, parts))) == 80
    assert not Data(spec).official
    assert Data(DIGITS).official and Data(RunSpec(data="s-shape", method="AE")).official


def test_the_papers_scale_has_all_training_and_validation_images_and_its_epochs():
    """Those of decision 13."""
    for data, epochs in (("mnist", 100), ("cifar10", 100), ("celeba", 70)):
        spec = sections.spec(f"generalization/{data}/AE", "paper")
        assert spec.steps * spec.batch / spec.points == pytest.approx(epochs, rel=1e-3)
        cuts = spec.points, spec.points + spec.validation
        if data == "celeba":
            assert cuts == images.CELEBA_CUTS
        else:
            assert cuts[1] == images.DATA_SETS[data].size


def test_tested_data_are_official_if_training_and_test_images_are(monkeypatch):
    parts = {"train": True, "test": False}
    monkeypatch.setattr(datasets, "_images", lambda _, part: SimpleNamespace(official=parts[part]))
    assert Data(DIGITS).official and not Data(replace(DIGITS, latent=16)).official
    split = RunSpec(data="coil20", method="AE", points=1080, latent=16, split="random")
    assert Data(split).official  # its test images are training images of the data set


@pytest.mark.parametrize("name", images.DATA_SETS)
def test_an_entry_says_everything_of_its_data_set(name):
    known = images.DATA_SETS[name]
    assert AMBIENT[name] == np.prod(known.shape) and "train" in known.parts
    assert known.licence and known.pictures and known.page.startswith("https://")
    assert all(part.checksum for part in known.parts.values())
    assert bool(known.files) != bool(known.package) and 0 <= known.held_back < known.size
    if known.poses:
        assert known.size == known.poses * len(known.classes)
    tested = [RunSpec(data=name, method="AE", latent=16, split=s) for s in ("random", "stratified")]
    assert all(spec.tested for spec in tested)
    if "test" in known.parts:
        assert RunSpec(data=name, method="AE", latent=16).split == "official"


def test_a_part_that_is_not_there_is_reported():
    with pytest.raises(InputError, match="unknown part of mnist-5k 'validation': known: train"):
        images.load("mnist-5k", "validation")


def test_the_unit_of_bytes_is_that_of_pixels_between_0_and_1():
    points = np.array([[0, 51], [255, 153]], np.uint8)
    assert arrays.mean_deviation(points) == pytest.approx(0.35)
    assert arrays.mean_deviation(points / 255) == pytest.approx(0.35)


def test_too_few_images_for_training_and_validation_is_reported():
    with pytest.raises(InputError, match="5000 images to train on, not 5200"):
        _ = Data(replace(DIGITS, points=4700)).train


@pytest.mark.parametrize("change", [{"latent": 16}, {"network": "MNIST-CNN"}])
def test_a_run_that_is_tested_may_not_have_the_test_images(change):
    every = replace(DIGITS, validation=0, points=4000, **change)
    train, test = Data(every).train[0], Data(every).test[0]
    assert len(rows(train) | rows(test)) == 5000
    for more in ({"points": 4001}, {"validation": 1}):
        with pytest.raises(InputError, match="4000 images to train on, not 4001"):
            _ = Data(replace(every, **more)).train


def test_views_without_a_split_are_for_the_plane_alone():
    RunSpec(data="coil20", method="AE", points=1440, network="L-CNN")
    with pytest.raises(InputError, match="no official test images: set split=stratified"):
        RunSpec(data="coil20", method="AE", points=1080, network="L-CNN", latent=16)


def test_digits_for_table_6_have_a_margin():
    wide, narrow = (
        Data(replace(DIGITS, network=network)).train[0] for network in ("MNIST-CNN", "FC-NN")
    )
    assert wide.shape == (3000, 1024)
    assert np.array_equal(wide.reshape(-1, 32, 32)[:, 2:-2, 2:-2].reshape(-1, 784), narrow)
    assert wide.sum(dtype=np.int64) == narrow.sum(dtype=np.int64)


@pytest.mark.parametrize("stratified", [True, False])
def test_a_split_has_every_image_once_three_quarters_to_train_on(stratified):
    labels = np.repeat(np.arange(20), 72)
    train, test = split_views(labels, stratified, 0)
    assert (len(train), len(test)) == (1080, 360)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(1440))
    assert (np.bincount(labels[test]) == 18).all() == stratified
    assert not np.array_equal(test, split_views(labels, stratified, 1)[1])
    assert np.array_equal(test, split_views(labels, stratified, 0)[1])
    assert (np.diff(labels[train]) != 0).mean() > 0.5  # shuffled: the first so many are a sample


def test_normalised_networks_have_spectral_norms_of_one():
    model = normalised(fully_connected(3, 2, width=16, depth=2), seed=0)
    for _ in range(200):
        model(torch.zeros(1, 3))
    for layer in model.modules():
        if isinstance(layer, torch.nn.Linear):
            norm = torch.linalg.matrix_norm(layer.weight.detach(), 2)
            assert float(norm) == pytest.approx(1, rel=1e-3)
