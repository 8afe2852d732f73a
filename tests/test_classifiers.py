"""Accuracy comes from what the codes know of the classes, and from nothing else."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.svm import LinearSVC
from torch import nn

from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.metrics import classifiers
from isoae_lib.paper.metrics.classifiers import accuracies

CLASSES, EACH, D = 10, 60, 16


@pytest.fixture
def clouds():
    """Ten Gaussian clouds that a line separates: codes and classes, to train on and to test."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(CLASSES), EACH)
    z = 6 * rng.normal(size=(CLASSES, D))[y] + rng.normal(size=(len(y), D))
    return z[::2], y[::2], z[1::2], y[1::2]


def test_separated_clouds_are_told_apart(clouds):
    found = accuracies(*clouds)
    assert set(found) == {"svm", "svm_standardised", "knn", "knn_standardised"}
    assert min(found.values()) > 0.97


def test_swapped_labels_make_every_accuracy_collapse(clouds):
    z, y, test_z, test_y = clouds
    shuffled = np.random.default_rng(1).permutation(y)
    assert max(accuracies(z, shuffled, test_z, test_y).values()) < 0.3
    assert max(accuracies(z, y, test_z, (test_y + 1) % CLASSES).values()) < 0.03


def test_noise_in_place_of_codes_makes_every_accuracy_collapse(clouds):
    _, y, _, test_y = clouds
    z, test_z = np.random.default_rng(2).normal(size=(2, len(y), D))
    assert max(accuracies(z, y, test_z, test_y).values()) < 0.2


def test_standardised_codes_do_not_know_their_units(clouds):
    z, y, test_z, test_y = clouds
    units = 10.0 ** np.arange(-4, 12, 1)
    plain = accuracies(z, y, test_z, test_y)
    scaled = accuracies(z * units, y, test_z * units, test_y)
    assert scaled["knn_standardised"] == plain["knn_standardised"]
    assert scaled["svm_standardised"] == pytest.approx(plain["svm_standardised"], abs=0.01)
    assert scaled["knn"] < plain["knn"] - 0.05


def test_the_linear_machine_has_the_penalty_of_decision_18(clouds, monkeypatch):
    asked = []
    monkeypatch.setattr("sklearn.svm.LinearSVC", lambda **given: asked.append(given) or LinearSVC())
    accuracies(*clouds)
    assert [given["C"] for given in asked] == [1, 1]


def test_a_fifth_neighbour_has_its_say():
    """Two close neighbours of one class, three further ones of another: the three win."""
    z, y = np.array([[0.0], [0.1], [1.0], [1.1], [1.2]]), np.array([0, 0, 1, 1, 1])
    assert classifiers.accuracies(z, y, np.array([[0.05]]), np.array([1]))["knn"] == 1


def test_an_autoencoder_is_judged_on_test_images():
    """Identity, up to 0.1 a pixel; of the test images, every other has the label of another."""
    y = np.tile(np.arange(4), 12)
    x = 200 * np.eye(4, dtype=np.uint8)[y]
    data = SimpleNamespace(truth=y, test=(x[:40], (y + y % 2)[:40] % 4))
    model = Autoencoder(nn.Linear(4, 4), nn.Linear(4, 4))
    for layer, bias in ((model.encoder, 0.0), (model.decoder, 0.1)):
        layer.weight.data, layer.bias.data = torch.eye(4), torch.full((4,), bias)
    found = classifiers.measure_classification(model, data, x / 255)
    assert found.pop("test_rmse") == pytest.approx(0.1)
    assert len(found) == 4 and set(found.values()) == {0.5}
